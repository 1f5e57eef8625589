"""The few statements that SQLite and PostgreSQL write differently."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, Select, Table, any_, bindparam
from sqlalchemy.dialects import postgresql, sqlite

from storage.columns import Words

Insert = postgresql.Insert | sqlite.Insert
InsertInto = Callable[[Table], Insert]
IsOneOf = Callable[[ColumnElement[str]], ColumnElement[bool]]


class InEither:
    """A statement that begins as an INSERT, made once for each dialect: to make it costs more than to run it.

    Args:
        build: makes it out of the dialect's INSERT.
    """

    def __init__(self, build: Callable[[InsertInto], Executable]) -> None:
        self._made = {"postgresql": build(postgresql.insert), "sqlite": build(sqlite.insert)}

    def of(self, connection: Connection) -> Executable:
        """The one that this connection understands."""
        return self._made[connection.dialect.name]


class AboutIds:
    """A SELECT of ids and versions about some `ids`, made once for each dialect.

    Args:
        build: makes it out of the condition that a column is one of them.
    """

    def __init__(self, build: Callable[[IsOneOf], Select[str, int]]) -> None:
        self._made = {
            "postgresql": build(lambda column: column == any_(bindparam("ids", type_=postgresql.ARRAY(Words)))),
            "sqlite": build(lambda column: column.in_(bindparam("ids", expanding=True))),
        }

    def of(self, connection: Connection) -> Select[str, int]:
        """The one that this connection understands."""
        return self._made[connection.dialect.name]


def insert_or(connection: Connection, table: Table) -> Insert:
    """An INSERT that can say what to do when the row is there already."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def upsert(connection: Connection, table: Table, *columns: str) -> Insert:
    """An INSERT that replaces these columns when the row is there already."""
    statement = insert_or(connection, table)
    fresh: dict[str, Any] = {column: statement.excluded[column] for column in columns}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=fresh)


def among(connection: Connection, column: ColumnElement[str], ids: Collection[str]) -> ColumnElement[bool]:
    """`column IN ids`; on PostgreSQL one statement however many ids, so that it is planned once."""
    if connection.dialect.name == "postgresql":
        return column == any_(bindparam(None, list(ids), type_=postgresql.ARRAY(Words)))
    return column.in_(list(ids))
