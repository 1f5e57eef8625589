"""One task of Plan JSON, in our words or in those that models use for the same thing, to a `Node`."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from domain.errors import Malformed
from domain.ids import NODE_KEY
from domain.plan import Node
from domain.plan_json import words
from domain.plan_json.when import braced, read_when
from domain.skill import Catalogue, Param, ParamType, SkillSpec

POSITIONAL = re.compile(r"arg(\d{1,3})")  # the names of parameters given without any: arg0, arg1 …
_NONE = frozenset({"", "none", "null", "nil", "na", "无", "没有"})  # folded
_SEPARATORS = re.compile(r"[,;，；、]")
_MISSING = object()
_YES = frozenset({"true", "yes", "是"})
_AS_TEXT = frozenset({ParamType.STRING, ParamType.PATH})


def read_task(
    entry: Any, position: int, *, catalogue: Catalogue | None = None, known: Collection[str] = frozenset()
) -> Node:
    """Read one task.

    Args:
        entry: what stands in the list.
        position: its place there, from 1, for one that has no id.
        catalogue: what a text in a list of `{"name", "value"}` stands for is said by the skill, where it is known.
        known: ids of the plan, which tell where one ends in a text of several.

    Raises:
        Malformed: it is no task; the place is named.
    """
    if not isinstance(entry, Mapping):
        refuse(f"task {position} is not an object")
    skill, call = _skill(entry)
    rule = read_when(words.first(entry, words.WHEN, object))
    if rule is None:
        refuse(f'"when" of task {position} is neither a rule nor a comparison')
    spec = catalogue.skills.get(skill) if catalogue else None
    return Node(
        id=_id(entry, position),
        skill=skill,
        name=_text(words.first(entry, words.NAME, str)),
        description=_description(entry, skill),
        params=_params(call, position, spec),
        dependencies=_dependencies(words.first(entry, words.DEPENDENCIES, object), position, known),
        critical=_flag(words.first(entry, words.CRITICAL, object)),
        when=rule[0],
        condition=rule[1],
        approval=_flag(words.first(entry, words.APPROVAL, object)),
        for_each=_for_each(words.first(entry, words.FOR_EACH, object), position),
    )


def _id(entry: Mapping[str, Any], position: int) -> str:
    word = task_id(entry)
    if word is None and entry.get("id") not in (None, ""):
        refuse(f'the "id" of task {position} is not a word')
    return word or f"t{position}"


def refuse(detail: str) -> NoReturn:
    """This is no Plan JSON."""
    raise Malformed("plan.wrong_shape", detail=detail)


def task_id(entry: Any) -> str | None:
    """The id a task gives itself. A “step” is one only if it can be: it may as well be what is to be done."""
    if not isinstance(entry, Mapping):
        return None
    said = [value for value in words.given(entry, words.ID) if not _is_deed(entry, value)]
    return next((word for word in map(_word, said) if word), None)


def _is_deed(entry: Mapping[str, Any], value: Any) -> bool:
    return value is words.first(entry, ("step",), str) and not NODE_KEY.fullmatch(value)


def _word(value: Any) -> str | None:
    """A word as an id or what names one: a text or a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return unicodedata.normalize("NFC", str(value)).strip()


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _flag(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().casefold() in _YES)


