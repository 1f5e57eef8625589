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
    found = _found(rows, [column.sql for column in columns if column.kind == "text"], candidates)
    if found:
        kept = ", ".join(_typed(column.sql, found.get(column.sql)) for column in columns)
        rows.connection.execute(f"CREATE OR REPLACE TABLE {rows.source} AS {rows.only(kept).source}")


def _typed(column: str, found: Candidate | None) -> str:
    return f"CAST(trim({column}) AS {found.type}) AS {column}" if found else column


def _found(rows: Rows, columns: Sequence[str], candidates: Sequence[Candidate]) -> dict[str, Candidate]:
    """The first candidate per column; the first rows rule most out before all rows are read, once per round."""
    every = [(column, candidate) for column in columns for candidate in candidates]
    start = rows.only("*", f"LIMIT {_START}")
    likely = [pair for pair, (values, read) in _counted(start, every).items() if values == read]
    found: dict[str, Candidate] = {}
    while likely:
        firsts = list({column: (column, candidate) for column, candidate in reversed(likely)}.values())
        counted = _counted(rows, firsts)
        found |= {column: candidate for (column, candidate), (values, read) in counted.items() if values == read > 0}
        likely = [pair for pair in likely if pair not in counted and pair[0] not in found]
    return found


def _counted(rows: Rows, pairs: Sequence[tuple[str, Candidate]]) -> dict[tuple[str, Candidate], tuple[int, int]]:
    """Per column and candidate how many values there are, and how many read as it."""
    if not pairs:
        return {}
    asked = ", ".join(f"count({column}), count({_read(column, candidate)})" for column, candidate in pairs)
    counts = rows.one(asked)
    return dict(zip(pairs, zip(counts[::2], counts[1::2], strict=True), strict=True))


def _read(column: str, candidate: Candidate) -> str:
    """SQL for a text read as the candidate, NULL when it is not one."""
    text = f"trim({column})"
    value = f"TRY_CAST({text} AS {candidate.type})"
    fits = f"regexp_full_match({text}, {literal(candidate.pattern)})"
    finite = f" AND isfinite({value})" if candidate.type == "DOUBLE" else ""
    return f"CASE WHEN {fits}{finite} THEN {value} END"
