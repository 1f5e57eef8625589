"""Which node of which task may run next, for contenders that know no plans. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from benchmarks.dags.protocol import Load, Report
from benchmarks.dags.workloads import Dag, plans

Name = tuple[int, int]
"""Number of the task in its load, number of the node in its plan."""


@dataclass
class _Running:
    """One task under way."""

    dag: Dag
    begun_s: float
    missing: list[int]
    children: list[list[int]]
    ended: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, dag: Dag, begun_s: float) -> _Running:
        children: list[list[int]] = [[] for _ in dag]
        for node, needed in enumerate(dag):
            for other in needed:
                children[other].append(node)
        return cls(dag=dag, begun_s=begun_s, missing=[len(needed) for needed in dag], children=children)

    def roots(self) -> list[int]:
        return [node for node, needed in enumerate(self.dag) if not needed]

    def end(self, node: int) -> list[int]:
        """Take a result; which nodes may run because of it."""
        self.ended.add(node)
        for child in self.children[node]:
            self.missing[child] -= 1
        return [child for child in self.children[node] if not self.missing[child]]


class ClosedLoop:
    """Keeps so many tasks of a load in flight: another begins whenever one ends.

    Args:
        load: what to work through.
        seconds: a monotonic clock.
    """

    def __init__(self, load: Load, seconds: Callable[[], float]) -> None:
        self._load = load
        self._seconds = seconds
        self._plans = plans(load.workload, load.seed, load.tasks)
        self._running: dict[int, _Running] = {}
        self._begun = 0
        self._began_s = seconds()
        self._latencies_s: list[float] = []
        self._faults: list[str] = []

    @property
    def is_over(self) -> bool:
        """Whether every task has ended."""
        return len(self._latencies_s) == self._load.tasks

    def begin(self) -> list[Name]:
        """What to send first."""
        self._began_s = self._seconds()
        return [name for _ in range(min(self._load.at_once, self._load.tasks)) for name in self._begin_next()]

    def end(self, names: Iterable[Name]) -> list[Name]:
        """Take results; what to send because of them."""
        return [more for name in names for more in self._end(*name)]

    def report(self) -> Report:
        """How it went."""
        subtasks = sum(map(len, self._plans))
        return Report(self._seconds() - self._began_s, subtasks, self._latencies_s, self._faults)

    def _begin_next(self) -> list[Name]:
        if self._begun == self._load.tasks:
            return []
        number, self._begun = self._begun, self._begun + 1
        running = self._running[number] = _Running.of(self._plans[number], self._seconds())
        return [(number, node) for node in running.roots()]

    def _end(self, number: int, node: int) -> list[Name]:
        running = self._running.get(number)
        if running is None or node in running.ended:
            self._faults.append(f"{number}.{node} ran twice")
            return []
        if running.missing[node]:
            self._faults.append(f"{number}.{node} ran before what it needs")
        ready = [(number, child) for child in running.end(node)]
        if len(running.ended) == len(running.dag):
            self._latencies_s.append(self._seconds() - running.begun_s)
            del self._running[number]
            ready += self._begin_next()
        return ready
