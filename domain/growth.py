"""How a plan grows: more of it arrives, a list is spread out, an agent divides its work, another round is planned.

Nodes are only ever added; of what is there nothing changes but the dependencies of a node that waits for its children.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.errors import Refused
from domain.plan import Node, Plan, Repair, When
from domain.reference import renamed, resolve
from domain.skill import Effect

MAX_LABEL = 60  # characters of an item that its child is called by
_NAMES = ("path", "name", "title", "id")
MAX_NESTING = 3  # levels below what was planned: management, coordination, execution


# --- what the planner adds ------------------------------------------------------------------------------------


def grown(plan: Plan, nodes: Iterable[Node]) -> Plan:
    """The plan with those of `nodes` that are new and wait for nothing unknown, as far as there is room."""
    known = dict(plan.by_id)
    for node in nodes:
        if node.id not in known and known.keys() >= set(node.dependencies) and len(known) < plan.max_nodes:
            known[node.id] = _of_round(node, plan)
    return replace(plan, nodes=tuple(known.values()))


def whole(begun: Plan | None, plan: Plan) -> Plan:
    """What was begun, completed by the whole plan. What is there stays, and so do the rounds that were used."""
    if begun is None:
        return plan
    later = bool(begun.misses)
    fresh = [_of_round(node, begun) for node in plan.nodes if node.id not in begun.by_id]
    merged = replace(
        plan,
        nodes=(*begun.nodes, *fresh),
        repairs=tuple(dict.fromkeys((*begun.repairs, *plan.repairs))),
        unplaced=tuple(dict.fromkeys((*begun.unplaced, *plan.unplaced))),
        rounds_left=begun.rounds_left if later else plan.rounds_left,
        misses=begun.misses if later else plan.misses,
        is_amended=begun.is_amended,
    )
    is_idle = later and all(node.round < len(merged.misses) for node in merged.nodes)
    return replace(merged, rounds_left=0) if is_idle else merged  # a planner that adds nothing knows no way


def another_round(plan: Plan, why: str) -> Plan:
    """The plan as it is when it is planned anew."""
    return replace(plan, rounds_left=plan.rounds_left - 1, misses=(*plan.misses, why))


def cut_short(plan: Plan, why: str) -> Plan:
    """The plan as it is when the rest cannot be had; `why` is a failure's code."""
    return replace(plan, rounds_left=0, repairs=(*plan.repairs, Repair(kind="unfinished", reason=why)))


def _of_round(node: Node, plan: Plan) -> Node:
    """A planned node as it joins. What was planned after data was read may only read, unless a person allows more."""
    count = len(plan.misses)
    is_tainted = count > 0 or plan.is_amended
    return replace(node, round=count, approval=node.approval or (is_tainted and _acts(node)))


def _acts(node: Node) -> bool:
    return node.effect is not Effect.NONE


# --- what a node becomes --------------------------------------------------------------------------------------


def spread(plan: Plan, node: Node, outputs: Mapping[str, Any]) -> tuple[Node, ...]:
    """The children of a map, one per item.

    Args:
        plan: where they will be.
        node: the map.
        outputs: what its dependencies brought.

    Raises:
        Refused: there is no such list, it is too long, or the map lies too deep.
    """
    items = resolve(node.for_each, outputs)
    if not isinstance(items, list):
        raise Refused("failure.bad_reference")
    if len(plan.nodes) + len(items) > plan.max_nodes:
        raise Refused("failure.too_many_items")
    if items and nesting(plan, node.id) >= MAX_NESTING:
        raise Refused("failure.too_deep")
    return tuple(_for_item(node, place, item) for place, item in enumerate(items))


def _for_item(node: Node, place: int, item: Any) -> Node:
    number = place + 1
    return replace(
        node,
        id=f"{node.id}.{number}",
        name=f"{node.title}: {_label(item) or number}",
        condition=None,
        item=place,
        parent=node.id,
        critical=False,
        approval=node.approval or _acts(node),
    )


def _label(item: Any) -> str:
    """What an item is called, where it says so in a word or two."""
    if isinstance(item, Mapping):
        item = next((item[name] for name in _NAMES if item.get(name)), "")
    return " ".join(str(item).split())[:MAX_LABEL] if isinstance(item, str | int | float) else ""


def children(parent: Node, nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes of a sub-plan as children of the node whose agent made it: named below it, bound to its round, and
    reading only, unless a person allows more. How much they matter to the task is their parent's affair."""
    names = {node.id: f"{parent.id}.{node.id}" for node in nodes}
    return tuple(_child(parent, node, names) for node in nodes)


def _child(parent: Node, node: Node, names: Mapping[str, str]) -> Node:
    condition = node.condition and replace(node.condition, ref=renamed(node.condition.ref, names))
    return replace(
        node,
        id=names[node.id],
        params=renamed(node.params, names),
        dependencies=tuple(names.get(other, other) for other in node.dependencies),
        condition=condition,
        for_each=renamed(node.for_each, names),
        parent=parent.id,
        round=parent.round,
        critical=False,
        approval=node.approval or _acts(node),
    )


def adopted(plan: Plan, nodes: Sequence[Node], repairs: Sequence[Repair] = ()) -> Plan:
    """The plan with the children of one of its nodes, which waits for them from now on; and what was mended in them."""
    parent = plan.by_id[nodes[0].parent]
    waiting = replace(parent, dependencies=(*parent.dependencies, *(node.id for node in nodes)))
    standing = (waiting if node is parent else node for node in plan.nodes)
    return replace(plan, nodes=(*standing, *nodes), repairs=(*plan.repairs, *repairs))


# --- the tree -------------------------------------------------------------------------------------------------


def nesting(plan: Plan, key: str) -> int:
    """How many levels below what was planned a node lies; one at `MAX_NESTING` cannot have children."""
    return len(list(lineage(plan, key))) - 1


def lineage(plan: Plan, key: str) -> Iterator[Node]:
    """A node, its parent, and so on up to what was planned."""
    while key:
        node = plan.by_id[key]
        yield node
        key = node.parent


def own_dependencies(plan: Plan, key: str) -> tuple[str, ...]:
    """What a node waits for apart from its children."""
    return tuple(other for other in plan.edges[key] if plan.by_id[other].parent != key)


def is_spared(plan: Plan, node: Node) -> bool:
    """Whether it, or what it is part of, was planned for the case that something fails."""
    return any(one.when is not When.ALL_SUCCESS for one in lineage(plan, node.id))
