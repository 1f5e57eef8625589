"""What is wrong with a plan: all of it at once, so that one re-ask or one look can mend everything."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from domain import graph
from domain.ids import NODE_KEY
from domain.plan import Node, Plan
from domain.reference import references
from domain.skill import Catalogue, Param, ParamType, SkillSpec
from domain.texts import Language, say


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a plan may be."""

    max_nodes: int = 200
    max_depth: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One defect. `kind` names the sentence `problem.<kind>`."""

    kind: str
    node: str = ""
    other: str = ""
    count: int = 0
    limit: int = 0

    def say(self, language: Language) -> str:
        """The defect as a clause."""
        return say(
            f"problem.{self.kind}", language, node=self.node, other=self.other, count=self.count, limit=self.limit
        )


def problems(plan: Plan, catalogue: Catalogue, limits: Limits) -> tuple[Problem, ...]:
    """Every defect of `plan`; empty when it can be run as it is."""
    if not plan.nodes and plan.answer is None:
        return (Problem(kind="empty"),)
    if len(plan.nodes) > limits.max_nodes:  # the rest is not worth the time on a flood
        return (Problem(kind="too_many_nodes", count=len(plan.nodes), limit=limits.max_nodes),)
    return (*_ids(plan), *_skills(plan, catalogue), *_dependencies(plan), *_cycles(plan), *_depth(plan, limits))


def _ids(plan: Plan) -> Iterator[Problem]:
    counted = Counter(node.id for node in plan.nodes)
    for name, count in counted.items():
        if not NODE_KEY.fullmatch(name):
            yield Problem(kind="bad_id", node=name)
        if count > 1:
            yield Problem(kind="duplicate_id", node=name)


def _skills(plan: Plan, catalogue: Catalogue) -> Iterator[Problem]:
    for node in plan.nodes:
        spec = catalogue.skills.get(node.skill)
        if spec is None:
            yield Problem(kind="unknown_skill", node=node.id, other=node.skill)
        else:
            yield from param_problems(node, spec)


def param_problems(node: Node, spec: SkillSpec) -> Iterator[Problem]:
    """Parameters missing, unknown or of the wrong type. A reference stands for any type."""
    for param in spec.params:
        if param.required and node.params.get(param.name) is None:
            yield Problem(kind="missing_param", node=node.id, other=param.name)
    for name, value in node.params.items():
        known = spec.param(name)
        if known is None and not spec.open_params:
            yield Problem(kind="unknown_param", node=node.id, other=name)
        elif known is not None and not fits(value, known):
            yield Problem(kind="wrong_param", node=node.id, other=name)


_JSON_TYPES: Mapping[ParamType, tuple[type, ...]] = {
    ParamType.STRING: (str,),
    ParamType.PATH: (str,),
    ParamType.INTEGER: (int,),
    ParamType.NUMBER: (int, float),
    ParamType.BOOLEAN: (bool,),
    ParamType.ARRAY: (list, tuple),
    ParamType.OBJECT: (dict,),
}


def fits(value: Any, param: Param) -> bool:
    """Whether `value` may be given for `param`; None stands for “not given”."""
    if value is None or param.type is ParamType.ANY or (isinstance(value, str) and any(references(value))):
        return True
    if isinstance(value, bool) and param.type is not ParamType.BOOLEAN:
        return False
    return isinstance(value, _JSON_TYPES[param.type]) and (not param.choices or str(value) in param.choices)


def _dependencies(plan: Plan) -> Iterator[Problem]:
    known = {node.id for node in plan.nodes}
    for node in plan.nodes:
        for other in node.dependencies:
            if other == node.id:
                yield Problem(kind="self_dependency", node=node.id)
            elif other not in known:
                yield Problem(kind="dangling_dependency", node=node.id, other=other)
        for reference in dict.fromkeys(reference.node for reference in references(node.params)):
            if reference not in known or reference == node.id:
                yield Problem(kind="dangling_reference", node=node.id, other=reference)
            elif reference not in node.dependencies:
                yield Problem(kind="missing_dependency", node=node.id, other=reference)


def clean_edges(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Edges without self and dangling ones: what graph algorithms can walk."""
    known = {node.id for node in plan.nodes}
    return {
        node.id: tuple(other for other in dict.fromkeys(node.dependencies) if other in known and other != node.id)
        for node in plan.nodes
    }


def _cycles(plan: Plan) -> Iterator[Problem]:
    for component in graph.components(clean_edges(plan)):
        yield Problem(kind="cycle", other=", ".join(component[:10]) + (" …" if len(component) > 10 else ""))


def _depth(plan: Plan, limits: Limits) -> Iterator[Problem]:
    edges = clean_edges(plan)
    if not graph.components(edges):
        depth = max(graph.longest_paths(edges).values(), default=0)
        if depth > limits.max_depth:
            yield Problem(kind="too_deep", count=depth, limit=limits.max_depth)


def folded(name: str) -> str:
    """A name without case, spaces and dashes, for comparing what a model wrote with what exists."""
    return re.sub(r"[\W_]+", "", name).casefold()
