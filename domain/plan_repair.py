"""Make a plan runnable with the least change, and say every change.

Only what has one sensible mending is mended; the rest stays a problem for `plan_check` to name. A data
reference is never cut away, and a cycle through an external effect is left for a person.
"""

from __future__ import annotations

import difflib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain import graph
from domain.plan import Node, Plan, Repair
from domain.plan_check import clean_edges, fits, folded
from domain.reference import references
from domain.skill import Catalogue, Effect, Param, ParamType, SkillSpec

CLOSE_ENOUGH = 0.85  # difflib ratio above which a misspelt skill is taken for the one it resembles


@dataclass(frozen=True, slots=True)
class _Mended:
    nodes: tuple[Node, ...]
    repairs: tuple[Repair, ...] = ()


def repair(plan: Plan, catalogue: Catalogue) -> Plan:
    """The plan with ids, skills, parameters, dependencies and cycles mended and bound to the catalogue."""
    nodes = plan.nodes
    repairs = list(plan.repairs)
    for mend in (_ids, _skills, _params, _dependencies, _references, _cycles):
        mended = mend(nodes, catalogue)
        nodes = mended.nodes
        repairs.extend(mended.repairs)
    return replace(plan, nodes=tuple(_bound(node, catalogue) for node in nodes), repairs=tuple(repairs))


def _bound(node: Node, catalogue: Catalogue) -> Node:
    spec = catalogue.skills.get(node.skill)
    if spec is None:
        return node
    return replace(node, effect=spec.effect, timeout_s=spec.timeout_s, max_attempts=spec.max_attempts)


def _ids(nodes: tuple[Node, ...], _catalogue: Catalogue) -> _Mended:
    """Drop identical copies; rename a different node of the same id, earlier references stay with the first."""
    kept: dict[str, Node] = {}
    repairs: list[Repair] = []
    for node in nodes:
        if kept.get(node.id) == node:
            repairs.append(Repair(kind="identical_copy", node=node.id))
        elif node.id in kept:
            fresh = _free_name(node.id, kept.keys() | {other.id for other in nodes})
            kept[fresh] = replace(node, id=fresh)
            repairs.append(Repair(kind="renamed", node=node.id, other=fresh))
        else:
            kept[node.id] = node
    return _Mended(tuple(kept.values()), tuple(repairs))


