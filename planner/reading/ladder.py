"""A model's text to a plan: a ladder from strict JSON to mended JSON; the first rung that holds a plan wins.

Every rung below the first is recorded as a repair, because what was guessed must be seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.errors import Malformed
from domain.plan import Plan, Repair
from domain.plan_json import read_plan
from domain.plan_json import words as plan_words
from domain.skill import Catalogue
from planner.reading.finding import Found, Reading, blocks, scanned, strict, without_thought
from planner.reading.mending import balanced, guessed, tidied

MAX_TEXT = 400_000  # characters; no plan within the limits is longer

_BEGINS = re.compile(r"\{|\[\s*(?:[\[{\"'\d\]/#-]|[Tt]rue|[Ff]alse|[Nn]ull|None)")  # unlike “[CONTENT]”
_REASONS = {
    "thought": "the model thought aloud",
    "fence": "it stood in a code block",
    "prose": "there was text around it",
    "loose": "its JSON broke a rule",
    "truncated": "its end was cut off",
    "unbalanced": "its brackets did not match",
    "mended": "its JSON was broken",
    "fragment": "the text around it was broken",
}


def read_text(text: str, *, author: str, is_truncated: bool = False, catalogue: Catalogue | None = None) -> Plan:
    """Read what a model wrote as a plan, each mending recorded as a repair.

    Args:
        text: all the model said.
        author: the model's name.
        is_truncated: whether its answer was ended by the length limit.
        catalogue: the skills, which say what a value in a list of names and values stands for.

    Raises:
        Malformed: there is no plan in it; the detail says why.
    """
    reading = _plan_in(_within(text), is_truncated=is_truncated)
    plan = read_plan(reading.value, author=author, catalogue=catalogue)
    steps = tuple(Repair(kind=f"text_{step}", reason=_REASONS[step]) for step in reading.steps)
    return replace(plan, repairs=(*steps, *plan.repairs))


def read_value(text: str) -> Reading:
    """Find the JSON value in a text that is about nothing else, such as a tool's arguments. Raises Malformed."""
    found = next(_values(_within(text)), None)
    if found is None:
        raise Malformed("plan.not_json", detail="no JSON in it")
    return found


def was_cut(plan: Plan) -> bool:
    """Whether the end of the text that `plan` was read from was missing."""
    return any(change.kind == "text_truncated" for change in plan.repairs)


def _within(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise Malformed("plan.not_json", detail=f"more than {MAX_TEXT} characters")
    return text.lstrip("\ufeff").strip()


# --- a plan ---------------------------------------------------------------------------------------------------

_NONE, _CALL, _REPLY, _TASKS = range(4)  # how much of a plan a value is


def _plan_in(text: str, *, is_truncated: bool) -> Reading:
    """The reading that is a plan, else the first one there is, which says what is wrong. Raises Malformed."""
    first: Reading | None = None
    for rung in _rungs(text, is_truncated=is_truncated):
        readings = list(rung)
        best = _best(readings)
        if best:
            return best
        first = first or next(iter(readings), None)
    if first is None:
        raise Malformed("plan.not_json", detail="no JSON object in it")
    return first


def _rungs(text: str, *, is_truncated: bool) -> Iterator[Iterable[Reading]]:
    yield strict(text)
    bare = without_thought(text)
    thought = ("thought",) if bare != text else ()
    for rung in _rungs_of_bare(bare, is_truncated=is_truncated):
        yield [replace(reading, steps=(*thought, *reading.steps)) for reading in rung]


def _rungs_of_bare(text: str, *, is_truncated: bool) -> Iterator[Iterable[Reading]]:
    yield strict(text)
    if not _BEGINS.match(text):
        for block in reversed(blocks(text)):
            yield _with_step("fence", strict(block))
            yield _with_step("fence", _told(scanned(block)))
    found = scanned(text)
    yield _with_step("prose", _told(found))
    yield balanced(text, is_truncated=is_truncated)
    yield tidied(text)
    yield guessed(text, is_truncated=is_truncated)
    yield [reading for reading in _with_step("fragment", found.fragments) if _rank(reading.value) != _CALL]


def _with_step(step: str, readings: Iterable[Reading]) -> list[Reading]:
    return [replace(reading, steps=(step, *reading.steps)) for reading in readings]


def _told(found: Found) -> Sequence[Reading]:
    """The values in prose that may be a plan. Tasks that stand one after the other without a list around them are one
    list, but not where something is broken: they may be what is left of more."""
    calls = [reading for reading in found.whole if _rank(reading.value) == _CALL]
    others = [reading for reading in found.whole if reading not in calls]
    if found.is_broken:
        return others
    if len(calls) > 1:
        steps = tuple(dict.fromkeys(step for reading in calls for step in reading.steps))
        return [*others, Reading(value=[reading.value for reading in calls], steps=("unbalanced", *steps))]
    return others or calls


def _best(readings: Sequence[Reading]) -> Reading | None:
    """Of several plans the last one: drafts come first. One with tasks is better than a reply or an empty one."""
    ranked = [(_rank(reading.value), reading) for reading in readings]
    most = max((rank for rank, _ in ranked), default=_NONE)
    return None if most == _NONE else next(reading for rank, reading in reversed(ranked) if rank == most)


def _rank(value: Any) -> int:
    found = plan_words.plan_in(value)
    if found is None:
        return _NONE
    if isinstance(value, Mapping) and plan_words.is_task(value) and found.get("tasks") == [value]:
        return _CALL
    return _TASKS if any(plan_words.given(found, plan_words.TASKS)) else _REPLY


# --- any value ------------------------------------------------------------------------------------------------


def _values(text: str) -> Iterator[Reading]:
    yield from strict(text)
    bare = without_thought(text)
    for reading in _values_of_bare(bare):
        yield replace(reading, steps=(*(("thought",) if bare != text else ()), *reading.steps))


def _values_of_bare(text: str) -> Iterator[Reading]:
    """What begins like JSON is meant as a whole; else what is in a code block, or stands in prose."""
    yield from strict(text)
    if _BEGINS.match(text):
        yield from (reading for reading in balanced(text, is_truncated=False) if not reading.is_cut)
        yield from guessed(text)
        yield from tidied(text)
    for block in reversed(blocks(text)):
        yield from _with_step("fence", (*strict(block), *guessed(block.strip())))
    found = scanned(text)
    yield from _with_step("prose", reversed(found.whole))
    yield from guessed(text)
    yield from _with_step("fragment", reversed(found.fragments))
