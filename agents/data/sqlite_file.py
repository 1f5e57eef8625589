"""An SQLite file as DuckDB tables. Only tables are read, by plain SELECTs on a read-only connection."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb

from agents.data.column_types import TIMES, typed
from agents.data.opened import literal, quoted
from agents.data.rows import Rows
from domain.errors import Refused

MAX_TABLES = 50
MAGIC = b"SQLite format 3\0"
_TABLES = """SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"""


def load_sqlite(
    connection: duckdb.DuckDBPyConnection, given: Path, wanted: str | None, scratch: Path
) -> tuple[str, ...]:
    """Make a DuckDB table of every table of `given`, or of `wanted` alone. Returns their names.

    Raises Refused when it is not an SQLite file or has no such table.
    """
    try:
        with closing(_read_only(given, scratch)) as source:
            tables = tuple(name for (name,) in source.execute(_TABLES))
            for table in _chosen(tables, wanted):
                _copy(source, connection, table, scratch / "rows.jsonl")
    except sqlite3.Error as error:
        raise Refused("data.bad_sqlite", detail=str(error)[:200]) from error
    return _chosen(tables, wanted)


def _read_only(given: Path, scratch: Path) -> sqlite3.Connection:
    log = given.with_name(given.name + "-wal")
    options = "mode=ro&immutable=1"
    if log.exists() and log.stat().st_size:  # the newest rows are still in the log, which needs a folder to write in
        given = Path(shutil.copy(given, scratch / "copy.db"))
        shutil.copy(log, scratch / "copy.db-wal")
        options = "mode=ro"
    source = sqlite3.connect(f"file:{quote(str(given))}?{options}", uri=True)
    source.text_factory = lambda text: text.decode("utf-8", errors="replace")
    source.execute("PRAGMA trusted_schema=OFF")
    source.execute("PRAGMA cell_size_check=ON")
    return source


def _chosen(tables: Sequence[str], wanted: str | None) -> tuple[str, ...]:
    if not tables:
        raise Refused("data.no_tables")
    if wanted is None:
        return tuple(tables[:MAX_TABLES])
    found = tuple(table for table in tables if table.casefold() == wanted.casefold())
    if not found:
        raise Refused("data.no_such_table", table=wanted[:100], tables=", ".join(tables[:20]))
    return found


def _copy(source: sqlite3.Connection, target: duckdb.DuckDBPyConnection, table: str, between: Path) -> None:
    rows = source.execute(f"SELECT * FROM {quoted(table)}")  # noqa: S608 -- a quoted name
    names = [column[0] for column in rows.description]
    with between.open("w", encoding="utf-8") as file:
        file.writelines(_lines(rows))
    columns = ", ".join(f"c{place}: {literal(kind)}" for place, kind in enumerate(_types(source, table, names)))
    read = f"read_json(?, format='newline_delimited', columns={{{columns}}}, maximum_object_size=67108864)"
    target.execute(f"CREATE TABLE {quoted(table)} AS FROM {read}", [str(between)])
    for place, name in enumerate(names):
        target.execute(f"ALTER TABLE {quoted(table)} RENAME c{place} TO {quoted(name)}")
    typed(Rows.of(target, table), TIMES)


def _lines(rows: Iterator[Sequence[Any]]) -> Iterator[str]:
    for row in rows:
        yield json.dumps({f"c{place}": _plain(value) for place, value in enumerate(row)}) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value[:64].hex()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _types(source: sqlite3.Connection, table: str, names: Sequence[str]) -> list[str]:
    """By what is stored, since SQLite does not hold a column to its declared type."""
    stored = ", ".join(f"group_concat(DISTINCT typeof({quoted(name)}))" for name in names)
    found = source.execute(f"SELECT {stored} FROM {quoted(table)}").fetchone()  # noqa: S608 -- quoted names
    kinds = [set((each or "").split(",")) for each in found]
    return ["VARCHAR" if kind & {"text", "blob"} else "DOUBLE" if "real" in kind else "BIGINT" for kind in kinds]
