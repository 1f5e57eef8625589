"""SELECTs over a table without writing each one out: the one place where SQL is put together from parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from agents.data.opened import quoted


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of `source`, which is SQL made of quoted names and fixed words, never of a user's text."""

    connection: duckdb.DuckDBPyConnection
    source: str

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, table: str) -> Rows:
        """The rows of a table."""
        return cls(connection, quoted(table))

    def all(self, selected: str, rest: str = "", values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """`SELECT selected FROM … rest` with `values` bound."""
        return self.connection.execute(self._select(selected, rest), list(values)).fetchall()

    def one(self, selected: str, rest: str = "", values: Sequence[Any] = ()) -> tuple[Any, ...]:
        """The single row of aggregates."""
        return self.all(selected, rest, values)[0]

    def only(self, selected: str, rest: str = "") -> Rows:
        """Part of these rows, to select from again."""
        return Rows(self.connection, f"({self._select(selected, rest)})")

    def count(self) -> int:
        """How many there are."""
        return int(self.one("count(*)")[0])

    def _select(self, selected: str, rest: str) -> str:
        return f"SELECT {selected} FROM {self.source} {rest}"  # noqa: S608 -- parts as the class says
