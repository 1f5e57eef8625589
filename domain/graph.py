"""Graph algorithms over `{node: predecessors}`; linear unless said, and never recursive (plans may be deep)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from typing import Literal

Edges = Mapping[str, Sequence[str]]
Urgency = Literal["high", "normal", "low"]


def reverse(edges: Edges) -> dict[str, tuple[str, ...]]:
    """Turn predecessors into successors (or back)."""
    turned: dict[str, list[str]] = {node: [] for node in edges}
    for node, others in edges.items():
        for other in others:
            turned[other].append(node)
    return {node: tuple(others) for node, others in turned.items()}


def topological(edges: Edges) -> list[str]:
    """Nodes with every predecessor before its successors. Raises graphlib.CycleError on a cycle."""
    return list(TopologicalSorter(edges).static_order())


def longest_paths(successors: Edges) -> dict[str, int]:
    """Nodes on the longest path starting at each node, itself included; the graph must have no cycle."""
    lengths: dict[str, int] = {}
    for node in topological(successors):
        lengths[node] = 1 + max((lengths[after] for after in successors[node]), default=0)
    return lengths


def components(edges: Edges) -> list[tuple[str, ...]]:
    """Strongly connected components with more than one node, each in the order of `edges`.

    Kosaraju's algorithm (Sharir, "A strong-connectivity algorithm and its applications", 1981).
    """
    place = {node: position for position, node in enumerate(edges)}
    turned = reverse(edges)
    seen: set[str] = set()
    reached = [_reach(root, turned, seen) for root in reversed(_postorder(edges)) if root not in seen]
    cyclic = [tuple(sorted(component, key=place.__getitem__)) for component in reached if len(component) > 1]
    return sorted(cyclic, key=lambda component: place[component[0]])


def _postorder(edges: Edges) -> list[str]:
    """Nodes in the order a depth-first walk leaves them."""
    seen: set[str] = set()
    order: list[str] = []
    for root in edges:
        walk = [(root, iter(edges[root]))] if root not in seen else []
        seen.add(root)
        while walk:
            node, rest = walk[-1]
            following = next((other for other in rest if other not in seen), None)
            if following is None:
                order.append(node)
                walk.pop()
            else:
                seen.add(following)
                walk.append((following, iter(edges[following])))
    return order


def _reach(root: str, edges: Edges, seen: set[str]) -> list[str]:
    """What can be reached from `root` without entering `seen`, which grows by it."""
    reached = [root]
    seen.add(root)
    for node in reached:
        fresh = [other for other in dict.fromkeys(edges[node]) if other not in seen]
        seen.update(fresh)
        reached.extend(fresh)
    return reached


Arc = tuple[str, str]  # (node, predecessor it waits for)
PRECIOUS = 1_000_000_000  # an arc of this weight is cut only where nothing else opens the cycle
EXACT_UP_TO = 14  # nodes of a component; 2**n sets of them are looked at, which takes some 30 ms for 14


def feedback_arcs(component: Sequence[str], weights: Mapping[Arc, int], *, is_exact: bool = True) -> frozenset[Arc]:
    """Arcs of least total weight whose removal leaves the component without a cycle.

    Exact up to `EXACT_UP_TO` nodes (Held-Karp style dynamic programme over the set already ordered; Lawler, "A comment
    on minimum feedback arc sets", 1964), beyond that the greedy order of Eades, Lin and Smyth (1993).

    Args:
        component: the nodes of one strongly connected component.
        weights: the value of each arc between them; what is valuable is kept.
        is_exact: whether there is time for the exact way, where it can be gone.
    """
    members = set(component)
    inside = {arc: weight for arc, weight in weights.items() if members.issuperset(arc)}
    is_small = is_exact and len(component) <= EXACT_UP_TO
    order = _exact_order(component, inside) if is_small else _greedy_order(component, inside)
    place = {node: position for position, node in enumerate(order)}
    return frozenset((node, before) for node, before in inside if place[before] > place[node])


def _exact_order(component: Sequence[str], weights: Mapping[Arc, int]) -> list[str]:
    """The cheapest way to order each set of nodes is that of the set without one of them, which then comes last."""
    size = len(component)
    cuts = [_cut_by_set(node, component, weights) for node in component]
    bits = [1 << place for place in range(size)]
    members: list[tuple[tuple[int, list[int]], ...]] = [()]
    for member in zip(bits, cuts, strict=True):
        members += [(*others, member) for others in members]
    best = [0]
    for done in range(1, 1 << size):
        best.append(min([best[done ^ bit] + cut[done] for bit, cut in members[done]]))
    order: list[str] = []
    done = (1 << size) - 1
    while done:
        chosen = next(
            place
            for place in reversed(range(size))
            if done & bits[place] and best[done] == best[done ^ bits[place]] + cuts[place][done]
        )
        order.append(component[chosen])
        done ^= bits[chosen]
    return order[::-1]


def _cut_by_set(node: str, component: Sequence[str], weights: Mapping[Arc, int]) -> list[int]:
    """For each set of nodes, as a number with a bit for each, what `node` waits for outside of it: cut if it comes last
    in that set."""
    total = sum(weights.get((node, before), 0) for before in component)
    table = [total]
    for before in component:
        weight = weights.get((node, before), 0)
        table += [cut - weight for cut in table] if weight else table
    return table


def _greedy_order(component: Sequence[str], weights: Mapping[Arc, int]) -> list[str]:
    """Repeatedly put first the node whose waiting costs least against what waits for it; one that waits for
    something precious only when all do."""
    place = {node: position for position, node in enumerate(component)}
    waits, awaited = dict.fromkeys(component, 0), dict.fromkeys(component, 0)
    for (node, before), weight in weights.items():
        waits[node] += weight
        awaited[before] += weight

    def rank(node: str) -> tuple[int, int, int, str]:
        return waits[node] // PRECIOUS, waits[node] - awaited[node], place[node], node

    touching = _arcs_by_end(weights)
    queue = sorted(rank(node) for node in component)
    order: dict[str, None] = {}
    while queue:
        *_, chosen = entry = heappop(queue)
        if chosen in order or entry != rank(chosen):  # placed already, or queued again since
            continue
        order[chosen] = None
        for (node, before), weight in touching.get(chosen, ()):
            waits[node] -= weight
            awaited[before] -= weight
            heappush(queue, rank(before if node == chosen else node))
    return list(order)


def _arcs_by_end(weights: Mapping[Arc, int]) -> dict[str, list[tuple[Arc, int]]]:
    """Node -> the weighted arcs at either end of which it stands."""
    touching: dict[str, list[tuple[Arc, int]]] = {}
    for arc, weight in weights.items():
        for end in arc:
            touching.setdefault(end, []).append((arc, weight))
    return touching
