"""Which kind of file it is, and its rows as DuckDB tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import duckdb

from agents.data.csv_text import load_csv
from agents.data.opened import lock, quoted
from agents.data.sqlite_file import MAGIC, load_sqlite
from domain.errors import Refused

TABLE = "data"  # what a file with one table is called in SQL


class Format(StrEnum):
    """The kinds of files that are read."""

    TEXT = "csv"
    JSON = "json"
    PARQUET = "parquet"
    SQLITE = "sqlite"


SUFFIXES: Mapping[str, Format] = {
    ".csv": Format.TEXT,
    ".tsv": Format.TEXT,
    ".tab": Format.TEXT,
    ".txt": Format.TEXT,
    ".json": Format.JSON,
    ".jsonl": Format.JSON,
    ".ndjson": Format.JSON,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
    ".db": Format.SQLITE,
    ".sqlite": Format.SQLITE,
    ".sqlite3": Format.SQLITE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What was read. `encoding` and `has_header` speak of text files."""

    format: Format
    tables: tuple[str, ...]
    encoding: str = "utf-8"
    has_header: bool = True


def load(connection: duckdb.DuckDBPyConnection, request: Mapping[str, Any], scratch: Path) -> Loaded:
    """Read the file of a request into tables, and lock the connection. Raises Refused when it cannot be read."""
    given = Path(request["path"])
    if given.stat().st_size == 0:
        raise Refused("data.empty")
    loaded = _load(connection, given, request.get("table"), scratch)
    lock(connection)
    return loaded


def _load(connection: duckdb.DuckDBPyConnection, given: Path, table: str | None, scratch: Path) -> Loaded:
    kind = _format(given)
    match kind:
        case Format.TEXT:
            text, layout = load_csv(connection, given, TABLE, scratch)
            return Loaded(format=kind, tables=(TABLE,), encoding=text.encoding, has_header=layout.has_header)
        case Format.SQLITE:
            return Loaded(format=kind, tables=load_sqlite(connection, given, table, scratch))
        case Format.JSON | Format.PARQUET:
            _load_one(connection, given, "read_parquet(?)" if kind is Format.PARQUET else _JSON, scratch)
            return Loaded(format=kind, tables=(TABLE,))


_JSON = "read_json(?, sample_size=-1, maximum_object_size=67108864)"


def _format(given: Path) -> Format:
    with given.open("rb") as file:
        start = file.read(len(MAGIC))
    if start == MAGIC:
        return Format.SQLITE
    if start.startswith(b"PAR1"):
        return Format.PARQUET
    kind = SUFFIXES.get(given.suffix.lower())
    if kind is None:
        raise Refused("data.unknown_format", known=", ".join(SUFFIXES))
    return kind


def _load_one(connection: duckdb.DuckDBPyConnection, given: Path, read: str, scratch: Path) -> None:
    link = scratch / "given"  # DuckDB would take * and [ in a name for a pattern
    link.symlink_to(given)
    try:
        connection.execute(f"CREATE TABLE {quoted(TABLE)} AS FROM {read}", [str(link)])
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise Refused("data.not_readable", detail=str(error).split("\n")[0][:200]) from error
