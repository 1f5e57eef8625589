"""Wait for tasks: woken by nudges, sure by looking at the rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from domain.errors import Malformed, Unavailable
from domain.messages import Nudge
from domain.ports import Arrival, ControlBus, Store, UnitOfWork
from domain.task import FINAL_TASK, Task

log = structlog.get_logger()

LOOK_EVERY_S = 1.0
OnChange = Callable[[Task], None]
IsThere = Callable[[Task], bool]


def is_over(task: Task) -> bool:
    """Whether it has its answer."""
    return task.state in FINAL_TASK


@dataclass(frozen=True, slots=True)
class _Wait:
    future: asyncio.Future[Task]
    is_there: IsThere
    on_change: OnChange | None


class Follower:
    """Knows which tasks somebody waits for, and looks at those that nudges name; at all of them every second.

    While the database is away it goes on waiting: what was accepted ends in an answer.
    """

    def __init__(self, store: Store, bus: ControlBus) -> None:
        self._store = store
        self._bus = bus
        self._waiting: dict[str, _Wait] = {}
        self._versions: dict[str, int] = {}

    async def answered(self, task_id: str, on_change: OnChange | None = None) -> Task:
        """The task, once it has its answer. `on_change` sees every newer state on the way."""
        return await self.reached(task_id, is_over, on_change)

    async def reached(self, task_id: str, is_there: IsThere, on_change: OnChange | None = None) -> Task:
        """The task, once it is as `is_there` says or over. Only one may wait for a task at a time."""
        future: asyncio.Future[Task] = asyncio.get_running_loop().create_future()
        self._waiting[task_id] = _Wait(future, is_there, on_change)
        try:
            await self._look({task_id})
            return await future
        finally:
            del self._waiting[task_id]
            self._versions.pop(task_id, None)

    async def run(self) -> None:
        """Listen until cancelled."""
        async with self._bus.nudges("planned", "changed", "settled", "answered") as nudges:
            while True:
                named: Collection[str] = self._waiting
                try:
                    async with asyncio.timeout(LOOK_EVERY_S):
                        arrivals = await nudges.batch(500)
                        named = {nudge.task_id for nudge in _readable(arrivals) if self._matters(nudge)}
                except TimeoutError:
                    pass
                await self._look(named)

    def _matters(self, nudge: Nudge) -> bool:
        """Who only waits for the answer need not look at every change."""
        wait = self._waiting.get(nudge.task_id)
        is_patient = wait is None or (wait.is_there is is_over and wait.on_change is None)
        return nudge.kind == "answered" or not is_patient

    async def _look(self, task_ids: Collection[str]) -> None:
        wanted = [task_id for task_id in task_ids if self._is_open(task_id)]
        if not wanted:
            return
        try:
            tasks = await self._store.transact(partial(_peek, task_ids=wanted))
        except Unavailable as error:
            log.warning("following_waits", error=str(error))
            return
        for task in tasks:
            self._show(task)

    def _is_open(self, task_id: str) -> bool:
        return task_id in self._waiting and not self._waiting[task_id].future.done()

    def _show(self, task: Task) -> None:
        if not self._is_open(task.id) or self._versions.get(task.id) == task.version:
            return
        wait = self._waiting[task.id]
        self._versions[task.id] = task.version
        if wait.on_change is not None:
            wait.on_change(task)
        if is_over(task) or wait.is_there(task):
            wait.future.set_result(task)


def _readable(arrivals: Iterable[Arrival[Nudge]]) -> list[Nudge]:
    return [arrival.message for arrival in arrivals if not isinstance(arrival.message, Malformed)]


def _peek(uow: UnitOfWork, task_ids: Collection[str]) -> list[Task]:
    return [task for task_id in task_ids if (task := uow.tasks.peek(task_id)) is not None]


@asynccontextmanager
async def following(store: Store, bus: ControlBus) -> AsyncIterator[Follower]:
    """A follower that listens while the block runs."""
    follower = Follower(store, bus)
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(follower.run())
        try:
            yield follower
        finally:
            listening.cancel()
