"""The planner stage: takes received tasks, has them planned, and commits the plan or why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NoReturn

import structlog

from domain.agents import offers
from domain.errors import Refused, StoreDown, Unavailable
from domain.events import Event, PlanFailed, Planned, PlanningStarted
from domain.messages import Nudge
from domain.plan import Plan
from domain.ports import Clock, ControlBus, Store, UnitOfWork
from domain.progress import step
from domain.skill import Catalogue, SkillSpec
from domain.task import Failure, Scope, Task
from domain.texts import say
from planner.prompt import PlanRequest

log = structlog.get_logger()

PAUSE_S = 1.0  # while the database or the broker is away

PlanWith = Callable[[Scope, PlanRequest], Awaitable[Plan]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerSettings:
    """The numbers of the stage, and what the operator vouches for.

    Args:
        configured: (agent, skill) pairs, for agents that are alive and announce nothing.
        at_once: plans made at the same time.
        claim_s: seconds after which another process takes over from one that died; claims are renewed.
        sweep_s: seconds a lost nudge can delay a plan.
        look_again_s: seconds between looks while agents are awaited.
        agents_wait_s: seconds a task waits for the first agent to appear.
        gather_s: seconds after the start in which configured agents may still announce themselves.
        agent_silence_s: seconds without a sign after which an agent counts as gone.
    """

    configured: Sequence[tuple[str, SkillSpec]] = ()
    at_once: int = 8
    claim_s: float = 30.0
    sweep_s: float = 10.0
    look_again_s: float = 0.25
    agents_wait_s: float = 60.0
    gather_s: float = 3.0
    agent_silence_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one look into the rows found: tasks to plan and with what, and tasks nobody could work on."""

    tasks: Sequence[Task] = ()
    catalogue: Catalogue
    hopeless: Sequence[Task] = ()
    is_waiting: bool = False


