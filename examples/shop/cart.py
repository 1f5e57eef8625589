"""What a customer is about to buy."""

from dataclasses import dataclass, field

from .pricing import Product


@dataclass
class Line:
    product: Product
    quantity: int

    def amount(self):
        return self.product.price * self.quantity


@dataclass
class Cart:
    """Lines by product, in the order they were added."""

    customer_id: str
    lines: dict = field(default_factory=dict)

    def add(self, product, quantity=1):
        """Add some of a product; adding it again raises the quantity."""
        if quantity < 1:
            raise ValueError("quantity must be at least 1")
        line = self.lines.get(product.sku)
        if line is None:
            self.lines[product.sku] = Line(product, quantity)
        else:
            line.quantity += quantity

    def add_all(self, products, skipped=[]):
        """Add one of each; returns the products that are no longer sold."""
        for product in products:
            if product.discontinued:
                skipped.append(product)
            else:
                self.add(product)
        return skipped

    def remove(self, sku, quantity=None):
        """Take some out, or all of it."""
        line = self.lines[sku]
        if quantity is None or quantity > line.quantity:
            del self.lines[sku]
        else:
            line.quantity -= quantity

    def count(self):
        return sum(line.quantity for line in self.lines.values())

    def subtotal(self):
        """Before discounts, shipping and tax."""
        return sum(line.amount() for line in self.lines.values())

    def weight(self):
        return sum(line.product.weight * line.quantity for line in self.lines.values())

    def is_empty(self):
        return len(self.lines) == 0