def _skill(entry: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The skill a task names, and the object its parameters are in: a call may be an object of its own.

    What has parameters and a name but no skill is a call of what it names; what names none at all may still say what
    is to be done.
    """
    found = words.first(entry, words.SKILL, str, Mapping)
    if isinstance(found, Mapping):
        named = words.first(found, (*words.SKILL, *words.NAME), str)
        return _text(named), found if words.first(found, words.PARAMS, object) is not None else entry
    if found is None and words.first(entry, words.PARAMS, object) is not None:
        found = words.first(entry, words.NAME, str)
    return _text(found), entry


def _description(entry: Mapping[str, Any], skill: str) -> str:
    said = (_text(value) for value in words.given(entry, words.DESCRIPTION))
    return next((text for text in said if text and text != skill), "")


# --- parameters -----------------------------------------------------------------------------------------------


def _params(entry: Mapping[str, Any], position: int, spec: SkillSpec | None) -> dict[str, Any]:
    params = words.first(entry, words.PARAMS, object)
    if params is None:
        return _flat(entry, spec)
    if isinstance(params, str):
        params = words.parsed(params)
    if isinstance(params, Mapping):
        return {str(name): value for name, value in params.items()}
    listed = params if isinstance(params, list) else [params]
    pairs = [_pair(value, spec) for value in listed]
    if all(value is _MISSING for _, value in pairs):  # the values stand where the names should
        pairs = [(None, name) for name, _ in pairs]
    bare = [value for name, value in pairs if name is None]
    if any(isinstance(value, Mapping | list) for value in bare) and len(bare) < len(pairs):
        refuse(f'"params" of task {position} is neither an object nor a list of names and values')
    numbered = {f"arg{place}": value for place, value in enumerate(bare)}
    return numbered | {name: None if value is _MISSING else value for name, value in pairs if name is not None}


def _flat(entry: Mapping[str, Any], spec: SkillSpec | None) -> dict[str, Any]:
    """Parameters that stand beside `"skill"` instead of in an object of their own, known by the skill's names."""
    names = {param.name for param in spec.params} if spec else set()
    ours = {"id", "skill", "name", "description", "dependencies"}
    return {name: value for name, value in entry.items() if name in names - ours}


def _pair(value: Any, spec: SkillSpec | None) -> tuple[str | None, Any]:
    """`{"name": n, "value": v}`, what strict structured output makes of a free object; else a value without a name."""
    if not isinstance(value, Mapping):
        return None, value
    name = words.first(value, ("name", "key", "param", "parameter"), str)
    if name is None:
        only = next(iter(value.items())) if len(value) == 1 else None
        return (str(only[0]), only[1]) if only else (None, value)
    held = value.get("value", _MISSING)
    return name, valued(held, spec.param(name)) if spec else held


def valued(value: Any, param: Param | None) -> Any:
    """A value that a strict schema made a text of, as its parameter takes it: a list is written in JSON."""
    if not isinstance(value, str) or (param and param.type in _AS_TEXT):
        return value
    if param is None or param.type is ParamType.ANY:
        return words.parsed(value)
    try:
        return json.loads(value, parse_constant=str)
    except (ValueError, RecursionError):
        return value


# --- what it waits for, and for what it is done ---------------------------------------------------------------


def _for_each(value: Any, position: int) -> str:
    if isinstance(value, Mapping):
        value = words.first(value, ("ref", "in", "items", "list", "output"), str)
    if value is not None and not isinstance(value, str):
        refuse(f'"for_each" of task {position} is not a reference to a list')
    text = _text(value)
    return "" if words.folded(text) in ("none", "null") else braced(text)


def _dependencies(value: Any, position: int, known: Collection[str]) -> tuple[str, ...]:
    if value is None:
        return ()
    entries = value if isinstance(value, list) else [value]
    found: list[str] = []
    for entry in entries:
        word = _word(words.first(entry, words.ID, str, int, float) if isinstance(entry, Mapping) else entry)
        if word is None:
            refuse(f'a dependency of task {position} is not the "id" of a task')
        found += [word] if word in known else _split(word, known)
    return tuple(found)


def _split(text: str, known: Collection[str]) -> list[str]:
    """One id or several in a text; a word for “none” is none, and so is HuggingGPT's -1."""
    if text == "-1" or words.folded(text) in _NONE:
        return []
    parts = [part.strip() for part in _SEPARATORS.split(text) if part.strip()]
    spaced = [word for part in parts for word in ([part] if part in known else part.split())]
    return spaced if not known or any(word in known for word in spaced) else parts
