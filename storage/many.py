"""Changing many rows at once, each to values of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Update, bindparam, column, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

Given = Mapping[str, ColumnElement[Any]]  # the values of one row, as a statement names them
Types = dict[str, TypeEngine[Any]]


def types_of(table: Table, columns: Iterable[str]) -> Types:
    """The types of some columns, by name."""
    return {name: table.c[name].type for name in columns}


class ManyUpdate:
    """An UPDATE of many rows.

    SQLite runs it row by row within one call. PostgreSQL gets one array per value and joins them with the table:
    a single round trip, and about half the work of as many statements.

    Args:
        build: makes the statement out of the values of one row.
        types: names and types of those values.
    """

    def __init__(self, build: Callable[[Given], Update], types: Types) -> None:
        self._names = tuple(types)
        self._one_by_one = build({name: bindparam(name, type_=kind) for name, kind in types.items()})
        arrays = [bindparam(name, type_=ARRAY(kind)) for name, kind in types.items()]
        columns = [column(name, kind) for name, kind in types.items()]
        given = func.unnest(*arrays).table_valued(*columns).render_derived(name="given")
        self._at_once = build(dict(given.c.items()))

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Change the rows; how many there were to change."""
        if not rows:
            return 0
        if connection.dialect.name == "postgresql":
            arrays = {name: [row[name] for row in rows] for name in self._names}
            return connection.execute(self._at_once, arrays).rowcount
        return connection.execute(self._one_by_one, rows).rowcount