class PlannerRole:
    """Plans received tasks.

    Args:
        store: the tasks and the registry.
        bus: wakes the role, and hears of plans.
        plan_with: plans one request of one owner; raises Refused with the sentence for the person.
        clock: the time of claims and plans.
        settings: the numbers.
    """

    def __init__(
        self, store: Store, bus: ControlBus, plan_with: PlanWith, clock: Clock, settings: PlannerSettings
    ) -> None:
        self._store = store
        self._bus = bus
        self._plan_with = plan_with
        self._clock = clock
        self._settings = settings
        self._awake = asyncio.Event()
        self._busy: set[str] = set()
        self._started_at = clock.now()

    async def run(self) -> NoReturn:
        """Work until cancelled."""
        self._started_at = self._clock.now()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._nudges())
            group.create_task(self._sweeps(group))
        raise AssertionError("the loops never end")

    async def _nudges(self) -> None:
        while True:
            try:
                async with self._bus.nudges("received") as nudges:
                    self._awake.set()  # for what happened before anybody listened
                    while True:
                        await nudges.batch(100)
                        self._awake.set()
            except Unavailable as error:
                log.warning("planner_hears_nothing", error=str(error), cause=repr(error.__cause__))
                await self._clock.sleep(PAUSE_S)

    async def _sweeps(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._awake.clear()
            pause_s = await self._sweep(group)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._awake.wait()

    async def _sweep(self, group: asyncio.TaskGroup) -> float:
        """Start planning what can be planned. Returns the seconds to the next look."""
        try:
            found = await self._store.transact(partial(self._look, busy=frozenset(self._busy), now=self._clock.now()))
        except StoreDown as error:
            log.warning("planner_waits", error=str(error), cause=repr(error.__cause__))
            return PAUSE_S
        for task in found.hopeless:
            log.warning("task_without_agents", task=task.id, trace=task.trace_id)
            await self._announce(task)
        for task in found.tasks:
            self._busy.add(task.id)
            group.create_task(self._plan(task, found.catalogue))
        return self._settings.look_again_s if found.is_waiting else self._settings.sweep_s

    # --- in a transaction ---------------------------------------------------------------------------------------------

    def _look(self, uow: UnitOfWork, busy: frozenset[str], now: datetime) -> _Found:
        """Renew the claims of what is being planned, and claim more."""
        until = now + timedelta(seconds=self._settings.claim_s)
        for task in uow.tasks.lock(busy).values():
            _apply(uow, task, PlanningStarted(until=until))
        catalogue, is_complete = self._catalogue(uow, now)
        free = uow.tasks.lock_received(now, self._settings.at_once - len(busy))
        if not is_complete:
            return _Found(catalogue=catalogue, is_waiting=bool(free))
        if len(catalogue):
            claimed = [_apply(uow, task, PlanningStarted(until=until)) or task for task in free]
            return _Found(tasks=claimed, catalogue=catalogue)
        return self._without_agents(uow, free, now)

    def _catalogue(self, uow: UnitOfWork, now: datetime) -> tuple[Catalogue, bool]:
        """What can be asked for now; and whether more is not about to be announced, right after the start."""
        settings = self._settings
        workers = uow.registry.alive(now - timedelta(seconds=settings.agent_silence_s))
        awaited = {agent for agent, _ in settings.configured} - {worker.agent for worker in workers}
        is_gathering = now < self._started_at + timedelta(seconds=settings.gather_s)
        return Catalogue.of(offers(workers, settings.configured)), not (awaited and is_gathering)

    def _without_agents(self, uow: UnitOfWork, free: Sequence[Task], now: datetime) -> _Found:
        """Let tasks wait for an agent, but not for ever."""
        patience = timedelta(seconds=self._settings.agents_wait_s)
        hopeless = [task for task in free if task.created_at + patience <= now]
        ended = [
            _apply(uow, task, PlanFailed(failure=_failure("no_agent", "plan.no_agents", task), at=now)) or task
            for task in hopeless
        ]
        return _Found(catalogue=Catalogue.of(()), hopeless=ended, is_waiting=len(hopeless) < len(free))

    # --- one task -----------------------------------------------------------------------------------------------------

    async def _plan(self, task: Task, catalogue: Catalogue) -> None:
        """Plan outside of any transaction, commit in one."""
        told = log.bind(task=task.id, trace=task.trace_id)
        try:
            event = await self._planned(task, catalogue)
            ended = await self._committed(task.id, event)
            if ended is not None:
                told.info("task_planned", subtasks=len(ended.subtasks), failure=_code(ended))
                await self._announce(ended)
        finally:
            self._busy.discard(task.id)
            self._awake.set()

    async def _planned(self, task: Task, catalogue: Catalogue) -> Event:
        request = PlanRequest(text=task.request, language=task.language, catalogue=catalogue)
        left_s = (task.deadline_at - self._clock.now()).total_seconds()
        try:
            async with asyncio.timeout(max(0.0, left_s)):
                plan = await self._plan_with(task.scope, request)
        except TimeoutError:
            return PlanFailed(failure=Failure(code="deadline"), at=self._clock.now())
        except Refused as refused:
            failure = Failure(code="no_plan", message=refused.say(task.language))
            return PlanFailed(failure=failure, at=self._clock.now())
        except Exception:  # whatever it is, this request must neither stop the others nor come back for ever
            log.exception("planning_crashed", task=task.id, trace=task.trace_id)
            return PlanFailed(failure=_failure("error", "error.internal", task), at=self._clock.now())
        return Planned(plan=plan, at=self._clock.now())

    async def _committed(self, task_id: str, event: Event) -> Task | None:
        """The task with the event applied; None when it was ended or planned meanwhile. A plan is paid for: the
        database is waited for."""

        def work(uow: UnitOfWork) -> Task | None:
            task = uow.tasks.lock([task_id]).get(task_id)
            return _apply(uow, task, event) if task else None

        while True:
            try:
                return await self._store.transact(work)
            except StoreDown as error:
                log.warning("plan_waits_for_store", task=task_id, error=str(error), cause=repr(error.__cause__))
                await self._clock.sleep(PAUSE_S)

    async def _announce(self, task: Task) -> None:
        await self._bus.nudge([Nudge(kind="settled" if task.settled_at else "planned", task_id=task.id)])


def _apply(uow: UnitOfWork, task: Task, event: Event) -> Task | None:
    """Save what the event changes; None when it changes nothing."""
    after, _ = step(task, event)
    return None if after is task else uow.tasks.put(after)


def _failure(code: str, key: str, task: Task) -> Failure:
    return Failure(code=code, message=say(key, task.language, trace=task.trace_id))


def _code(task: Task) -> str | None:
    return task.failure.code if task.failure else None
