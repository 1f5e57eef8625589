"""What the texts of a table really are: whole numbers, numbers, dates … decided over every row, not a sample.

A column changes its type only when every value that is there reads as it, so nothing is lost. A number with
leading zeros stays text: it is a code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agents.data.opened import literal
from agents.data.rows import Rows
from agents.data.shape import columns_of

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
    for column in columns_of(rows):
        found = _found(rows, column.sql, candidates) if column.kind == "text" else None
        if found is not None:
            change = f"ALTER {column.sql} TYPE {found.type} USING {_read(column.sql, found)}"
            rows.connection.execute(f"ALTER TABLE {rows.source} {change}")


def _found(rows: Rows, column: str, candidates: Sequence[Candidate]) -> Candidate | None:
    counts = ", ".join(f"count({_read(column, candidate)})" for candidate in candidates)
    values, *read = rows.one(f"count({column}), {counts}")
    if not values:
        return None
    return next((candidate for candidate, count in zip(candidates, read, strict=True) if count == values), None)


def _read(column: str, candidate: Candidate) -> str:
    """SQL for a text read as the candidate, NULL when it is not one."""
    text = f"trim({column})"
    value = f"TRY_CAST({text} AS {candidate.type})"
    fits = f"regexp_full_match({text}, {literal(candidate.pattern)})"
    finite = f" AND isfinite({value})" if candidate.type == "DOUBLE" else ""
    return f"CASE WHEN {fits}{finite} THEN {value} END"
