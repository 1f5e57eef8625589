"""Small data files for the tests of the `data` agent, and its work without the child process around it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from agents.data.__main__ import work

SALES = "region,product,quantity,price\nNorth,tea,2,1.10\nSouth,tea,1,1.10\n,kettle,3,20\nNorth,kettle,-1,20\n"


def perform(operation: str, path: Path, **more: Any) -> Any:
    """What the child would answer."""
    return work({"operation": operation, "path": str(path), "language": "en", "agg": "sum", "limit": 200, **more})


def written(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    """A file with that content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def sqlite(path: Path, *statements: str) -> Path:
    """An SQLite file made by those statements."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return path


def parquet(path: Path, select: str) -> Path:
    """A Parquet file with the rows of a SELECT."""
    duckdb.connect().execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path
