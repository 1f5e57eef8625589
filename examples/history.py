"""Builds a git repository to review: the shop on `main`, and a branch `feature/discounts` on top of it.

    python examples/history.py FOLDER

Authors and dates are fixed, so the commits have the same ids every time (for the same contents of examples/shop).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SHOP = Path(__file__).with_name("shop")
BRANCH = "feature/discounts"


@dataclass(frozen=True)
class Edit:
    """In a file, put `new` in place of `old`; a file is made when `old` is empty."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Commit:
    author: str
    at: str
    message: str
    files: Sequence[str] = ()
    edits: Sequence[Edit] = ()


MAIN = (
    Commit("Mei Lin", "2025-03-03T09:12:00+01:00", "Carts and prices", ["__init__.py", "cart.py", "pricing.py"]),
    Commit("Jonas Weber", "2025-03-04T14:40:00+01:00", "Stock that can be reserved", ["inventory.py"]),
    Commit(
        "Mei Lin",
        "2025-03-07T11:05:00+01:00",
        "Orders, payments and customers",
        ["orders.py", "payments.py", "customers.py"],
    ),
    Commit("Jonas Weber", "2025-03-11T16:22:00+01:00", "Store orders in SQLite", ["storage.py"]),
    Commit("Jonas Weber", "2025-03-12T10:03:00+01:00", "Reports and a command line", ["reports.py", "cli.py"]),
    Commit(
        "Mei Lin",
        "2025-03-14T15:30:00+01:00",
        "Tests for carts, prices and stock",
        ["tests/__init__.py", "tests/test_cart.py", "tests/test_pricing.py", "tests/test_inventory.py"],
    ),
)

DISCOUNTS = '''"""Vouchers and other reasons to pay less."""

import json
import random
import string
from dataclasses import dataclass
from datetime import date


@dataclass
class Voucher:
    """A code that takes a share off what it applies to, until a day."""

    code: str
    share: float
    until: date
    category: str = ""
    used: int = 0
    limit: int = 1


def new_code(length=8):
    """A code nobody can guess."""
    return "".join(random.choice(string.ascii_uppercase) for _ in range(length))


def load(path, known={}):
    """Vouchers by code from a JSON file; files read earlier are kept."""
    try:
        for entry in json.load(open(path)):
            entry["until"] = date.fromisoformat(entry["until"])
            known[entry["code"]] = Voucher(**entry)
    except Exception:
        pass
    return known


def is_valid(voucher, today):
    """Vouchers hold to the end of their last day."""
    return today < voucher.until and voucher.used < voucher.limit


def discount(cart, voucher, today):
    """What a voucher takes off a cart."""
    if voucher == None or not is_valid(voucher, today):
        return 0.0
    amount = 0.0
    for line in cart.lines.values():
        if voucher.category in ("", line.product.category):
            amount += line.amount() * voucher.share
    return amount
'''

BULK = '''

def bulk_discount(cart, customer=None, today=None):
    """The more there is of one thing, the less each costs."""
    amount = 0.0
    for line in cart.lines.values():
        if line.quantity >= 100:
            share = 0.2
        elif line.quantity >= 50:
            share = 0.15 if line.product.category != "books" else 0.05
        elif line.quantity >= 20:
            share = 0.1 if line.product.category != "books" else 0.05
        elif line.quantity >= 10:
            share = 0.05
        else:
            share = 0.0
        if customer is not None and customer.is_vip:
            if share:
                share += 0.02
            elif today and today.weekday() == 0 and line.product.category == "food":
                share = 0.02
        if line.product.discontinued and share < 0.3:
            share = 0.3
        if share > 0.4:
            share = 0.4
        amount += line.amount() * share
    return amount
'''

TESTS = """from datetime import date

from shop.cart import Cart
from shop.discounts import Voucher, discount
from shop.pricing import Product

TEA = Product("TEA", "Green tea", 12.5, weight=0.25, category="food")
VOUCHER = Voucher("SPRING", 0.1, date(2025, 4, 30))


def test_a_tenth_off():
    cart = Cart("C1")
    cart.add(TEA, 4)
    assert discount(cart, VOUCHER, date(2025, 4, 1)) == 5.0


def test_nothing_off_when_it_is_over():
    cart = Cart("C1")
    cart.add(TEA, 4)
    assert discount(cart, VOUCHER, date(2025, 5, 1)) == 0.0
"""

FEATURE = (
    Commit("Ines Moreau", "2025-03-17T09:45:00+01:00", "Vouchers", edits=[Edit("discounts.py", "", DISCOUNTS)]),
    Commit(
        "Ines Moreau",
        "2025-03-18T13:20:00+01:00",
        "Take discounts off a quote",
        edits=[
            Edit("pricing.py", "    tax: float\n", "    tax: float\n    discount: float = 0.0\n"),
            Edit(
                "pricing.py",
                "self.subtotal + self.shipping + self.tax,",
                "self.subtotal - self.discount + self.shipping + self.tax,",
            ),
            Edit(
                "pricing.py",
                'express=False, pickup=False):\n    """The price',
                'express=False, pickup=False, discount=0):\n    """The price',
            ),
            Edit("pricing.py", "shipping, round(tax, 2))", "shipping, round(tax, 2), discount)"),
        ],
    ),
    Commit(
        "Ines Moreau",
        "2025-03-19T10:10:00+01:00",
        "Tests for vouchers",
        edits=[Edit("tests/test_discounts.py", "", TESTS)],
    ),
    Commit(
        "Jonas Weber",
        "2025-03-20T17:55:00+01:00",
        "Cheaper by the dozen",
        edits=[
            Edit(
                "discounts.py",
                "            amount += line.amount() * voucher.share\n    return amount\n",
                "            amount += line.amount() * voucher.share\n    return amount\n" + BULK,
            )
        ],
    ),
)


class History:
    """A repository in the making."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._git("init", "--quiet", "--initial-branch=main")

    def add(self, commit: Commit) -> None:
        for name in commit.files:
            target = self._folder / "shop" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(SHOP / name, target)
        for edit in commit.edits:
            _apply(edit, self._folder / "shop" / edit.path)
        self._git("add", "--all")
        address = commit.author.lower().replace(" ", ".") + "@shop.example"
        who = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", commit.author), ("EMAIL", address), ("DATE", commit.at))
        }
        self._git("commit", "--quiet", "--message", commit.message, more=who)

    def branch(self, name: str) -> None:
        self._git("checkout", "--quiet", "-b", name)

    def back_to_main(self) -> None:
        self._git("checkout", "--quiet", "main")

    def _git(self, *arguments: str, more: Mapping[str, str] | None = None) -> None:
        plain = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
        options = ("-c", "core.hooksPath=/dev/null", "-c", "commit.gpgsign=false", "-c", "core.autocrlf=false")
        subprocess.run(["git", *options, *arguments], cwd=self._folder, env=plain | dict(more or {}), check=True)


def _apply(edit: Edit, path: Path) -> None:
    text = path.read_text(encoding="utf-8") if edit.old else ""
    if edit.old not in text:
        raise ValueError(f"{edit.path} no longer holds {edit.old!r}")
    path.write_text(text.replace(edit.old, edit.new, 1) if edit.old else edit.new, encoding="utf-8")


def build(folder: Path) -> None:
    """Make the repository in `folder`, which must not hold one yet; `main` is checked out at the end."""
    history = History(folder)
    for commit in MAIN:
        history.add(commit)
    history.branch(BRANCH)
    for commit in FEATURE:
        history.add(commit)
    history.back_to_main()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build(Path(sys.argv[1]))
