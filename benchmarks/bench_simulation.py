"""More worlds than the tests have time for: `python -m benchmarks.bench_simulation`.

Prints every seed whose world broke a promise (`World(seed).run()` shows it again), and what died on the way.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

from tests.chaos.simulation.world import World

SEEDS = 20_000
EVERY = 1_000


def main() -> int:
    """Exit code 1 when a world went bad."""
    deaths: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    bad: list[int] = []
    started = time.perf_counter()
    for seed in range(SEEDS):
        world = World(seed)
        if broken := world.run():
            bad.append(seed)
            print(f"World({seed}).run(): {broken}", flush=True)
        deaths.update(world.engine.deaths)
        ends.update(task.state.value for task in world.rows.tasks.values())
        if (seed + 1) % EVERY == 0:
            print(f"{seed + 1} worlds, {len(bad)} bad, {time.perf_counter() - started:.0f} s", flush=True)
    print(f"{deaths.total()} processes died; tasks ended {dict(ends)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
