"""The words models use for the same thing, compared without case, spaces and dashes: `dependsOn` is `depends_on`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from domain import strict_json
from domain.errors import Malformed

Words = tuple[str, ...]


def _words(text: str) -> Words:
    return tuple(text.split())


TASKS = _words(
    "tasks subtasks steps nodes tasknodes tasklist plansteps actions toolcalls functioncalls calls plan workflow todos"
)
NUMBERED_FROM_0 = _words("tasknodes")  # what TaskBench calls `<node-0>` is the first
LINKS = _words("links tasklinks edges nodelinks dependencies dependencygraph")
ANSWER = _words("answer reply response finalanswer directanswer")
QUESTION = _words("question clarifyingquestion clarification clarify askuser")
WRAPPERS = _words(
    "plan result response output data arguments parameters args input function functioncall toolcalls toolcall calls "
    "message content choices json final workflow graph dag"
)
ID = _words("id taskid subtaskid stepid nodeid key stepnumber tasknumber number step index")
SKILL = _words(
    "skill skillname tool toolname function functionname action actionname api operation agent task tasktype"
)
PARAMS = _words(
    "params args arguments parameters inputs input toolinput actioninput kwargs toolargs toolarguments skillparams"
)
DEPENDENCIES = _words(
    "dependencies dependson depends deps dep dependency dependenttaskids needs requires after waitsfor waitfor "
    "prerequisites predecessors blockedby parents"
)
NAME = _words("name title label")
DESCRIPTION = _words("description desc instruction instructions goal purpose objective details task step")
WHEN = _words("when condition if runif")
FOR_EACH = _words("foreach forall mapover loopover")
APPROVAL = _words("approval needsapproval requiresapproval requireapproval")
CRITICAL = _words("critical iscritical")
SOURCE = _words("source from before")
TARGET = _words("target to after")

MAX_WRAPPINGS = 6  # objects around a plan that are taken off

_LOOSE = re.compile(r"[\W_]+")


@lru_cache(maxsize=4096)  # the same few words come again with every task
def folded(name: str) -> str:
    """A name without case, spaces and dashes, for comparing what a model wrote with what exists."""
    return _LOOSE.sub("", name).casefold()


def given(entry: Mapping[str, Any], words: Words) -> Iterator[Any]:
    """What an object says under any of `words`, the best word first; null is nothing said."""
    said = {folded(str(key)): value for key, value in reversed([*entry.items()]) if value is not None}
    return (said[word] for word in words if word in said)


def first(entry: Mapping[str, Any], words: Words, *kinds: type) -> Any:
    """The first of what an object says under `words` that is of one of `kinds`; None when there is none."""
    return next((value for value in given(entry, words) if isinstance(value, kinds)), None)


def plan_in(value: Any, wrappings: int = MAX_WRAPPINGS) -> Mapping[str, Any] | None:
    """The object in `value` that holds a plan, whatever is wrapped around it; None when there is none.

    A list of tasks, an object of tasks by their ids and a single call of a tool become `{"tasks": ...}`; a call that
    hands in a plan is a wrapping, too.
    """
    if isinstance(value, str):
        value = parsed(value)
    if wrappings == 0 or not isinstance(value, list | Mapping):
        return None
    if isinstance(value, list):
        wrapped = plan_in(value[0], wrappings - 1) if len(value) == 1 else None
        return wrapped or ({"tasks": value} if any(is_task(entry) for entry in value) else None)
    if is_task(value) and not _hands_in(value):
        return {"tasks": [value]}
    if _is_plan(value):
        return value
    if _is_by_id(value):
        return {"tasks": value}
    inner = (plan_in(inside, wrappings - 1) for inside in _wrapped(value))
    found = next((plan for plan in inner if plan is not None), None)
    return {"tasks": [value]} if found is None and is_task(value) else found


def parsed(text: str) -> Any:
    """The object or list a text spells in JSON, as in the arguments of a tool call; else the text itself."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return strict_json.loads(text)
    except Malformed:
        return text


def _is_plan(value: Mapping[str, Any]) -> bool:
    said = first(value, (*ANSWER, *QUESTION), str)
    if said is not None and parsed(said) is said:
        return True
    return any(are_tasks(entries) and not _hand_in(entries) for entries in given(value, TASKS))


def are_tasks(entries: Any) -> bool:
    """Whether it can be a list of tasks; an empty one, or one of texts, is one that has gone wrong."""
    if isinstance(entries, list):
        return not entries or any(is_task(entry) or not isinstance(entry, list | Mapping) for entry in entries)
    return isinstance(entries, Mapping) and _is_by_id(entries)


def _is_by_id(value: Mapping[str, Any]) -> bool:
    return bool(value) and all(is_task(entry) and folded(str(name)) not in WRAPPERS for name, entry in value.items())


def _hand_in(entries: Any) -> bool:
    return isinstance(entries, list) and len(entries) == 1 and is_task(entries[0]) and _hands_in(entries[0])


def _hands_in(entry: Mapping[str, Any]) -> bool:
    """Whether a task is the call of a tool such as `submit_plan`, and a plan what is handed in."""
    called = first(entry, SKILL, str, Mapping) or first(entry, NAME, str)
    name = first(called, NAME, str) if isinstance(called, Mapping) else called
    return "plan" in folded(str(name)) and any(plan_in(inside, 2) for inside in _wrapped(entry))


def _wrapped(value: Mapping[str, Any]) -> Iterator[Any]:
    yield from given(value, WRAPPERS)
    if len(value) == 1:
        yield from value.values()


def is_task(entry: Any) -> bool:
    """Whether an entry plainly is a task: it names a skill, calls something, or has an id and says what to do."""
    if not isinstance(entry, Mapping):
        return False
    words = {folded(str(key)) for key, value in entry.items() if value is not None}
    says = words.intersection
    if says(SKILL) and first(entry, SKILL, str, Mapping) is not None:
        return True
    calls = bool(says(PARAMS)) and bool(says(NAME))
    return calls or (bool(says(ID)) and bool(says(DESCRIPTION) or says(DEPENDENCIES)))
