"""A model's text to a plan: a ladder from strict JSON to mended JSON; the first rung that holds a plan wins.

Every rung below the first is recorded as a repair, because what was guessed must be seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import json_repair

from domain import strict_json
from domain.errors import Malformed
from domain.plan import Plan, Repair
from domain.plan_json import read_plan
from planner.unfinished import closing, finished_tasks

MAX_TEXT = 400_000  # characters; no plan within the limits is longer
MAX_MENDED = 40_000  # characters json_repair gets: it is slow and holds the loop
_MAX_FAILURES = 200  # places where JSON could begin and does not, before a text is given up

_THOUGHT = re.compile(r"\A.*</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_MARK = re.compile(r"<\|[\w ]{1,32}\|>")
_LAST_CHANNEL = re.compile(r"\A.*<\|message\|>", re.DOTALL)
_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_OPENING = re.compile(r"[{\[]")
_WRAPPERS = ("plan", "result", "response", "output", "data", "arguments", "input")

Wanted = Callable[[Any], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A value found in a text, by which steps, and whether the end of it is missing."""

    value: Any
    steps: tuple[str, ...] = ()

    @property
    def is_cut(self) -> bool:
        """Whether something behind it was lost."""
        return "truncated" in self.steps


def read_text(text: str, *, author: str, is_truncated: bool = False) -> Plan:
    """Read what a model wrote as a plan, each mending recorded as a repair.

    Args:
        text: all the model said.
        author: the model's name.
        is_truncated: whether its answer was ended by the length limit.

    Raises:
        Malformed: there is no plan in it; the detail says why.
    """
    reading = read_json(text, _is_plan, is_truncated=is_truncated)
    plan = read_plan(_unwrapped(reading.value), author=author)
    return replace(plan, repairs=tuple(Repair(kind="text", other=step) for step in reading.steps))


def read_json(text: str, wanted: Wanted, *, is_truncated: bool = False) -> Reading:
    """Find the JSON value in `text` that is `wanted`, else the first one there is. Raises Malformed."""
    if len(text) > MAX_TEXT:
        raise Malformed("plan.not_json", detail=f"more than {MAX_TEXT} characters")
    first: Reading | None = None
    for reading in _rungs(text.lstrip("\ufeff").strip(), is_truncated=is_truncated):
        if wanted(reading.value):
            return reading
        first = first or reading
    if first is None:
        raise Malformed("plan.not_json", detail="no JSON object in it")
    return first


def _rungs(text: str, *, is_truncated: bool) -> Iterator[Reading]:
    yield from _strict(text)
    bare = _without_thought(text)
    thought = ("thought",) if bare != text else ()
    for reading in _rungs_of_bare(bare, is_truncated=is_truncated):
        yield replace(reading, steps=(*thought, *reading.steps))


def _rungs_of_bare(text: str, *, is_truncated: bool) -> Iterator[Reading]:
    yield from _strict(text)
    for block in reversed(_FENCE.findall(text)):
        for reading in (*_strict(block), *_scanned(block).whole):
            yield replace(reading, steps=("fence", *reading.steps))
    scanned = _scanned(text)
    for reading in scanned.whole:
        yield replace(reading, steps=("prose", *reading.steps))
    yield from _unfinished(text, is_truncated=is_truncated)
    yield from _mended(text, is_truncated=is_truncated)
    for reading in scanned.fragments:
        yield replace(reading, steps=("fragment", *reading.steps))


def _strict(text: str) -> Iterator[Reading]:
    try:
        yield Reading(value=strict_json.loads(text))
    except Malformed:
        return


def _without_thought(text: str) -> str:
    """Without what reasoning models put before their answer."""
    text = _LAST_CHANNEL.sub("", _THOUGHT.sub("", text))
    return _MARK.sub("", text).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scanned:
    """Complete values in a text, the last one first: drafts come before the final version. `fragments` stand
    inside something that begins like JSON and is broken, so they are more likely a part than the whole."""

    whole: list[Reading]
    fragments: list[Reading]


def _scanned(text: str) -> _Scanned:
    whole: list[Reading] = []
    fragments: list[Reading] = []
    position, broken_until, failures = 0, 0, 0
    while failures < _MAX_FAILURES and (opening := _OPENING.search(text, position)):
        start = opening.start()
        try:
            value, position = _TOLERANT.raw_decode(text, start)
            loose = () if any(_strict(text[start:position])) else ("loose",)
            (fragments if start < broken_until else whole).append(Reading(value=_checked(value), steps=loose))
        except (ValueError, RecursionError, Malformed):
            position = opening.end()
            failures += 1
            if start >= broken_until:
                broken_until = closing(text, start) or len(text)
    return _Scanned(whole=whole[::-1], fragments=fragments[::-1])


def _checked(value: Any) -> Any:
    """The value under the limits strict JSON has: depth, length of numbers, no NaN. Raises Malformed."""
    return strict_json.loads(json.dumps(value))


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


_TOLERANT = json.JSONDecoder(strict=False, object_pairs_hook=_all_kept)


def _unfinished(text: str, *, is_truncated: bool) -> Iterator[Reading]:
    found = finished_tasks(text, _TOLERANT)
    if found is not None:
        tasks, is_cut = found
        step = "truncated" if is_cut or is_truncated else "unbalanced"
        with suppress(ValueError, RecursionError, Malformed):
            yield Reading(value=_checked(tasks), steps=(step,))


def _mended(text: str, *, is_truncated: bool) -> Iterator[Reading]:
    """The last resort: a library's guess. A task it had to finish by itself is dropped."""
    if len(text) > MAX_MENDED:
        return
    try:
        value = _checked(json_repair.loads(text, skip_json_loads=True))
    except (ValueError, RecursionError, Malformed):
        return
    if not isinstance(value, dict | list):
        return
    if is_truncated or text.rfind("}") < text.rfind("{"):
        yield Reading(value=_without_last(value), steps=("mended", "truncated"))
    else:
        yield Reading(value=value, steps=("mended",))


def _without_last(value: Any) -> Any:
    document = _unwrapped(value)
    tasks = document.get("tasks") if isinstance(document, Mapping) else document
    return tasks[:-1] if isinstance(tasks, list) else value


def _is_plan(value: Any) -> bool:
    value = _unwrapped(value)
    if isinstance(value, list):
        return any(isinstance(entry, Mapping) and _TASK_WORDS & entry.keys() for entry in value)
    return isinstance(value, Mapping) and bool(_PLAN_WORDS & value.keys())


_PLAN_WORDS = frozenset({"tasks", "subtasks", "steps", "nodes", "answer"})
_TASK_WORDS = frozenset({"skill", "tool", "action", "task"})


def _unwrapped(value: Any) -> Any:
    """What is inside `{"result": {...}}` or a tool call's `{"arguments": {...}}`."""
    if isinstance(value, Mapping) and not _PLAN_WORDS & value.keys():
        inner = next((value[name] for name in _WRAPPERS if isinstance(value.get(name), Mapping | list)), None)
        return value if inner is None else inner
    return value
