"""Writes examples/sales.csv: a year of orders of a small shop, the same bytes every time.

    python examples/make_sales.py

The data has the blemishes real exports have: regions nobody filled in, returns booked as negative quantities,
rows exported twice, and one order somebody typed two zeros too many into.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

SEED = 20250101
ORDERS = 4_980
COPIES = 20  # rows that stand twice
START = date(2025, 1, 1)
DAYS = 365

PRODUCTS = {
    "Coffee beans 1 kg": ("Pantry", 18.90),
    "Green tea 250 g": ("Pantry", 12.50),
    "Olive oil 750 ml": ("Pantry", 14.20),
    "Dark chocolate": ("Pantry", 3.40),
    "French press": ("Kitchen", 29.00),
    "Kettle": ("Kitchen", 49.90),
    "Chef's knife": ("Kitchen", 64.00),
    "Cutting board": ("Kitchen", 22.50),
    "Desk lamp": ("Home", 39.90),
    "Wool blanket": ("Home", 79.00),
    "Notebook A5": ("Office", 6.90),
    "Fountain pen": ("Office", 34.50),
}
REGIONS = {"North": 30, "South": 24, "East": 20, "West": 16, "Islands": 5}
CHANNELS = {"web": 60, "shop": 30, "phone": 10}
DISCOUNTS = {0.0: 70, 0.05: 15, 0.1: 10, 0.2: 5}
HEADER = (
    "date",
    "order_id",
    "region",
    "product",
    "category",
    "quantity",
    "unit_price",
    "discount",
    "total",
    "customer",
    "channel",
)


def pick(chance: random.Random, weights: dict[Any, int]) -> Any:
    return chance.choices(list(weights), list(weights.values()))[0]


def order(chance: random.Random, number: int) -> list[Any]:
    """One order. More is sold towards the end of the year."""
    day = START + timedelta(days=int(DAYS * chance.random() ** 0.8))
    product = chance.choice(list(PRODUCTS))
    category, price = PRODUCTS[product]
    quantity = max(1, round(chance.expovariate(0.45)))
    if chance.random() < 0.006:
        quantity = -quantity
    region = "" if chance.random() < 0.012 else pick(chance, REGIONS)
    discount = pick(chance, DISCOUNTS)
    total = f"{quantity * price * (1 - discount):.2f}"
    customer = f"C{chance.randint(1, 900):04d}"
    row = [day.isoformat(), f"SO-{number:05d}", region, product, category, quantity, f"{price:.2f}", discount, total]
    return [*row, customer, pick(chance, CHANNELS)]


def rows(seed: int = SEED) -> Iterator[list[Any]]:
    """All rows, by day."""
    chance = random.Random(seed)  # noqa: S311 -- example data
    orders = [order(chance, number) for number in range(1, ORDERS + 1)]
    typo = orders[3_141]
    typo[5], typo[8] = 500, f"{500 * float(typo[6]) * (1 - typo[7]):.2f}"
    orders += chance.sample(orders, COPIES)
    return iter(sorted(orders, key=lambda row: (row[0], row[1])))


def main(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("sales.csv"))
