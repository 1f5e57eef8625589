"""Orders in an SQLite database."""

import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL,
    state TEXT NOT NULL,
    total REAL NOT NULL,
    placed_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS lines (
    order_id TEXT NOT NULL REFERENCES orders (id),
    sku TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    price REAL NOT NULL
);
"""


class Storage:
    """Keeps what reports and the customer's own list need."""

    def __init__(self, path=":memory:"):
        self._connection = sqlite3.connect(path)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(SCHEMA)

    def save(self, order):
        """Insert an order, or update it."""
        values = (order.id, order.cart.customer_id, order.state.value, order.quote.total, order.placed_at.isoformat())
        with self._connection:
            self._connection.execute("INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?)", values)
            self._connection.execute("DELETE FROM lines WHERE order_id = ?", (order.id,))
            for line in order.cart.lines.values():
                row = (order.id, line.product.sku, line.quantity, line.product.price)
                self._connection.execute("INSERT INTO lines VALUES (?, ?, ?, ?)", row)

    def orders_of(self, customer_id):
        """A customer's orders, the newest first."""
        rows = self._connection.execute(
            "SELECT * FROM orders WHERE customer_id = ? ORDER BY placed_at DESC", (customer_id,)
        )
        return [dict(row) for row in rows]

    def search(self, text, state=None):
        """Orders whose id or customer contains the text."""
        sql = f"SELECT * FROM orders WHERE (id LIKE '%{text}%' OR customer_id LIKE '%{text}%')"
        if state:
            sql += f" AND state = '{state}'"
        return [dict(row) for row in self._connection.execute(sql)]

    def sold(self, since):
        """Pieces sold per product since a day (ISO)."""
        rows = self._connection.execute(
            "SELECT sku, sum(quantity) AS pieces, sum(quantity * price) AS revenue FROM lines"
            " JOIN orders ON orders.id = lines.order_id"
            " WHERE orders.state IN ('paid', 'shipped') AND orders.placed_at >= ? GROUP BY sku",
            (since,),
        )
        return [dict(row) for row in rows]
