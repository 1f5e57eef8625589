"""Where in a text JSON values are: the whole of it, code blocks, and what stands in prose."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from domain import strict_json
from domain.errors import Malformed
from planner.reading.unfinished import closing

MAX_KEPT = 100  # values found in one text; the last ones count
_MAX_FAILURES = 200  # places where JSON could begin and does not, before a text is given up

_THOUGHT = re.compile(r"\A.*</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_MARK = re.compile(r"<\|[\w ]{1,32}\|>")
_LAST_CHANNEL = re.compile(r"\A.*<\|message\|>", re.DOTALL)
_OPENING = re.compile(r"[{\[]")
_LANGUAGE = re.compile(r"[\w-]*[ \t]*(?:\n|(?=[{\[]))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A value found in a text, by which steps, and whether the end of it is missing."""

    value: Any
    steps: tuple[str, ...] = ()

    @property
    def is_cut(self) -> bool:
        """Whether something behind it was lost."""
        return "truncated" in self.steps


def strict(text: str) -> Iterator[Reading]:
    """The text as strict JSON, if it is that."""
    try:
        yield Reading(value=strict_json.loads(text))
    except Malformed:
        return


def without_thought(text: str) -> str:
    """Without what reasoning models put before their answer."""
    bare = _LAST_CHANNEL.sub("", _THOUGHT.sub("", text)) if "<" in text else text
    return _MARK.sub("", bare).strip()


def blocks(text: str) -> list[str]:
    """What stands in code blocks, first to last; the last one may not be closed."""
    parts = text.split("```")
    inside = parts[1::2]
    return [block[match.end() :] for block in inside if (match := _LANGUAGE.match(block))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Complete values in a text, first to last. `fragments` stand inside something that begins like JSON and is
    broken, so they are more likely a part than the whole; `is_broken` is whether there is any such thing."""

    whole: list[Reading]
    fragments: list[Reading]
    is_broken: bool


def scanned(text: str) -> Found:
    """Find complete values, however loosely they are written; the time it takes grows with the length only."""
    whole: deque[tuple[int, int, Any]] = deque(maxlen=MAX_KEPT)
    fragments: deque[tuple[int, int, Any]] = deque(maxlen=MAX_KEPT)
    position, broken_until, failures, wasted = 0, 0, 0, 0
    while failures < _MAX_FAILURES and wasted <= len(text) and (opening := _OPENING.search(text, position)):
        start = opening.start()
        try:
            value, position = TOLERANT.raw_decode(text, start)
            (fragments if start < broken_until else whole).append((start, position, value))
        except (ValueError, RecursionError) as error:
            position = opening.end()
            failures += 1
            wasted += getattr(error, "pos", start) - start
            if start >= broken_until:
                broken_until = closing(text, start) or len(text)
    return Found(whole=list(_checked(text, whole)), fragments=list(_checked(text, fragments)), is_broken=failures > 0)


def _checked(text: str, found: deque[tuple[int, int, Any]]) -> Iterator[Reading]:
    for start, end, value in found:
        read = next(strict(text[start:end]), None) or next(within_limits(value, "loose"), None)
        if read:
            yield read


def within_limits(value: Any, *steps: str) -> Iterator[Reading]:
    """The value under the limits strict JSON has: depth, length of numbers, no NaN; nothing when it breaks them."""
    try:
        yield Reading(value=strict_json.loads(json.dumps(value)), steps=steps)
    except (Malformed, ValueError, TypeError, RecursionError):
        return


def _all_kept(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys may stand twice: lists are joined, else the last one that says something counts.

    Plain JSON keeps the last one, which makes of `{"tasks": [...], "tasks": []}` an empty plan.
    """
    kept: dict[str, Any] = {}
    for key, value in pairs:
        before = kept.get(key)
        if isinstance(before, list) and isinstance(value, list):
            kept[key] = before + [item for item in value if item not in before]
        elif key not in kept or value not in (None, "", [], {}):
            kept[key] = value
    return kept


TOLERANT = json.JSONDecoder(strict=False, object_pairs_hook=_all_kept)
