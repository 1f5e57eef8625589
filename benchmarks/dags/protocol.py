"""What a contender is told and answers, a line of JSON each. Standard library only."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field

LONGEST_S = 240.0  # a round that takes longer is given up


@dataclass(frozen=True)
class Load:
    """So many tasks of a workload, so many of them in flight at once."""

    workload: str
    seed: int
    tasks: int
    at_once: int


@dataclass(frozen=True)
class Report:
    """How it went: seconds altogether and per task, and everything that was not as it must be."""

    seconds: float
    subtasks: int
    latencies_s: list[float]
    faults: list[str] = field(default_factory=list)


Perform = Callable[[Load], Awaitable[Report]]


def answer(document: Mapping[str, object]) -> None:
    """Write one line to whoever asked."""
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


async def obey(perform: Perform, processes: Mapping[str, int]) -> None:
    """Say which processes do the work, then perform every load until the input ends."""
    answer({"processes": dict(processes)})
    while line := await asyncio.to_thread(sys.stdin.readline):
        async with asyncio.timeout(LONGEST_S):
            report = await perform(Load(**json.loads(line)))
        answer(asdict(report))