def _free_name(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _skills(nodes: tuple[Node, ...], catalogue: Catalogue) -> _Mended:
    """A skill spelt in another case, with spaces, or nearly right becomes the one it can only be."""
    counted = Counter(folded(name) for name in catalogue.skills)
    spelt = {folded(name): name for name in catalogue.skills if counted[folded(name)] == 1}
    mended: list[Node] = []
    repairs: list[Repair] = []
    for node in nodes:
        meant = node.skill if node.skill in catalogue else _nearest(node.skill, spelt, catalogue)
        if meant != node.skill:
            repairs.append(Repair(kind="skill", node=node.id, other=meant))
        mended.append(replace(node, skill=meant))
    return _Mended(tuple(mended), tuple(repairs))


def _nearest(skill: str, spelt: Mapping[str, str], catalogue: Catalogue) -> str:
    if folded(skill) in spelt:
        return spelt[folded(skill)]
    close = difflib.get_close_matches(folded(skill), spelt, n=2, cutoff=CLOSE_ENOUGH)
    unique = spelt[close[0]] if len(close) == 1 else skill
    is_harmless = unique in catalogue and catalogue.skills[unique].effect is not Effect.EXTERNAL
    return unique if is_harmless else skill


def _params(nodes: tuple[Node, ...], catalogue: Catalogue) -> _Mended:
    """Drop nulls, read “3” as 3 where a number is due; drop what the skill does not know."""
    mended: list[Node] = []
    repairs: list[Repair] = []
    for node in nodes:
        spec = catalogue.skills.get(node.skill)
        if spec is None:
            mended.append(node)
            continue
        params, changes = _fitted(node, spec)
        repairs.extend(changes)
        mended.append(replace(node, params=params))
    return _Mended(tuple(mended), tuple(repairs))


def _fitted(node: Node, spec: SkillSpec) -> tuple[dict[str, Any], list[Repair]]:
    params: dict[str, Any] = {}
    repairs: list[Repair] = []
    for name, value in node.params.items():
        known = spec.param(name)
        if value is None and known is not None:
            continue
        if known is None and not spec.open_params:
            repairs.append(Repair(kind="dropped_param", node=node.id, other=name))
            continue
        params[name] = value if known is None or fits(value, known) else coerced(value, known)
        if params[name] is not value:
            repairs.append(Repair(kind="coerced_param", node=node.id, other=name))
    return params, repairs


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


def _dependencies(nodes: tuple[Node, ...], _catalogue: Catalogue) -> _Mended:
    """Drop self, dangling and repeated dependencies; one whose output is used stays a problem."""
    known = {node.id for node in nodes}
    mended: list[Node] = []
    repairs: list[Repair] = []
    for node in nodes:
        kept: list[str] = []
        for other in node.dependencies:
            if other == node.id:
                repairs.append(Repair(kind="self_dependency", node=node.id))
            elif other not in known:
                repairs.append(Repair(kind="dangling_dependency", node=node.id, other=other))
            elif other in kept:
                repairs.append(Repair(kind="duplicate_dependency", node=node.id, other=other))
            else:
                kept.append(other)
        mended.append(replace(node, dependencies=tuple(kept)))
    return _Mended(tuple(mended), tuple(repairs))


def _references(nodes: tuple[Node, ...], _catalogue: Catalogue) -> _Mended:
    """A reference is a dependency: add the ones not declared."""
    known = {node.id for node in nodes}
    mended: list[Node] = []
    repairs: list[Repair] = []
    for node in nodes:
        used = dict.fromkeys(reference.node for reference in references(node.params))
        missing = [other for other in used if other in known - {node.id} and other not in node.dependencies]
        repairs.extend(Repair(kind="added_dependency", node=node.id, other=other) for other in missing)
        mended.append(replace(node, dependencies=(*node.dependencies, *missing)))
    return _Mended(tuple(mended), tuple(repairs))


def _cycles(nodes: tuple[Node, ...], catalogue: Catalogue) -> _Mended:
    """Cut the fewest, least valuable edges of each cycle, none that carries data, none at an external effect.

    What stays a cycle is left as it is: to cut some of it would not make it run.
    """
    plan = Plan(nodes=nodes)
    place = {node.id: position for position, node in enumerate(nodes)}
    cuts: set[graph.Arc] = set()
    for component in graph.components(clean_edges(plan)):
        members = [plan.by_id[key] for key in component]
        if any(_is_external(node, catalogue) for node in members):
            continue
        weights = _weights(members, place)
        arcs = graph.feedback_arcs(component, weights)
        if all(weights[arc] < graph.PRECIOUS for arc in arcs):
            cuts |= arcs
    mended = tuple(
        replace(node, dependencies=tuple(other for other in node.dependencies if (node.id, other) not in cuts))
        for node in nodes
    )
    return _Mended(mended, tuple(Repair(kind="cut_edge", node=node, other=before) for node, before in sorted(cuts)))


def _weights(nodes: Sequence[Node], place: Mapping[str, int]) -> dict[graph.Arc, int]:
    """What an edge is worth: one to a task listed later is most likely the mistake, data is never given up.

    The base of 100 makes fewer edges win over cheaper ones.
    """
    weights: dict[graph.Arc, int] = {}
    for node in nodes:
        used = {reference.node for reference in references(node.params)}
        for before in node.dependencies:
            listed_later = place[before] > place[node.id]
            weights[node.id, before] = graph.PRECIOUS if before in used else 101 if listed_later else 103
    return weights


def _is_external(node: Node, catalogue: Catalogue) -> bool:
    spec = catalogue.skills.get(node.skill)
    return spec is None or spec.effect is Effect.EXTERNAL
