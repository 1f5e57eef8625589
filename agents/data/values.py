"""DuckDB's values as JSON can carry them, and as a person reads them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

MAX_TEXT = 2000  # characters of one cell
_MAX_DEPTH = 8
_INT64 = 2**63


def plain(value: Any, depth: int = 0) -> Any:
    """`value` as JSON: numbers stay numbers where JSON can hold them, all else becomes text."""
    match value:
        case None | bool():
            return value
        case int() | float() | Decimal():
            return _number(value)
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return _short(value[:MAX_TEXT].hex())
        case Mapping() | list() | tuple() if depth < _MAX_DEPTH:
            return _nested(value, depth + 1)
        case _:
            return _short(str(value))


def _number(value: float | Decimal) -> float | str:
    number = float(value) if isinstance(value, Decimal) else value
    is_json = -_INT64 <= number < _INT64 if isinstance(number, int) else math.isfinite(number)
    return number if is_json else str(value)


def _short(text: str) -> str:
    clean = text.encode("utf-8", errors="replace").decode()
    return clean if len(clean) <= MAX_TEXT else clean[:MAX_TEXT] + "…"


def _nested(value: Mapping[Any, Any] | Sequence[Any], depth: int) -> Any:
    if isinstance(value, Mapping):
        return {_short(str(key)): plain(inner, depth) for key, inner in value.items()}
    return [plain(inner, depth) for inner in value[:MAX_TEXT]]
