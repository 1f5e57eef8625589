"""The planner stage: takes received tasks and those to be planned anew, and has them planned side by side."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from math import inf
from typing import NoReturn

import structlog

from domain.agents import Offer, offers
from domain.errors import StoreDown, Unavailable
from domain.events import Event, PlanFailed, PlanningStarted
from domain.ports import UnitOfWork
from domain.progress import step
from domain.skill import Catalogue, SkillSpec
from domain.task import Exchange, Failure, Task
from domain.texts import say
from domain.uploads import lost, there
from planner.begun import begun_of
from planner.claim import Claims, Holder, Outside, PlanWith
from planner.request import MAX_EXCHANGES, PlanRequest

log = structlog.get_logger()

PAUSE_S = 1.0  # while the database or the broker is away


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerSettings:
    """The numbers of the stage, and what the operator vouches for.

    Args:
        name: of this process, under which it claims tasks; no other may have it.
        configured: (agent, skill) pairs, for agents that are alive and announce nothing.
        at_once: plans made at the same time.
        again_at_once: the same for tasks that wait for a model; they take nobody's place.
        model_wait_s: seconds for which a model that is away is asked again.
        claim_s: seconds after which another process takes over from one that died; claims are renewed.
        sweep_s: seconds a lost nudge can delay a plan.
        look_again_s: seconds between looks while agents are awaited.
        agents_wait_s: seconds a task waits for the first agent to appear.
        gather_s: seconds after the start in which configured agents may still announce themselves.
        agent_silence_s: seconds without a sign after which an agent counts as gone.
        history_s: seconds after which an earlier request of the same chat is no longer part of the conversation.
    """

    name: str = "planner"
    configured: Sequence[tuple[str, SkillSpec]] = ()
    at_once: int = 32
    again_at_once: int = 8
    model_wait_s: float = 240.0
    claim_s: float = 30.0
    sweep_s: float = 10.0
    look_again_s: float = 0.25
    agents_wait_s: float = 60.0
    gather_s: float = 3.0
    agent_silence_s: float = 30.0
    history_s: float = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one look into the rows found: tasks to plan with their conversations, and with what; and tasks nobody
    could work on."""

    tasks: Sequence[tuple[Task, Sequence[Exchange]]] = ()
    catalogue: Catalogue
    hopeless: Sequence[Task] = ()
    is_waiting: bool = False


