"""What the texts of a table really are: whole numbers, numbers, dates … decided over every row, not a sample.

A column changes its type only when every value that is there reads as it, so nothing is lost. A number with
leading zeros stays text: it is a code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agents.data.opened import literal
from agents.data.rows import Rows
from agents.data.shape import Column, columns_of

_START = 1000  # rows
NUMBER = r"[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?"
_DAY = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}"


class Candidate(NamedTuple):
    """A type, and the pattern its texts must match before DuckDB's own reading counts."""

    type: str
    pattern: str


NUMBERS = (
    Candidate("BIGINT", r"[+-]?(0|[1-9]\d{0,17})"),
    Candidate("DECIMAL(18,4)", r"[+-]?(0|[1-9]\d{0,13})(\.\d{1,4})?"),  # money adds up to the cent
    Candidate("DOUBLE", NUMBER),
)
BOOLEANS = (Candidate("BOOLEAN", "(?i:true|false)"),)
TIMES = (Candidate("DATE", _DAY), Candidate("TIMESTAMP", _DAY + r"[ T]\d{1,2}:\d{2}.*"))


def typed(rows: Rows, candidates: Sequence[Candidate]) -> None:
    """Give the text columns of a table the first of `candidates` that all their values read as."""
    columns = columns_of(rows)
    found = {column: _found(rows, column.sql, candidates) for column in columns if column.kind == "text"}
    if any(found.values()):
        kept = ", ".join(_typed(column, found.get(column)) for column in columns)
        rows.connection.execute(f"CREATE OR REPLACE TABLE {rows.source} AS {rows.only(kept).source}")


def _typed(column: Column, found: Candidate | None) -> str:
    return f"CAST(trim({column.sql}) AS {found.type}) AS {column.sql}" if found else column.sql


def _found(rows: Rows, column: str, candidates: Sequence[Candidate]) -> Candidate | None:
    """The first candidate that fits every value; the first rows rule most out before all are read."""
    start = rows.only(column, f"LIMIT {_START}")
    likely = [candidate for candidate in candidates if _fits_all(start, column, candidate)]
    is_there = likely and rows.one(f"count({column})")[0] > 0
    return next((candidate for candidate in likely if is_there and _fits_all(rows, column, candidate)), None)


def _fits_all(rows: Rows, column: str, candidate: Candidate) -> bool:
    values, read = rows.one(f"count({column}), count({_read(column, candidate)})")
    return bool(values == read)


def _read(column: str, candidate: Candidate) -> str:
    """SQL for a text read as the candidate, NULL when it is not one."""
    text = f"trim({column})"
    value = f"TRY_CAST({text} AS {candidate.type})"
    fits = f"regexp_full_match({text}, {literal(candidate.pattern)})"
    finite = f" AND isfinite({value})" if candidate.type == "DOUBLE" else ""
    return f"CASE WHEN {fits}{finite} THEN {value} END"
