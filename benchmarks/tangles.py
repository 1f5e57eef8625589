"""Plans with many dependencies, for benchmarks."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

from domain.plan import Node, Plan

FLOOD = 10_000


def plan_of(dependencies: Sequence[set[int]]) -> Plan:
    """Tasks `n0`, `n1`… with dependencies on those of the given numbers."""
    return Plan(
        nodes=tuple(
            Node(id=f"n{at}", skill="look", dependencies=tuple(f"n{other}" for other in sorted(others)))
            for at, others in enumerate(dependencies)
        )
    )


def random_component(size: int, chance: random.Random) -> Plan:
    """Tasks all of which wait for one another: a ring, and more edges by chance."""
    density = chance.uniform(0, 0.6)
    order = chance.sample(range(size), size)
    rings = {order[place]: order[place - 1] for place in range(size)}
    return plan_of(
        [
            {rings[at]} | {other for other in range(size) if other != at and chance.random() < density}
            for at in range(size)
        ]
    )


def random_plan(size: int, edges: int, chance: random.Random, *, acyclic: bool = False) -> Plan:
    """Edges between any two tasks, or to earlier ones only."""
    dependencies: list[set[int]] = [set() for _ in range(size)]
    for _ in range(edges):
        low, high = sorted(chance.sample(range(size), 2))
        after, before = (high, low) if acyclic or chance.random() < 0.5 else (low, high)
        dependencies[after].add(before)
    return plan_of(dependencies)


def floods(chance: random.Random) -> Iterator[tuple[str, Plan]]:
    """Ten thousand tasks without a cycle, nearly all in one, and in thousands of small ones."""
    backwards = [{chance.randrange(max(0, at - 50), at) for _ in range(5)} if at else set() for at in range(FLOOD)]
    yield "layered", plan_of(backwards)
    yield "tangled", random_plan(FLOOD, 5 * FLOOD, chance)
    yield "rings", plan_of([{at // 3 * 3 + (at + 1) % 3} for at in range(FLOOD // 3 * 3)])


def exact_minimum(edges: Mapping[str, Sequence[str]]) -> int:
    """The fewest edges whose removal leaves no cycle, by trying every set of tasks as the first ones of an order."""
    places = {node: at for at, node in enumerate(edges)}
    waits = [sum(1 << places[other] for other in others) for others in edges.values()]
    size = len(waits)
    least = {0: 0}
    for count in range(size):
        for done in [key for key in least if key.bit_count() == count]:
            for node in range(size):
                if not done >> node & 1:
                    cut = least[done] + (waits[node] & ~done).bit_count()
                    least[done | 1 << node] = min(cut, least.get(done | 1 << node, cut))
    return least[(1 << size) - 1]
