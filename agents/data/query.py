"""One SELECT of a user over a file, on a connection that can reach nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from agents.data.opened import opened, time_limit
from agents.data.source import load
from agents.data.values import plain
from domain.errors import Refused

MAX_ROWS = 1000
MAX_SQL = 20_000  # characters
_MAX_BYTES = 256 * 1024  # of rows as JSON
_LOAD_S = 90.0
_QUERY_S = 10.0


def query(request: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """Run the request's `sql`; `{"columns": [...], "rows": [[...]], "truncated": bool}`.

    Raises Refused when it is not exactly one SELECT, does not run, or takes longer than `query_s`.
    """
    with opened(scratch) as connection:
        with time_limit(connection, _LOAD_S):
            tables = load(connection, request, scratch).tables
        try:
            with time_limit(connection, request.get("query_s", _QUERY_S)):
                _check(connection, request["sql"])
                return _rows(connection, request["sql"], min(max(request["limit"], 1), MAX_ROWS))
        except (duckdb.OutOfMemoryException, duckdb.InterruptException):
            raise
        except (duckdb.Error, RuntimeError, ValueError, OverflowError) as error:  # a value Python cannot hold
            raise Refused("data.bad_sql", detail=_first_line(error), tables=", ".join(tables[:20])) from error


def _check(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    if len(sql) > MAX_SQL or "\0" in sql:
        raise Refused("data.not_one_select")
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type is not duckdb.StatementType.SELECT:
        raise Refused("data.not_one_select")


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, limit: int) -> dict[str, Any]:
    result = connection.execute(sql)
    columns = [column[0] for column in result.description]
    rows: list[list[Any]] = []
    room = _MAX_BYTES
    while len(rows) < limit and (row := result.fetchone()) is not None:
        rows.append([plain(value) for value in row])
        room -= len(json.dumps(rows[-1]))
        if room < 0:
            return {"columns": columns, "rows": rows[:-1], "truncated": True}
    return {"columns": columns, "rows": rows, "truncated": result.fetchone() is not None}


def _first_line(error: Exception) -> str:
    """What DuckDB says is wrong, without its drawing of the place."""
    return " ".join(line.strip() for line in str(error).split("\n\n")[0].splitlines())[:300]
