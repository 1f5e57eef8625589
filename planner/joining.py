"""New tasks beside those that are there already: nothing that is done or under way is done twice."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.plan import Node
from domain.reference import renamed


def fresh(nodes: Sequence[Node], fixed: Sequence[Node], lost: Collection[str] = (), mark: str = "") -> tuple[Node, ...]:
    """Those of `nodes` that are new beside `fixed` ones.

    A node that asks for the same work as a fixed one is that one. A node that only shares its id gets a new one; what
    depends on it, or uses its output, goes along.

    Args:
        nodes: as the model listed them.
        fixed: what stays as it is.
        lost: ids of fixed nodes that failed; to do their work again is new work.
        mark: what new ids begin with when they must be changed.
    """
    if not fixed:
        return tuple(nodes)
    standing = {node.id: node for node in fixed}
    works = {_task_of(node): node.id for node in reversed(fixed) if node.id not in lost}
    taken = {*standing, *(node.id for node in nodes)}
    names: dict[str, str] = {}
    new: list[Node] = []
    for node in nodes:
        namesake = standing.get(node.id)
        if namesake and node.id not in lost and work(node) == work(namesake):
            continue
        twin = works.get(_task_of(_pointed(node, names)))
        if twin is not None:
            names[node.id] = twin
            continue
        if namesake:
            names[node.id] = _free(f"{mark}{node.id}", taken)
        new.append(replace(node, id=names[node.id]) if namesake else node)
    return tuple(_pointed(node, names) for node in new)


def work(node: Node) -> str:
    """What a node asks for, as a text that is equal for equal work. Whether a value was written as a number or as a
    text is no difference."""
    params = {name: _plain(value) for name, value in node.params.items() if value is not None}
    return json.dumps([node.skill, node.for_each, params], ensure_ascii=False, sort_keys=True, default=str)


def _task_of(node: Node) -> tuple[str, frozenset[str]]:
    """The work, and what it waits for: a report on two things is not a report on three."""
    return work(node), frozenset(node.dependencies)


def _plain(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value


def _pointed(node: Node, names: Mapping[str, str]) -> Node:
    """The node with its dependencies and references under their new names."""
    if not names:
        return node
    condition = node.condition
    return replace(
        node,
        params=renamed(node.params, names),
        dependencies=tuple(dict.fromkeys(names.get(other, other) for other in node.dependencies)),
        condition=condition and replace(condition, ref=renamed(condition.ref, names)),
        for_each=renamed(node.for_each, names),
    )


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted[-64:], 1
    while name in taken:
        number += 1
        name = f"{wanted[-60:]}_{number}"
    taken.add(name)
    return name
