"""The last look at a message's parameters before a skill sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from domain.plan import Node
from domain.plan_check import Problem, param_problems
from domain.reference import references
from domain.skill import ParamType, SkillSpec

_TEXT = frozenset({ParamType.STRING, ParamType.PATH, ParamType.ANY})


def problems(params: Mapping[str, Any], spec: SkillSpec) -> tuple[Problem, ...]:
    """Everything that is missing, unknown or of the wrong type; None stands for “not given”."""
    given = _given(params)
    return (*param_problems(Node(id=spec.name, skill=spec.name, params=given), spec), *_unfilled(given, spec))


def filled(params: Mapping[str, Any], spec: SkillSpec) -> dict[str, Any]:
    """The parameters a skill runs with: those given, and the default (or None) for each other it lists."""
    return {param.name: param.default for param in spec.params} | _given(params)


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _unfilled(params: Mapping[str, Any], spec: SkillSpec) -> Iterator[Problem]:
    """A plan may hold a reference where a number is due; by now it must be the number."""
    for name, value in params.items():
        param = spec.param(name)
        if param and param.type not in _TEXT and isinstance(value, str) and any(references(value)):
            yield Problem(kind="wrong_param", node=spec.name, other=name)
