"""What in a profile deserves a look. Pure: figures in, notes out; `agents.skills.data` puts them into words.

Severity: high when most of a column is missing; medium when a sum or a count made from the data would be wrong;
low when it is only worth knowing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents.data.source import Format, Loaded

_RARE = 0.05  # below this share something is an exception rather than the rule
_MIN_ROWS = 20  # fewer say nothing about what is usual

Figures = Mapping[str, Any]
Note = dict[str, Any]


def noted(profiles: Sequence[Figures], loaded: Loaded) -> list[Note]:
    """Everything notable, gravest first, then in the order of the columns."""
    notes = [*_about_file(loaded), *(note for table in profiles for note in _about_table(table, loaded))]
    return sorted(notes, key=lambda note: ("high", "medium", "low").index(note["severity"]))


def _note(severity: str, key: str, where: str = "", **values: Any) -> Note:
    return {"severity": severity, "key": f"data.note.{key}", "where": where, "values": values}


def _about_file(loaded: Loaded) -> Iterator[Note]:
    if loaded.encoding != "utf-8":
        yield _note("low", "encoding", encoding=loaded.encoding)
    if not loaded.has_header:
        yield _note("low", "no_header")


def _about_table(table: Figures, loaded: Loaded) -> Iterator[Note]:
    prefix = f"{table['name']}." if loaded.format is Format.SQLITE else ""
    if not table["rows"]:
        yield _note("medium", "no_rows", prefix.rstrip("."))
        return
    if table["duplicate_rows"]:
        yield _note("medium", "duplicates", prefix.rstrip("."), count=table["duplicate_rows"])
    if len(table["columns"]) < table["column_count"]:
        yield _note("low", "more_columns", shown=len(table["columns"]), count=table["column_count"])
    for column in table["columns"]:
        yield from _about_column(column, table["rows"], prefix + column["name"])


def _about_column(column: Figures, rows: int, where: str) -> Iterator[Note]:
    nulls = column["nulls"]
    if nulls == rows:
        yield _note("medium", "empty", where)
        return
    if nulls:
        share = nulls / rows
        severity = "low" if share < _RARE else "medium" if share < 0.5 else "high"
        yield _note(severity, "missing", where, count=nulls, percent=_percent(share))
    elif column["distinct"] == 1 and rows > 1:
        yield _note("low", "constant", where, value=column["min"])
    yield from _about_numbers(column, rows - nulls, where)
    yield from _about_texts(column, rows - nulls, where)


def _about_numbers(column: Figures, present: int, where: str) -> Iterator[Note]:
    negatives, outliers = column.get("negatives", 0), column.get("outliers", 0)
    if 0 < negatives < _RARE * present:
        yield _note("medium", "negative", where, count=negatives, lowest=column["min"])
    if outliers and present >= _MIN_ROWS:
        values = {"lowest": column["outlier_min"], "highest": column["outlier_max"], "usual": column["p50"]}
        yield _note("medium", "outliers", where, count=outliers, **values)


def _about_texts(column: Figures, present: int, where: str) -> Iterator[Note]:
    numbers = column.get("numbers", 0)
    if 0 < present - numbers <= 0.1 * present:
        yield _note("medium", "not_numbers", where, count=present - numbers, example=column["not_a_number"])
    spare = column["distinct"] - column.get("spellings", column["distinct"])
    if spare:
        yield _note("low", "spellings", where, count=spare)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else f"{share:.1%}"
