"""The plans everybody works through, as bare dependencies.

Standard library only: peers run this in a Python of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

Dag = tuple[tuple[int, ...], ...]
"""Per node the earlier nodes it depends on."""

FAN = 48
LAYERS, WIDTH = 5, 10
SMALLEST, LARGEST = 3, 12


def chain(_random: Random) -> Dag:
    """Ten nodes, one after the other."""
    return ((), *((place,) for place in range(9)))


def fan(_random: Random) -> Dag:
    """One node, 48 after it, one after all of those."""
    return ((), *((0,) for _ in range(FAN)), tuple(range(1, FAN + 1)))


def layered(_random: Random) -> Dag:
    """Five layers of ten; each node needs two of the layer above."""
    first = tuple(() for _ in range(WIDTH))
    others = (
        (above * WIDTH + place, above * WIDTH + (place + 1) % WIDTH)
        for above in range(LAYERS - 1)
        for place in range(WIDTH)
    )
    return (*first, *others)


def diamond(_random: Random) -> Dag:
    """One node, two after it, one after both."""
    return ((), (0,), (0,), (1, 2))


def mixed(random: Random) -> Dag:
    """Between three and twelve nodes, each needing up to three of those before it."""
    count = random.randint(SMALLEST, LARGEST)
    return tuple(
        tuple(sorted(random.sample(range(place), min(place, random.choice((0, 1, 1, 2, 3)))))) for place in range(count)
    )


WORKLOADS: Mapping[str, Callable[[Random], Dag]] = {
    "chain10": chain,
    "fan50": fan,
    "layered": layered,
    "diamond4": diamond,
    "mixed": mixed,
}


def plans(workload: str, seed: int, count: int) -> list[Dag]:
    """That many plans; the same for the same seed."""
    random = Random(seed)  # noqa: S311 -- plans that come again, not secrets
    return [WORKLOADS[workload](random) for _ in range(count)]


def tasks_for(workload: str, subtasks: int) -> int:
    """How many tasks have about so many subtasks together."""
    sample = plans(workload, 0, 50)
    return max(1, round(subtasks * len(sample) / sum(map(len, sample))))


def depends_in_order(dag: Dag) -> bool:
    """Whether every node needs earlier ones only, each once."""
    return all(
        len(set(needed)) == len(needed) and all(other < place for other in needed) for place, needed in enumerate(dag)
    )
