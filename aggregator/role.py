"""The aggregator: takes settled tasks, has their answer written, and freezes it. The first answer counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

import structlog

from aggregator.summary import summarise
from domain.answer import Answer
from domain.errors import StoreDown, XingshuError
from domain.events import Answered, AnsweringStarted
from domain.messages import Nudge
from domain.ports import Clock, ControlBus, Store, UnitOfWork
from domain.progress import step
from domain.task import Task

log = structlog.get_logger()

PAUSE_S = 1.0  # while the database is away


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregatorSettings:
    """`at_once`: answers written at the same time. `claim_s`: how long one may take to write; after that, should
    this process have died, another takes over. `sweep_s`: how long a lost nudge can delay an answer."""

    at_once: int = 8
    claim_s: float = 120.0
    sweep_s: float = 10.0


class AggregatorRole:
    """Answers settled tasks.

    Args:
        store: the tasks.
        bus: wakes the role, and hears of answers.
        answer_with: writes the answer of a settled task; when it cannot, or is too slow, the deterministic summary
            stands in.
        clock: the time of claims and answers.
        settings: the numbers.
    """

    def __init__(
        self,
        store: Store,
        bus: ControlBus,
        answer_with: Callable[[Task], Awaitable[Answer]],
        clock: Clock,
        settings: AggregatorSettings = AggregatorSettings(),
    ) -> None:
        self._store = store
        self._bus = bus
        self._answer_with = answer_with
        self._clock = clock
        self._settings = settings
        self._awake = asyncio.Event()
        self._free = settings.at_once

    async def run(self) -> NoReturn:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._nudges())
            group.create_task(self._sweeps(group))
        raise AssertionError("the loops never end")

    async def _nudges(self) -> None:
        async with self._bus.nudges("settled") as nudges:
            self._awake.set()  # for what happened before anybody listened
            while True:
                await nudges.batch(100)
                self._awake.set()

    async def _sweeps(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._awake.clear()
            for task in await self._claimed():
                self._free -= 1
                group.create_task(self._answer(task))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.sweep_s):
                    await self._awake.wait()

    async def _claimed(self) -> list[Task]:
        now, room = self._clock.now(), self._free
        until = now + timedelta(seconds=self._settings.claim_s)

        def work(uow: UnitOfWork) -> list[Task]:
            settled = uow.tasks.lock_settled(now, room)
            return [uow.tasks.put(step(task, AnsweringStarted(until=until))[0]) for task in settled]

        if room == 0:
            return []
        try:
            return await self._store.transact(work)
        except StoreDown as error:
            log.warning("aggregator_waits", error=str(error), cause=repr(error.__cause__))
            return []

    async def _answer(self, task: Task) -> None:
        """Write outside of any transaction, freeze in one."""
        answer = await self._written(task)
        if await self._frozen(task.id, answer):
            log.info("task_answered", task=task.id, author=answer.author.value, trace=task.trace_id)
            await self._bus.nudge([Nudge(kind="answered", task_id=task.id)])
        self._free += 1
        self._awake.set()

    async def _written(self, task: Task) -> Answer:
        try:
            async with asyncio.timeout(self._settings.claim_s):
                return await self._answer_with(task)
        except (XingshuError, TimeoutError) as error:  # down, over a budget, or not set up
            log.warning("summary_stands_in", task=task.id, error=repr(error), trace=task.trace_id)
            return summarise(task)

    async def _frozen(self, task_id: str, answer: Answer) -> bool:
        """Keep the answer, however long the database is away: it was paid for. False when there is one already."""
        while True:
            try:
                return await self._freeze(task_id, answer)
            except StoreDown as error:
                log.warning("answer_waits", task=task_id, error=str(error), cause=repr(error.__cause__))
                await self._clock.sleep(PAUSE_S)

    async def _freeze(self, task_id: str, answer: Answer) -> bool:
        now = self._clock.now()

        def work(uow: UnitOfWork) -> bool:
            held = uow.tasks.lock([task_id])
            if task_id not in held:
                return False
            task, _ = step(held[task_id], Answered(answer=answer, at=now))
            if task is held[task_id]:
                return False
            uow.tasks.put(task)
            return True

        return await self._store.transact(work)
