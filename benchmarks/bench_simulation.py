"""More worlds than the tests have time for: `make simulate SEEDS=100000`, or `python -m benchmarks.bench_simulation`.

Plays them on all processors, prints every seed whose world broke a promise, and what died and ended on the way.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from tests.chaos.simulation.world import World

SEEDS = 20_000
BLOCK = 100


class Played(NamedTuple):
    """What became of a block of worlds."""

    broken: list[tuple[int, str]]
    deaths: Counter[str]
    ends: Counter[str]


def main() -> int:
    """Exit code 1 when a world went bad."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    total, started = Played([], Counter(), Counter()), time.perf_counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for block in pool.map(_played, range(0, seeds, BLOCK)):
            for seed, promise in block.broken:
                print(f"python -m tests.chaos.simulation {seed}: {promise}", flush=True)
            total.broken.extend(block.broken)
            total.deaths.update(block.deaths)
            total.ends.update(block.ends)
    bad = len({seed for seed, _ in total.broken})
    print(f"{seeds} worlds, {bad} bad, {time.perf_counter() - started:.0f} s")
    print(f"{total.deaths.total()} processes died: {dict(total.deaths)}; ends: {dict(total.ends)}")
    return 1 if bad else 0


def _played(first: int) -> Played:
    played = Played([], Counter(), Counter())
    for seed in range(first, first + BLOCK):
        world = World(seed)
        played.broken.extend((seed, promise) for promise in world.run())
        played.deaths.update(world.deaths)
        for task in world.database.tasks.values():
            played.ends[f"task {task.state.value}"] += 1
            played.ends.update(f"subtask {sub.state.value}" for sub in task.subtasks.values())
    return played


if __name__ == "__main__":
    sys.exit(main())
