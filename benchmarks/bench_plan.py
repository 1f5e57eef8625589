"""How long it takes to repair and check large plans: `python -m benchmarks.bench_plan`."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from domain import graph
from domain.plan import Node, Plan
from domain.plan_check import Limits, problems
from domain.plan_repair import repair
from domain.skill import Catalogue, SkillSpec

NODES, EDGES = 10_000, 50_000
CATALOGUE = Catalogue.of([("agent", SkillSpec(name="look", description=""))])
LIMITS = Limits(max_nodes=NODES, max_depth=NODES)


def layered(chance: random.Random) -> Plan:
    """A plan without a cycle, whose edges reach back up to 50 tasks."""
    return _plan(
        [{chance.randrange(max(0, at - 50), at) for _ in range(EDGES // NODES)} if at else set() for at in range(NODES)]
    )


def tangled(chance: random.Random) -> Plan:
    """Edges between any two tasks: nearly everything waits for everything."""
    return _plan([{chance.randrange(NODES) for _ in range(EDGES // NODES)} - {at} for at in range(NODES)])


def rings(chance: random.Random) -> Plan:
    """Thousands of small cycles, and edges back between them."""
    return _plan(
        [
            {at // 3 * 3 + (at + 1) % 3} | ({chance.randrange(at // 3 * 3) for _ in range(4)} if at > 2 else set())
            for at in range(NODES // 3 * 3)
        ]
    )


def _plan(dependencies: list[set[int]]) -> Plan:
    return Plan(
        nodes=tuple(
            Node(id=f"n{at}", skill="look", dependencies=tuple(f"n{other}" for other in sorted(others)))
            for at, others in enumerate(dependencies)
        )
    )


def timed(work: Callable[[], object]) -> float:
    """The best of three, in seconds."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def main() -> None:
    """Print one line per shape of plan."""
    print(f"{'plan':8} {'nodes':>6} {'edges':>6} {'cycles':>6} {'check s':>8} {'repair s':>8} {'cut':>6} {'left':>5}")
    for shape in (layered, tangled, rings):
        plan = shape(random.Random(1))  # noqa: S311 -- a benchmark, not a secret
        mended = repair(plan, CATALOGUE)
        edges = sum(len(node.dependencies) for node in plan.nodes)
        check_s = timed(lambda plan=plan: problems(plan, CATALOGUE, LIMITS))
        repair_s = timed(lambda plan=plan: repair(plan, CATALOGUE))
        print(
            f"{shape.__name__:8} {len(plan.nodes):6} {edges:6} {len(graph.components(plan.edges)):6} {check_s:8.2f} "
            f"{repair_s:8.2f} {len(mended.repairs):6} {len(problems(mended, CATALOGUE, LIMITS)):5}"
        )


if __name__ == "__main__":
    main()
