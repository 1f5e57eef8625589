"""What a chart shows when its asker left it open. Pure: columns in, a choice out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.data.shape import NUMBERS, TIMES, Column
from domain.errors import Refused

MAX_GROUPS = 50  # different values a column may have to be taken for a category
_AMOUNT = re.compile(r"total|amount|revenue|sales|turnover|profit|value|sum|金额|总|额|收入|利润", re.IGNORECASE)
_IDENTITY = re.compile(r"(^|_|\b)(id|no|nr|code|key|index|year|编号|序号|年份?)$", re.IGNORECASE)
# What people call columns that the file calls otherwise, in either language.
_WORDS = (
    frozenset({"region", "area", "地区", "区域"}),
    frozenset({"product", "item", "产品", "商品"}),
    frozenset({"category", "categories", "类别", "分类", "品类"}),
    frozenset({"date", "day", "time", "日期", "时间"}),
    frozenset({"quantity", "数量"}),
    frozenset({"price", "unit_price", "价格", "单价"}),
    frozenset({"total", "amount", "sale", "revenue", "金额", "销售额", "总额", "收入"}),
    frozenset({"customer", "client", "客户", "顾客"}),
    frozenset({"channel", "渠道"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What to draw: `y` over `x`, put together by `agg`. A histogram has no `y`; a count needs none."""

    kind: str
    x: Column
    y: Column | None
    agg: str


def choose(columns: Sequence[Column], distinct: Mapping[str, int], request: Mapping[str, Any]) -> Choice:
    """Fill in what the request leaves open, from the columns and how many different values each has.

    Raises Refused when it names a column that is not there or nothing can be drawn.
    """
    x, y = (_named(columns, request.get(axis)) for axis in ("x", "y"))
    kind = request.get("kind") or _kind(columns, distinct, x, y)
    agg = request.get("agg") or "sum"
    if kind == "hist":
        return Choice(kind=kind, x=_number(columns, x or y, None), y=None, agg="count")
    if kind == "scatter":
        y = _number(columns, y, x)
        spread = sorted(columns, key=lambda column: -distinct[column.name])
        return Choice(kind=kind, x=_number(spread, x, y), y=y, agg="none")
    x = x or _across(columns, distinct, kind, y)
    if agg == "count" or (y is None and not _numbers(columns, x)):
        return Choice(kind=kind, x=x, y=None, agg="count")
    return Choice(kind=kind, x=x, y=_number(columns, y, x), agg=agg)


def _named(columns: Sequence[Column], name: str | None) -> Column | None:
    if not name:
        return None
    asked = _same(name)
    found = [column for column in columns if column.name == name]
    found += [column for column in columns if column.name.casefold() == name.strip().casefold()]
    found += [column for column in columns if _same(column.name) & asked]
    if not found:
        raise Refused("data.no_such_column", column=name[:100], columns=", ".join(each.name for each in columns[:30]))
    return found[0]


def _same(name: str) -> frozenset[str]:
    """A name and the other words for it, whatever its case and number."""
    word = name.strip().casefold()
    words = {word, word.removesuffix("s")}
    return frozenset(words.union(*(group for group in _WORDS if words & group)))


def _kind(columns: Sequence[Column], distinct: Mapping[str, int], x: Column | None, y: Column | None) -> str:
    if x is not None and x.kind in TIMES:
        return "line"
    if x is not None and x.kind in NUMBERS and distinct[x.name] > MAX_GROUPS:
        return "scatter" if y is not None else "hist"
    if x is not None or _categories(columns, distinct):
        return "bar"
    return "line" if any(column.kind in TIMES for column in columns) else "hist"


def _categories(columns: Sequence[Column], distinct: Mapping[str, int]) -> list[Column]:
    grouping = {"text", "boolean"}
    return [column for column in columns if column.kind in grouping and 2 <= distinct[column.name] <= MAX_GROUPS]


def _across(columns: Sequence[Column], distinct: Mapping[str, int], kind: str, y: Column | None) -> Column:
    times = [column for column in columns if column.kind in TIMES]
    categories = _categories(columns, distinct)
    found = times + categories if kind == "line" else categories + times
    few = [column for column in columns if column is not y and 2 <= distinct[column.name] <= MAX_GROUPS]
    rest = [column for column in columns if column is not y]
    chosen = next(iter([*found, *few, *rest]), None)
    if chosen is None:
        raise Refused("data.nothing_to_draw")
    return chosen


def _numbers(columns: Sequence[Column], but: Column | None) -> list[Column]:
    """Columns that can be added up, the likeliest first."""
    found = [column for column in columns if column.kind in NUMBERS and column is not but]
    amounts = [column for column in found if _AMOUNT.search(column.name)]
    measures = [column for column in found if not _IDENTITY.search(column.name)]
    return [*amounts, *measures, *found]


def _number(columns: Sequence[Column], given: Column | None, but: Column | None) -> Column:
    if given is not None and given.kind not in NUMBERS:
        raise Refused("data.not_numeric", column=given.name)
    chosen = given or next(iter(_numbers(columns, but)), None)
    if chosen is None:
        raise Refused("data.nothing_to_draw")
    return chosen
