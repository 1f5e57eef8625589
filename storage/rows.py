"""What all tables share: one catalogue, the kinds of columns, indexes on a condition."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import BigInteger, Index, Integer, MetaData, Table, Text, TextClause, false
from sqlmodel import Field, SQLModel

from storage.columns import UtcTime, Words

TENANT = "main"  # of rows that belong to the installation rather than to a user

Key = Annotated[str, Field(sa_type=Words, primary_key=True)]
Number = Annotated[int, Field(primary_key=True)]
Word = Annotated[str, Field(sa_type=Words)]
MaybeWord = Annotated[str | None, Field(sa_type=Words)]
Json = Annotated[str, Field(sa_type=Text)]
MaybeJson = Annotated[str | None, Field(sa_type=Text)]
Flag = Annotated[bool, Field(sa_column_kwargs={"server_default": false()})]  # for programs that do not know it yet
LateWord = Annotated[str, Field(sa_type=Words, sa_column_kwargs={"server_default": ""})]  # the same
Time = Annotated[datetime, Field(sa_type=UtcTime)]
MaybeTime = Annotated[datetime | None, Field(sa_type=UtcTime)]
TaskKey = Annotated[str, Field(sa_type=Words, primary_key=True, foreign_key="task.id", ondelete="CASCADE")]
TaskRef = Annotated[str, Field(sa_type=Words, index=True, foreign_key="task.id", ondelete="CASCADE")]
RowNumber = Annotated[int | None, Field(primary_key=True, sa_type=BigInteger().with_variant(Integer, "sqlite"))]


class Row(SQLModel):
    """A row of any table: one catalogue of names, the same on every database."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
        }
    )


def table(name: str) -> Table:
    """A table by its name."""
    return Row.metadata.tables[name]


def index(name: str, condition: TextClause | None, *columns: str) -> None:
    """Index the table that `name` begins with (`ix_<table>_...`), only the rows of a condition if there is one."""
    its = next(table for table in Row.metadata.sorted_tables if name.startswith(f"ix_{table.name}_"))
    Index(name, *(its.c[column] for column in columns), sqlite_where=condition, postgresql_where=condition)
