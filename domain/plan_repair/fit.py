"""Parameters made to fit what a skill takes, where that changes nothing of what they say."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from domain.plan import Node, Repair
from domain.plan_check import fits
from domain.plan_json.entry import POSITIONAL, valued
from domain.plan_json.words import folded
from domain.skill import Catalogue, Param, ParamType, SkillSpec

MAX_TOLD = 60  # characters of a value that a repair shows


def fitted(node: Node, catalogue: Catalogue) -> tuple[Node, tuple[Repair, ...]]:
    """The task with parameters that have the skill's names and types; nulls and what it does not know are dropped."""
    spec = catalogue.skills.get(node.skill)
    if spec is None:
        return node, ()
    repairs: list[Repair] = []
    params: dict[str, Any] = {}
    named = _named(node, spec, repairs)
    for name, value in named.items():
        known = spec.param(name)
        if value is None and (known is not None or not spec.open_params):
            continue
        if known is None and not spec.open_params:
            repairs.append(_repair("dropped_param", node, name, "", "its skill does not know it"))
            continue
        params[name] = value if known is None or fits(value, known) else coerced(value, known)
        if params[name] is not value:
            told = (f"{name}={_told(value)}", f"{name}={_told(params[name])}")
            repairs.append(_repair("coerced_param", node, *told, "its skill takes that"))
    return replace(node, params=params), tuple(repairs)


def _repair(kind: str, node: Node, before: str, after: str, reason: str) -> Repair:
    return Repair(kind=kind, subtask=node.id, before=before, after=after, reason=reason)


def _told(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_TOLD else text[:MAX_TOLD] + "…"


def _named(node: Node, spec: SkillSpec, repairs: list[Repair]) -> dict[str, Any]:
    """The parameters under the skill's own names: spelt otherwise, or given by their order, as in a call."""
    spelt: dict[str, list[str]] = {}
    for param in spec.params:
        spelt.setdefault(folded(param.name), []).append(param.name)
    named: dict[str, Any] = {}
    for name, value in node.params.items():
        ours = name if spec.param(name) else _meant(name, spec, spelt)
        if ours is None or ours in node.params or ours in named:
            ours = name
        if ours != name:
            repairs.append(_repair("named_param", node, name, ours, "its skill calls it so"))
        named[ours] = value
    return named


def _meant(name: str, spec: SkillSpec, spelt: Mapping[str, list[str]]) -> str | None:
    alike = spelt.get(folded(name), ())
    if len(alike) == 1:
        return alike[0]
    place = POSITIONAL.fullmatch(name)
    return spec.params[int(place[1])].name if place and int(place[1]) < len(spec.params) else None


def coerced(value: Any, param: Param) -> Any:
    """`value` read as what `param` takes, or `value` itself when that is not plainly possible."""
    match param.type, value:
        case ParamType.STRING | ParamType.PATH, int() | float():
            read: Any = json.dumps(value)
        case ParamType.INTEGER | ParamType.NUMBER, str():
            read = _number(value, param.type)
        case ParamType.INTEGER, float() if value.is_integer():
            read = int(value)
        case ParamType.BOOLEAN, str() if value.strip().casefold() in {"true", "false", "yes", "no"}:
            read = value.strip().casefold() in {"true", "yes"}
        case ParamType.ARRAY | ParamType.OBJECT, str() if fits(valued(value, param), param):
            read = valued(value, param)
        case ParamType.ARRAY, str() | int() | float() | dict():
            read = [value]
        case _:
            return value
    return read if fits(read, param) else value


def _number(text: str, kind: ParamType) -> Any:
    try:
        number = int(text) if kind is ParamType.INTEGER else float(text)
    except ValueError:
        return text
    return text if isinstance(number, float) and not math.isfinite(number) else number
