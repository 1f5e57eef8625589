"""JSON as it may come from outside: no duplicate keys, no NaN, bounded depth and number length."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from domain.errors import Malformed

MAX_DEPTH = 32
MAX_DIGITS = 400
_SURROGATE = re.compile(r"[\ud800-\udfff]|\\u[dD][89a-fA-F]")


def loads(text: str | bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """Parse `text`. Raises Malformed with a named reason for everything that is not strict JSON.

    Args:
        text: the document; it must be UTF-8, or could be.
        max_depth: how many lists and objects may stand inside one another.
    """
    try:
        read = text.decode() if isinstance(text, bytes) else text
        value = _DECODER.decode(read)
        if _SURROGATE.search(read):  # in pairs they spell one character; alone nobody could store or send them
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise Malformed("error.malformed", detail="not UTF-8 text") from error
    except RecursionError as error:
        raise Malformed("error.malformed", detail=f"nested deeper than {max_depth}") from error
    except ValueError as error:
        raise Malformed("error.malformed", detail=str(error)) from error
    if _is_deeper(value, max_depth):
        raise Malformed("error.malformed", detail=f"nested deeper than {max_depth}")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value] # set.add is the idiom's false branch
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return read


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise ValueError(f"a number of more than {MAX_DIGITS} digits")
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _float(digits: str) -> float:
    value = float(digits)
    if value in {float("inf"), float("-inf")}:
        raise ValueError(f"the number {digits[:20]} is out of range")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_float, parse_constant=_no_constant
)


def _is_deeper(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [inner for outer in level if isinstance(outer, dict | list) for inner in _inside(outer)]
        if not level:
            return False
    return any(isinstance(value, dict | list) for value in level)


def _inside(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value
