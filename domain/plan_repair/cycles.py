"""Tasks that wait for one another: the fewest, least valuable dependencies are cut, where nothing is lost by it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from domain import graph
from domain.plan import Node, Plan, Repair
from domain.plan_check import clean_edges
from domain.reference import node_references
from domain.skill import Catalogue, Effect

MAX_EXACT_SETS = 1 << 16  # of nodes, that are looked at to cut all cycles of a plan at least cost: a quarter second


def uncycled(
    nodes: Sequence[Node], catalogue: Catalogue, fixed: Collection[str] = frozenset()
) -> tuple[tuple[Node, ...], tuple[Repair, ...]]:
    """The tasks without cycles, as far as a person need not be asked.

    No dependency that carries data is cut, none of a task in `fixed`, and none in a cycle that an external effect is
    part of or waits for. What stays a cycle is left as it is: to cut some of it would not make it run.
    """
    plan = Plan(nodes=tuple(nodes))
    edges = clean_edges(plan)
    components = graph.components(edges)
    if not components:
        return plan.nodes, ()
    guarded = _before(edges, [node.id for node in nodes if _acts(node, catalogue)])
    place = {node.id: position for position, node in enumerate(nodes)}
    cuts: set[graph.Arc] = set()
    sets = 0
    for component in components:
        if guarded.intersection(component):
            continue
        weights = _weights([plan.by_id[key] for key in component], place, fixed)
        sets += 2 ** len(component) if len(component) <= graph.EXACT_UP_TO else 0
        arcs = graph.feedback_arcs(component, weights, is_exact=sets <= MAX_EXACT_SETS)
        if all(weights[arc] < graph.PRECIOUS for arc in arcs):
            cuts |= arcs
    told = sorted(cuts, key=lambda arc: (place[arc[0]], place[arc[1]]))
    return tuple(_without(node, cuts) for node in nodes), tuple(map(_repair, told))


def _before(edges: graph.Edges, keys: Iterable[str]) -> set[str]:
    """The given tasks and everything they wait for, directly or not."""
    reached = dict.fromkeys(keys)
    queue = list(reached)
    for key in queue:
        fresh = [other for other in edges[key] if other not in reached]
        reached.update(dict.fromkeys(fresh))
        queue += fresh
    return set(reached)


def _weights(nodes: Sequence[Node], place: Mapping[str, int], fixed: Collection[str]) -> dict[graph.Arc, int]:
    """What an edge is worth: one to a task listed later is most likely the mistake, data is never given up.

    The base of 1000 makes fewer edges win over cheaper ones.
    """
    weights: dict[graph.Arc, int] = {}
    for node in nodes:
        precious = set(node.dependencies if node.id in fixed else node_references(node))
        for before in place.keys() & node.dependencies:
            listed_later = place[before] > place[node.id]
            weights[node.id, before] = graph.PRECIOUS if before in precious else 1001 if listed_later else 1003
    return weights


def _acts(node: Node, catalogue: Catalogue) -> bool:
    spec = catalogue.skills.get(node.skill)
    return node.approval or spec is None or spec.effect is Effect.EXTERNAL


def _without(node: Node, cuts: Collection[graph.Arc]) -> Node:
    kept = tuple(other for other in node.dependencies if (node.id, other) not in cuts)
    return node if len(kept) == len(node.dependencies) else replace(node, dependencies=kept)


def _repair(arc: graph.Arc) -> Repair:
    node, before = arc
    return Repair(kind="cut_edge", subtask=node, before=before, reason=f"{before} already waits for {node}")
