"""What is wrong with a plan: all of it at once, so that one re-ask or one look can mend everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from domain import graph
from domain.ids import NODE_KEY, SUBTASK_KEY
from domain.plan import Node, Op, Plan
from domain.plan_json.spelling import unclear
from domain.reference import ITEM, Reference, references, whole_reference
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


def problems(
    plan: Plan, catalogue: Catalogue, limits: Limits, fixed: Collection[str] = frozenset()
) -> tuple[Problem, ...]:
    """Every defect of `plan`; empty when it can be run as it is. Nodes in `fixed` run already and are not judged."""
    if not plan.nodes:
        return () if plan.answer is not None or plan.question is not None else (Problem(kind="empty"),)
    if len(plan.nodes) > limits.max_nodes:  # the rest is not worth the time on a flood
        return (Problem(kind="too_many_nodes", count=len(plan.nodes), limit=limits.max_nodes),)
    known = plan.by_id
    of_nodes = (node_problems(node, known, catalogue) for node in plan.nodes if node.id not in fixed)
    return (*_duplicates(plan), *(one for found in of_nodes for one in found), *_cycles(plan), *_depth(plan, limits))


def node_problems(node: Node, known: Mapping[str, Node], catalogue: Catalogue) -> tuple[Problem, ...]:
    """Every defect of one node among the nodes it may name."""
    spec = catalogue.skills.get(node.skill)
    return (
        *_id(node),
        *_skill(node, spec),
        *(param_problems(node, spec) if spec else ()),
        *_condition(node),
        *_map(node),
        *_dependencies(node, known),
        *_references(node, known, catalogue),
    )


def _duplicates(plan: Plan) -> Iterator[Problem]:
    counted = Counter(node.id for node in plan.nodes)
    yield from (Problem(kind="duplicate_id", node=name) for name, count in counted.items() if count > 1)


def _id(node: Node) -> Iterator[Problem]:
    if not (SUBTASK_KEY if node.parent else NODE_KEY).fullmatch(node.id) or node.id == ITEM:
        yield Problem(kind="bad_id", node=node.id)


def _skill(node: Node, spec: SkillSpec | None) -> Iterator[Problem]:
    if not node.skill:
        yield Problem(kind="missing_skill", node=node.id)
    elif spec is None:
        yield Problem(kind="unknown_skill", node=node.id, other=node.skill)


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


def _condition(node: Node) -> Iterator[Problem]:
    if node.condition is None:
        return
    if whole_reference(node.condition.ref) is None:
        yield Problem(kind="bad_condition", node=node.id, other=node.condition.ref)
    elif node.condition.value is None and node.condition.op is not Op.EXISTS:
        yield Problem(kind="condition_without_value", node=node.id)


def _map(node: Node) -> Iterator[Problem]:
    if node.for_each and whole_reference(node.for_each) is None:
        yield Problem(kind="bad_for_each", node=node.id, other=node.for_each)
    outside = [node.for_each, node.condition.ref if node.condition else ""]
    inside = [] if node.for_each else [node.params]
    if any(found.node == ITEM for found in references([outside, inside])):
        yield Problem(kind="item_without_map", node=node.id)


def _dependencies(node: Node, known: Collection[str]) -> Iterator[Problem]:
    for other in node.dependencies:
        if other == node.id:
            yield Problem(kind="self_dependency", node=node.id)
        elif other not in known:
            yield Problem(kind="dangling_dependency", node=node.id, other=other)


def _references(node: Node, known: Mapping[str, Node], catalogue: Catalogue) -> Iterator[Problem]:
    yield from (Problem(kind="unclear_reference", node=node.id, other=text) for text in unclear(node))
    texts = [node.params, node.condition.ref if node.condition else "", node.for_each]
    found = dict.fromkeys(one for one in references(texts) if one.node != ITEM)
    for other in dict.fromkeys(one.node for one in found):
        if other not in known or other == node.id:
            yield Problem(kind="dangling_reference", node=node.id, other=other)
        elif other not in node.dependencies:
            yield Problem(kind="missing_dependency", node=node.id, other=other)
    for one in found:
        if one.node in known and not _may_hold(known[one.node], one, catalogue):
            yield Problem(kind="unknown_output", node=node.id, other=one.text)


def _may_hold(producer: Node, reference: Reference, catalogue: Catalogue) -> bool:
    """Whether an output may have what a reference wants of it: a skill that lists what it returns returns that."""
    spec = catalogue.skills.get(producer.skill)
    schema = spec.output_schema if spec else {}
    listed = schema.get("properties")
    is_closed = isinstance(listed, Mapping) and schema.get("additionalProperties") is not True
    path = reference.path
    if producer.for_each and path:  # a list, of which a child is one
        if not str(path[0]).isdecimal():
            return False
        path = path[1:]
    return not path or not is_closed or not listed or path[0] in listed


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
