"""Hands planned tasks to a real dispatcher and times them until they are settled.

A task's clock starts when it is committed and its nudge goes out, and stops when the dispatcher's own `settled` nudge
arrives here, which is one hop later than the commit that settled it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle

from benchmarks.dags import stock
from benchmarks.dags.protocol import Load, Report
from benchmarks.dags.workloads import Dag, plans
from domain.errors import Malformed
from domain.messages import Nudge
from domain.ports import Clock, ControlBus, Store, Subscription
from domain.task import Task

LOOK_EVERY_S = 1.0
NUDGES = 500


@dataclass
class _Progress:
    """Who waits, who is under way since when, who is through after how long."""

    waiting: list[str]
    begun_s: dict[str, float] = field(default_factory=dict)
    took_s: list[float] = field(default_factory=list)

    def next(self, count: int) -> list[str]:
        chosen, self.waiting = self.waiting[:count], self.waiting[count:]
        return chosen

    def begin(self, ids: Iterable[str]) -> None:
        self.begun_s |= dict.fromkeys(ids, time.perf_counter())

    def end(self, ids: Iterable[str]) -> int:
        """Take what settled; how many of it were under way."""
        now = time.perf_counter()
        ended = [now - self.begun_s.pop(task_id) for task_id in ids if task_id in self.begun_s]
        self.took_s += ended
        return len(ended)


class Driver:
    """Stands where the planner is before a run, and where the aggregator is after it.

    Args:
        store: the dispatcher's database.
        bus: the dispatcher's broker.
        clock: for the tasks' times.
    """

    def __init__(self, store: Store, bus: ControlBus, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._numbers = count()  # no id comes again: processes remember tasks

    async def perform(self, load: Load) -> Report:
        """One load from the first task to the last, in a store that holds nothing else."""
        await self.clear_out()
        dags = plans(load.workload, load.seed, load.tasks)
        return await self.work_through(self.planned(dags), dags, load.at_once)

    async def clear_out(self) -> None:
        """Forget all tasks, those too that an interrupted run has left."""
        await stock.clear_out(self._store)

    def planned(self, dags: Sequence[Dag], owners: Sequence[str] = stock.OWNERS, seconds: float = 0.0) -> list[Task]:
        """Tasks of these plans, the owners taking turns; every node takes so many seconds."""
        now, turns = self._clock.now(), cycle(owners)
        return [stock.planned(next(self._numbers), dag, now, next(turns), seconds) for dag in dags]

    async def work_through(self, tasks: Sequence[Task], dags: Sequence[Dag], at_once: int) -> Report:
        """Hand tasks in, so many at once, and check by the rows what became of them."""
        await stock.lay_in(self._store, tasks)
        async with self._bus.nudges("settled") as nudges:
            progress = _Progress([task.id for task in tasks])
            began_s = time.perf_counter()
            await self._begin(progress, at_once)
            while progress.begun_s:
                ended = progress.end(await self._settled(nudges, progress.begun_s))
                await self._begin(progress, ended)
            seconds = time.perf_counter() - began_s
        found = await stock.faults(self._store, {task.id: dag for task, dag in zip(tasks, dags, strict=True)})
        return Report(seconds, sum(map(len, dags)), progress.took_s, found)

    async def until_begun(self, task: Task) -> None:
        """Wait until a task has a result."""
        while not await stock.has_begun(self._store, task.id):
            await self._clock.sleep(LOOK_EVERY_S / 10)

    async def _begin(self, progress: _Progress, count: int) -> None:
        ids = progress.next(count)
        if ids:
            await stock.let_go(self._store, ids)
            progress.begin(ids)
            await self._bus.nudge([Nudge(kind="planned", task_id=task_id) for task_id in ids])

    async def _settled(self, nudges: Subscription[Nudge], running: Collection[str]) -> list[str]:
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                arrivals = await nudges.batch(NUDGES)
        except TimeoutError:
            return await stock.settled(self._store, running)
        return [arrival.message.task_id for arrival in arrivals if not isinstance(arrival.message, Malformed)]
