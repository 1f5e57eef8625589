"""The aggregator: takes settled tasks, has their answer written, and freezes it. The first answer counts.

Where the answer does not do what was asked and there is time, it sends the task back to the planner instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, NoReturn

import structlog

from aggregator.drafts import DraftPost, Write
from aggregator.model_answer import Miss
from aggregator.summary import summarise
from domain.answer import Answer
from domain.errors import StoreDown, XingshuError
from domain.events import Answered, AnsweringStarted, Dissatisfied
from domain.messages import Nudge
from domain.ports import Clock, ControlBus, Store, UnitOfWork
from domain.progress import step
from domain.task import FINAL_TASK, Task

log = structlog.get_logger()

_Kind = Literal["answered", "received", "changed"]

PAUSE_S = 1.0  # while the database is away

OVER: tuple[_Kind, ...] = ("answered",)
SENT_BACK: tuple[_Kind, ...] = ("received", "changed")

AnswerWith = Callable[[Task, Write], Awaitable[Answer | Miss]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregatorSettings:
    """`at_once`: answers written at the same time. `write_s`: how long one may take to write. `claim_s`: seconds after
    which another process takes over from one that died; claims are renewed. `sweep_s`: how long a lost nudge can delay
    an answer."""

    at_once: int = 32
    write_s: float = 120.0
    claim_s: float = 30.0
    sweep_s: float = 10.0


class AggregatorRole:
    """Answers settled tasks.

    Args:
        store: the tasks.
        bus: wakes the role, and hears of answers.
        answer_with: writes the answer of a settled task, telling how far it is; when it cannot, or is too slow, the
            deterministic summary stands in.
        clock: the time of claims and answers.
        settings: the numbers.
    """

    def __init__(
        self,
        store: Store,
        bus: ControlBus,
        answer_with: AnswerWith,
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
        frozen = await self._frozen(task, await self._drafted(task))
        if frozen is not None:
            is_over = frozen.state in FINAL_TASK
            log.info("task_answered" if is_over else "task_sent_back", task=task.id, trace=task.trace_id)
            await self._bus.nudge([Nudge(kind=kind, task_id=task.id) for kind in (OVER if is_over else SENT_BACK)])
        self._free += 1
        self._awake.set()

    async def _drafted(self, task: Task) -> Answer | Miss:
        """Have it written, and send what is finished of it meanwhile."""
        post = DraftPost(task.id, self._bus, self._clock)
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(post.run()), group.create_task(self._held(task))]
            written = await self._written(task, post.write)
            for one in beside:
                one.cancel()
        return written

    async def _held(self, task: Task) -> None:
        """Renew the claim for as long as it is written."""
        while True:
            await self._clock.sleep(self._settings.claim_s / 3)
            until = self._clock.now() + timedelta(seconds=self._settings.claim_s)
            with suppress(StoreDown):
                await self._store.transact(partial(_hold_on, task=task, until=until))

    async def _written(self, task: Task, write: Write) -> Answer | Miss:
        try:
            async with asyncio.timeout(self._settings.write_s):
                return await self._answer_with(task, write)
        except (XingshuError, TimeoutError) as error:  # down, over a budget, or not set up
            log.warning("summary_stands_in", task=task.id, error=repr(error), trace=task.trace_id)
        except Exception:  # whatever it is, this task must neither stop the others nor come back for ever
            log.exception("answering_crashed", task=task.id, trace=task.trace_id)
        return summarise(task)

    async def _frozen(self, task: Task, written: Answer | Miss) -> Task | None:
        """Keep what was written, however long the database is away: it was paid for. None when it came too late."""
        while True:
            try:
                return await self._store.transact(partial(_freeze, task=task, written=written, now=self._clock.now()))
            except StoreDown as error:
                log.warning("answer_waits", task=task.id, error=str(error), cause=repr(error.__cause__))
                await self._clock.sleep(PAUSE_S)


def _hold_on(uow: UnitOfWork, task: Task, until: datetime) -> None:
    held = uow.tasks.lock([task.id]).get(task.id)
    if held is not None and held.settled_at == task.settled_at and held.answer is None:
        uow.tasks.put(step(held, AnsweringStarted(until=until))[0])


def _freeze(uow: UnitOfWork, task: Task, written: Answer | Miss, now: datetime) -> Task | None:
    """The task answered or sent back. None when it was answered already, or planned anew since it was claimed."""
    held = uow.tasks.lock([task.id]).get(task.id)
    if held is None or held.settled_at != task.settled_at:
        return None
    after = _sent_back(held, written, now) if isinstance(written, Miss) else held
    if after is held:
        answer = written.answer if isinstance(written, Miss) else written
        after, _ = step(held, Answered(answer=answer, at=now))
    return None if after is held else uow.tasks.put(after)


def _sent_back(task: Task, miss: Miss, now: datetime) -> Task:
    return step(task, Dissatisfied(why=miss.why, at=now))[0]
