"""What columns a table has, in words a person uses."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.data.opened import quoted
from agents.data.rows import Rows

_KINDS = (
    (r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?", "integer"),
    (r"FLOAT|DOUBLE|REAL|DECIMAL.*", "number"),
    (r"VARCHAR|UUID|ENUM.*", "text"),
    (r"DATE", "date"),
    (r"TIMESTAMP.*", "timestamp"),
    (r"BOOLEAN", "boolean"),
)
_NESTED = re.compile(r"STRUCT|MAP|UNION|JSON|VARIANT|LIST|.*\[\d*\]$")
TIMES = frozenset({"date", "timestamp"})
NUMBERS = frozenset({"integer", "number"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column. `sql` is how a query names it; what is nested is compared as its JSON text."""

    name: str
    kind: str
    sql: str


def columns_of(rows: Rows) -> list[Column]:
    """The columns of a table, in order."""
    described = rows.connection.execute(f"DESCRIBE {rows.source}").fetchall()
    return [_column(name, kind) for name, kind, *_ in described]


def _column(name: str, kind: str) -> Column:
    word = next((word for pattern, word in _KINDS if re.fullmatch(pattern, kind)), None)
    is_nested = word is None and _NESTED.match(kind)
    sql = f"CAST({quoted(name)} AS VARCHAR)" if is_nested else quoted(name)
    return Column(name=name, kind=word or ("nested" if is_nested else kind.lower()), sql=sql)
