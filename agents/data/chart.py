"""The numbers of a chart, computed by DuckDB, and the picture made of them."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.data.axes import Choice, choose
from agents.data.drawing import draw, title
from agents.data.opened import opened, time_limit
from agents.data.rows import Rows
from agents.data.shape import NUMBERS, TIMES, Column, columns_of
from agents.data.source import load
from agents.data.values import plain
from domain.errors import Refused

MAX_BARS = 20
MAX_POINTS = 1000
_MAX_BINS = 30
_FENCE = 10.0  # a histogram ends this many interquartile ranges beyond the quartiles
_TIME_S = 100.0
_UNITS = (("day", 93), ("week", 370), ("month", 3700), ("year", 10**9))  # the widest span in days each suits

Picture = dict[str, Any]


def chart(request: Mapping[str, Any], scratch: Path) -> Picture:
    """Draw the request's chart: the choice made, the numbers, and the PNG in base 64."""
    with opened(scratch) as connection, time_limit(connection, _TIME_S):
        rows = Rows.of(connection, load(connection, request, scratch).tables[0])
        columns = columns_of(rows)
        choice = choose(columns, _distinct(rows, columns), request)
        picture = _numbers(rows, choice)
    if not picture["points"]:
        raise Refused("data.nothing_to_draw")
    picture |= {"kind": choice.kind, "x": choice.x.name, "y": choice.y.name if choice.y else None, "agg": choice.agg}
    picture["is_first"] = choice.kind in {"bar", "line"} and picture["left_out"] > 0
    png, unreadable = draw(picture, request["language"])
    named = {"title": title(picture, request["language"]), "unreadable": unreadable}
    return {**picture, **named, "png": base64.b64encode(png).decode()}


def _distinct(rows: Rows, columns: list[Column]) -> dict[str, int]:
    found = rows.one(", ".join(f"count(DISTINCT {column.sql})" for column in columns))
    return {column.name: count for column, count in zip(columns, found, strict=True)}


def _numbers(rows: Rows, choice: Choice) -> Picture:
    match choice.kind:
        case "hist":
            return _histogram(rows, choice.x.sql)
        case "scatter":
            return _scatter(rows, choice)
        case "line":
            return _line(rows, choice)
        case _:
            return _bars(rows, choice)


def _measure(choice: Choice) -> str:
    return f"{choice.agg}({choice.y.sql})" if choice.y else "count(*)"


def _points(found: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [{"x": plain(x), "y": plain(y)} for x, y in found]


def _bars(rows: Rows, choice: Choice) -> Picture:
    order = f"GROUP BY x HAVING y IS NOT NULL ORDER BY y DESC, x LIMIT {MAX_BARS}"
    points = _points(rows.all(f"{choice.x.sql} AS x, {_measure(choice)} AS y", order))
    groups = rows.only(f"DISTINCT {choice.x.sql}").count()
    if choice.x.kind in TIMES | NUMBERS and groups <= MAX_BARS:
        points.sort(key=lambda point: (point["x"] is None, point["x"]))
    return {"points": points, "left_out": max(0, groups - MAX_BARS)}


def _line(rows: Rows, choice: Choice) -> Picture:
    unit = _unit(rows, choice.x)
    across = f"CAST(date_trunc('{unit}', {choice.x.sql}) AS DATE)" if unit else choice.x.sql
    order = f"WHERE x IS NOT NULL GROUP BY x HAVING y IS NOT NULL ORDER BY x LIMIT {MAX_POINTS + 1}"
    points = _points(rows.all(f"{across} AS x, {_measure(choice)} AS y", order))
    return {"points": points[:MAX_POINTS], "left_out": max(0, len(points) - MAX_POINTS), "unit": unit}


def _unit(rows: Rows, x: Column) -> str | None:
    """What a point of a line over time stands for."""
    if x.kind not in TIMES:
        return None
    (days,) = rows.one(f"date_diff('day', min({x.sql}), max({x.sql}))")
    return next(unit for unit, widest in _UNITS if (days or 0) <= widest)


def _scatter(rows: Rows, choice: Choice) -> Picture:
    x, y = choice.x.sql, choice.y.sql if choice.y else choice.x.sql
    both = rows.only(f"{x} AS x, {y} AS y, row_number() OVER () AS n", f"WHERE {x} IS NOT NULL AND {y} IS NOT NULL")
    count = both.count()
    step = max(1, -(-count // MAX_POINTS))  # every step-th row, in the order of the file
    points = _points(both.all("x, y", "WHERE n % ? = 0 ORDER BY n", [step]))
    return {"points": points, "left_out": count - len(points)}


def _histogram(rows: Rows, name: str) -> Picture:
    number = f"CAST({name} AS DOUBLE)"
    values = rows.only(f"{number} AS v", f"WHERE isfinite({number})")
    count, quartiles, lowest, highest = values.one("count(*), quantile_cont(v, [0.25, 0.75]), min(v), max(v)")
    if not count:
        return {"points": [], "left_out": 0}
    reach = _FENCE * (quartiles[1] - quartiles[0])
    low, high = (max(lowest, quartiles[0] - reach), min(highest, quartiles[1] + reach)) if reach else (lowest, highest)
    bins = min(_MAX_BINS, max(5, round(count**0.5)))
    width = (high - low) / bins or 1.0
    place = "least(floor((v - ?) / ?), ?)"
    counted = dict(
        values.all(
            f"{place} AS place, count(*)", "WHERE v BETWEEN ? AND ? GROUP BY 1", [low, width, bins - 1, low, high]
        )
    )
    edges = itertools.pairwise(low + width * each for each in range(bins + 1))
    points = [{"x": start, "until": end, "y": counted.get(each, 0)} for each, (start, end) in enumerate(edges)]
    return {"points": points, "left_out": count - sum(counted.values())}