class PlannerRole:
    """Plans tasks.

    Args:
        outside: the tasks and the registry; what wakes the role, and hears of plans; the time of claims and plans.
        plan_with: plans one request.
        settings: the numbers.
    """

    def __init__(self, outside: Outside, plan_with: PlanWith, settings: PlannerSettings) -> None:
        self._store = outside.store
        self._bus = outside.bus
        self._clock = outside.clock
        self._settings = settings
        self._claims = Claims(outside, plan_with, Holder(name=settings.name, patience_s=settings.model_wait_s))
        self._awake = asyncio.Event()
        self._busy: dict[str, bool] = {}  # whether it is planned again because a model was away
        self._again: list[datetime] = []  # when models are to be asked again; a heap
        self._offered: list[Offer] = []
        self._known = Catalogue.of(())
        self._started_at = outside.clock.now()

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
        now = self._clock.now()
        try:
            found = await self._store.transact(partial(self._look, busy=dict(self._busy), now=now))
        except StoreDown as error:
            log.warning("planner_waits", error=str(error), cause=repr(error.__cause__))
            return PAUSE_S
        for task in found.hopeless:
            log.warning("task_without_agents", task=task.id, trace=task.trace_id)
            await self._claims.announce(task)
        for task, conversation in found.tasks:
            self._busy[task.id] = task.model_away is not None
            group.create_task(self._plan(task, self._request(task, conversation, found.catalogue)))
        return self._settings.look_again_s if found.is_waiting else min(self._settings.sweep_s, self._again_s(now))

    def _again_s(self, looked_at: datetime) -> float:
        """Seconds until a model is to be asked again, as far as this process knows."""
        while self._again and self._again[0] <= looked_at:
            heapq.heappop(self._again)
        return (self._again[0] - self._clock.now()).total_seconds() if self._again else inf

    async def _plan(self, task: Task, request: PlanRequest) -> None:
        try:
            again_at = await self._claims.plan(task, request)
            if again_at is not None:
                heapq.heappush(self._again, again_at)
        finally:
            del self._busy[task.id]
            self._awake.set()

    def _request(self, task: Task, conversation: Sequence[Exchange], catalogue: Catalogue) -> PlanRequest:
        misses = task.plan.misses if task.plan else ()
        return PlanRequest(
            text=task.request,
            files=there(task.uploads),
            lost_files=lost(task.uploads),
            language=task.language,
            catalogue=catalogue,
            history=tuple(conversation),
            dialogue=task.dialogue,
            begun=begun_of(task),
            round=len(misses),
            why=misses[-1] if misses else "",
            now=self._clock.now(),
        )

    # --- in a transaction ---------------------------------------------------------------------------------------------

    def _look(self, uow: UnitOfWork, busy: Mapping[str, bool], now: datetime) -> _Found:
        """Renew the claims of what is being planned, and claim more."""
        claim = PlanningStarted(until=now + timedelta(seconds=self._settings.claim_s), by=self._settings.name)
        for task in uow.tasks.lock(busy).values():
            if task.claimed_by == self._settings.name:  # else somebody took us for dead
                _apply(uow, task, claim)
        catalogue, is_complete = self._catalogue(uow, now)
        free = [task for task in self._free(uow, busy, now) if task.id not in busy]
        if not is_complete:
            return _Found(catalogue=catalogue, is_waiting=bool(free))
        if len(catalogue):
            claimed = [_apply(uow, task, claim) or task for task in free]
            return _Found(tasks=[(task, self._conversation(uow, task, now)) for task in claimed], catalogue=catalogue)
        return self._without_agents(uow, free, now)

    def _free(self, uow: UnitOfWork, busy: Mapping[str, bool], now: datetime) -> Sequence[Task]:
        """As many as there are places for."""
        again = sum(busy.values())
        return [
            *uow.tasks.lock_received(now, self._settings.at_once - (len(busy) - again)),
            *uow.tasks.lock_postponed(now, self._settings.again_at_once - again),
        ]

    def _conversation(self, uow: UnitOfWork, task: Task, now: datetime) -> Sequence[Exchange]:
        """What was said before. A few more than are told: those that repeat the request are left out later."""
        since = now - timedelta(seconds=self._settings.history_s)
        return uow.tasks.conversation(task, since, 2 * MAX_EXCHANGES)

    def _catalogue(self, uow: UnitOfWork, now: datetime) -> tuple[Catalogue, bool]:
        """What can be asked for now; and whether more is not about to be announced, right after the start."""
        settings = self._settings
        workers = uow.registry.alive(now - timedelta(seconds=settings.agent_silence_s))
        awaited = {agent for agent, _ in settings.configured} - {worker.agent for worker in workers}
        is_gathering = now < self._started_at + timedelta(seconds=settings.gather_s)
        offered = offers(workers, settings.configured)
        if offered != self._offered:
            self._offered, self._known = offered, Catalogue.of(offered)
        return self._known, not (awaited and is_gathering)

    def _without_agents(self, uow: UnitOfWork, free: Sequence[Task], now: datetime) -> _Found:
        """Let tasks wait for an agent, but not for ever."""
        patience = timedelta(seconds=self._settings.agents_wait_s)
        hopeless = [task for task in free if task.begins_at + patience <= now]
        ended = [_apply(uow, task, _no_agents(task, now)) or task for task in hopeless]
        return _Found(catalogue=Catalogue.of(()), hopeless=ended, is_waiting=len(hopeless) < len(free))


def _apply(uow: UnitOfWork, task: Task, event: Event) -> Task | None:
    """Save what the event changes; None when it changes nothing."""
    after, _ = step(task, event)
    return None if after is task else uow.tasks.put(after)


def _no_agents(task: Task, now: datetime) -> PlanFailed:
    failure = Failure(code="no_agent", message=say("plan.no_agents", task.language))
    return PlanFailed(failure=failure, at=now, by=task.claimed_by)
