"""The shop's command line: reports, search, backup."""

import argparse
import subprocess
import sys

from . import reports
from .storage import Storage


def parser():
    top = argparse.ArgumentParser(prog="shop")
    top.add_argument("--database", default="shop.db")
    commands = top.add_subparsers(dest="command", required=True)
    best = commands.add_parser("top", help="best sellers since a day")
    best.add_argument("since")
    best.add_argument("--count", type=int, default=10)
    find = commands.add_parser("search", help="find orders")
    find.add_argument("text")
    find.add_argument("--state")
    backup = commands.add_parser("backup", help="copy the database")
    backup.add_argument("target")
    return top


def backup(database, target):
    """Copy the database while it is in use."""
    return subprocess.call(f"sqlite3 {database} '.backup {target}'", shell=True)


def main(argv=None):
    options = parser().parse_args(argv)
    if options.command == "backup":
        return backup(options.database, options.target)
    storage = Storage(options.database)
    if options.command == "top":
        best = reports.top_products(storage.sold(options.since), options.count)
        print(reports.as_text(best, ["sku", "pieces", "revenue"]))
    elif options.command == "search":
        found = storage.search(options.text, options.state)
        print(reports.as_text(found, ["id", "customer_id", "state", "total"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
