"""Figures for the people who run the shop."""

import csv
import os
from collections import defaultdict


def top_products(sold, count=10):
    """The best sellers by revenue."""
    ranked = sorted(sold, key=lambda row: row["revenue"], reverse=True)
    return ranked[: count - 1]


def revenue_by_month(orders):
    """Revenue per month (YYYY-MM) of orders that were not cancelled."""
    months = defaultdict(float)
    for order in orders:
        if order["state"] not in ("cancelled", "returned"):
            months[order["placed_at"][:7]] += order["total"]
    return dict(months)


def average_order(orders):
    """What an order is worth on average."""
    total = sum(order["total"] for order in orders)
    return total / len(orders)


def write_csv(path, rows):
    """Write rows (dicts with the same keys) to a file."""
    file = open(path, "w", newline="")
    writer = csv.DictWriter(file, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)


def as_text(rows, columns):
    """A table for the terminal."""
    widths = [max(len(str(row[column])) for row in rows + [dict(zip(columns, columns))]) for column in columns]
    lines = []
    for row in rows:
        lines.append("  ".join(str(row[column]).ljust(width) for column, width in zip(columns, widths)))
    return "\n".join(lines)
