"""A table in figures, exact ones: every row is counted, nothing is estimated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.data.column_types import NUMBER
from agents.data.notable import noted
from agents.data.opened import literal, opened, time_limit
from agents.data.rows import Rows
from agents.data.shape import NUMBERS, Column, columns_of
from agents.data.source import Format, load
from agents.data.values import plain

MAX_COLUMNS = 200  # columns described; all are counted
MAX_PROFILES = 12  # tables of one file described
_TOP = 5
_BRIEF = 100  # characters of one value
_FENCES = (3.0, 10.0)  # interquartile ranges beyond the quartiles: Tukey's outer fence, and a far one
_FEW = 0.005  # of all rows
_TIME_S = 100.0

Figures = dict[str, Any]


def profile(request: Mapping[str, Any], scratch: Path) -> Figures:
    """Profile the file of a request.

    `profiles` are its tables in figures, `others` the tables beyond the first few with their rows only, `is_one`
    says that the request is about a single table, `notes` is what deserves a look.
    """
    with opened(scratch) as connection, time_limit(connection, _TIME_S):
        loaded = load(connection, request, scratch)
        profiles = [_table(Rows.of(connection, table), table) for table in loaded.tables[:MAX_PROFILES]]
        others = [{"name": name, "rows": Rows.of(connection, name).count()} for name in loaded.tables[MAX_PROFILES:]]
    is_one = loaded.format is not Format.SQLITE or request.get("table") is not None
    return {"profiles": profiles, "others": others, "is_one": is_one, "notes": noted(profiles, loaded)}


def _table(rows: Rows, name: str) -> Figures:
    columns, count = columns_of(rows), rows.count()
    distinct = rows.only("DISTINCT " + ", ".join(column.sql for column in columns)).count()
    return {
        "name": name,
        "rows": count,
        "column_count": len(columns),
        "duplicate_rows": count - distinct,
        "columns": [_column(rows, column, count) for column in columns[:MAX_COLUMNS]],
    }


def _column(rows: Rows, column: Column, count: int) -> Figures:
    name = column.sql
    present, distinct, low, high = rows.one(f"count({name}), count(DISTINCT {name}), min({name}), max({name})")
    figures = {
        "name": column.name,
        "type": column.kind,
        "nulls": count - present,
        "distinct": distinct,
        "min": _brief(low),
        "max": _brief(high),
        "mean": None,
        "p50": None,
        "top": _top(rows, column) if distinct < present else [],
    }
    if column.kind in NUMBERS and present:
        return figures | _numeric(rows, column)
    return figures | (_textual(rows, column) if column.kind == "text" and present else {})


def _top(rows: Rows, column: Column) -> list[Figures]:
    order = f"WHERE value IS NOT NULL GROUP BY value ORDER BY times DESC, value LIMIT {_TOP}"
    counted = rows.all(f"{column.sql} AS value, count(*) AS times", order)
    return [{"value": _brief(value), "count": times} for value, times in counted]


def _numeric(rows: Rows, column: Column) -> Figures:
    number = f"CAST({column.sql} AS DOUBLE)"
    finite = rows.only(f"{number} AS n", f"WHERE isfinite({number})")
    mean, quartiles, negatives = finite.one("avg(n), quantile_cont(n, [0.25, 0.5, 0.75]), count(*) FILTER (n < 0)")
    if mean is None:
        return {}
    low, middle, high = quartiles
    return {"mean": _brief(mean), "p50": _brief(middle), "negatives": negatives, **_outliers(finite, low, high)}


def _outliers(finite: Rows, low: float, high: float) -> Figures:
    """What lies beyond the nearest fence that leaves few outside; where many do, the data is merely skewed."""
    few = max(1, finite.count() * _FEW)
    for fence in _FENCES:
        reach = fence * (high - low)
        count, lowest, highest = finite.one(
            "count(*), min(n), max(n)", "WHERE n < ? OR n > ?", [low - reach, high + reach]
        )
        if reach and count <= few:
            return {"outliers": count, "outlier_min": _brief(lowest), "outlier_max": _brief(highest)}
    return {"outliers": 0}


def _textual(rows: Rows, column: Column) -> Figures:
    text = f"trim({column.sql})"
    is_number = f"regexp_full_match({text}, {literal(NUMBER)})"
    numbers, odd, spellings = rows.one(
        f"count(*) FILTER ({is_number}), min({text}) FILTER (NOT {is_number}), count(DISTINCT lower({text}))",
        f"WHERE {column.sql} IS NOT NULL",
    )
    return {"numbers": numbers, "not_a_number": _brief(odd), "spellings": spellings}


def _brief(value: Any) -> Any:
    """One value of a table as a report shows it."""
    shown = plain(value)
    if isinstance(shown, float):
        return round(shown, 6)
    return shown[:_BRIEF] + "…" if isinstance(shown, str) and len(shown) > _BRIEF else shown
