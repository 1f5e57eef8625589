"""Writing many rows at once, each with values of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, Insert, Table, Update, bindparam, column, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

Given = Mapping[str, ColumnElement[Any]]  # the values of one row, as a statement names them
Types = dict[str, TypeEngine[Any]]
Row = Mapping[str, Any]
Bind = Callable[[Any], Any]
Compiled = tuple[str, tuple[str, ...]]


def types_of(table: Table, columns: Iterable[str]) -> Types:
    """The types of some columns, by name."""
    return {name: table.c[name].type for name in columns}


class Many:
    """An UPDATE or INSERT of many rows.

    It is turned into text once: putting it together costs more than running it. SQLite runs it row by row within one
    call. PostgreSQL gets what all rows share as it is and the rest as one array per value, which it joins with the
    table: a single round trip, however many rows.

    Args:
        build: makes the statement out of the values of one row; besides these it has `null()` and `true()` only.
        types: names and types of those values.
    """

    def __init__(self, build: Callable[[Given], Update | Insert], types: Types) -> None:
        self._build = build
        self._types = types
        self._compiled: dict[tuple[str, ...], Compiled] = {}
        self._binds: dict[str, Mapping[str, Bind]] = {}

    def run(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Write the rows, of which no two are equal; how many there were."""
        if not rows:
            return 0
        dialect = connection.dialect
        binds = self._binds.get(dialect.name) or self._binds_of(dialect)
        if dialect.name != "postgresql":
            text, names = self._text(dialect, ())
            given = [tuple(binds[name](row[name]) for name in names) for row in rows]
            return connection.exec_driver_sql(text, given).rowcount
        arrays = {name: values for name in binds if (values := _differing(name, rows))}
        text, _ = self._text(dialect, tuple(arrays))
        shared = {name: bind(rows[0][name]) for name, bind in binds.items() if name not in arrays}
        arrays = {name: [binds[name](value) for value in values] for name, values in arrays.items()}
        return connection.exec_driver_sql(text, shared | arrays).rowcount

    def _binds_of(self, dialect: Dialect) -> Mapping[str, Bind]:
        self._binds[dialect.name] = {name: _bind(kind, dialect) for name, kind in self._types.items()}
        return self._binds[dialect.name]

    def _text(self, dialect: Dialect, arrays: tuple[str, ...]) -> Compiled:
        """The statement, and the names of its values where it tells them by their place."""
        which = (dialect.name, *arrays)
        if which not in self._compiled:
            compiled = self._build(self._given(arrays)).compile(dialect=dialect)
            self._compiled[which] = str(compiled), tuple(getattr(compiled, "positiontup", None) or ())
        return self._compiled[which]

    def _given(self, arrays: tuple[str, ...]) -> Given:
        shared = {name: bindparam(name, type_=kind) for name, kind in self._types.items() if name not in arrays}
        if not arrays:
            return shared
        parameters = [bindparam(name, type_=ARRAY(self._types[name])) for name in arrays]
        columns = [column(name, self._types[name]) for name in arrays]
        rows = func.unnest(*parameters).table_valued(*columns).render_derived(name="given")
        return {**shared, **dict(rows.c.items())}


def _differing(name: str, rows: Sequence[Row]) -> list[Any]:
    """The values of one name, if they differ from row to row."""
    first = rows[0][name]
    if all(row[name] is first or row[name] == first for row in rows):
        return []
    return [row[name] for row in rows]


def _bind(kind: TypeEngine[Any], dialect: Dialect) -> Bind:
    return kind.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value)
