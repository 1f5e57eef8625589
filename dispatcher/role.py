"""The dispatcher: loops that feed turns and carry out what they decide. Start-up, recovery and normal running
are the same loops; nothing here remembers what only a row should know."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NoReturn

import structlog

from dispatcher import arrivals as read
from dispatcher import dead, reading, returning
from dispatcher.directory import LONG_AGO, Directory
from dispatcher.hints import Hints
from dispatcher.outgoing import Outgoing
from dispatcher.policy import Policy
from dispatcher.turn import Arrived, Decided, Turn
from domain import events as e
from domain.agents import Worker
from domain.dead import DeadLetter
from domain.errors import Unavailable
from domain.messages import Hello, Report
from domain.ports import Arrival, Clock, ControlBus, Entropy, Store, Subscription, UnitOfWork
from domain.skill import SkillSpec
from domain.task import Task

log = structlog.get_logger()

CONFIRMED_FOR = timedelta(seconds=1)  # so long an attempt may end before its confirmation is written down
GONE = "stopped"  # a heartbeat's last word


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the dispatcher needs of the world."""

    store: Store
    bus: ControlBus
    clock: Clock
    entropy: Entropy


class Dispatcher:
    """Releases what is ready, settles what comes back, and sweeps up what got lost.

    Args:
        outside: store, bus, clock, chance.
        policy: the numbers.
        configured: (agent, skill) pairs the operator vouches for, for agents that announce nothing.
        agent_silence_s: after how many seconds without a sign an agent counts as gone.
    """

    def __init__(
        self,
        outside: Outside,
        policy: Policy,
        configured: Sequence[tuple[str, SkillSpec]] = (),
        agent_silence_s: float = 30.0,
    ) -> None:
        self._store = outside.store
        self._bus = outside.bus
        self._clock = outside.clock
        self._entropy = outside.entropy
        self._policy = policy
        self._directory = Directory(outside.store, outside.clock, configured, agent_silence_s)
        self._outgoing = Outgoing(outside.store, outside.bus, outside.clock, outside.entropy, policy)
        self._generation = 0
        self._hints = Hints()
        self._turns = asyncio.Lock()
        self._awake = asyncio.Event()
        self._sweeps_at = LONG_AGO

    async def run(self) -> NoReturn:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for loop in (self._sweeps, self._reports, self._heartbeats, self._dead_letters, self._nudges):
                group.create_task(self._forever(loop), name=f"dispatcher{loop.__name__}")
        raise AssertionError("the loops never end")

    async def _forever(self, loop: Callable[[], Awaitable[None]]) -> None:
        """Start `loop` again whenever something outside is down: rows and queues wait."""
        while True:
            try:
                await loop()
            except Unavailable as error:
                log.warning("dispatcher_waits", loop=loop.__name__, error=str(error), cause=repr(error.__cause__))
                await self._clock.sleep(1.0)

    # --- loops ------------------------------------------------------------------------------------------------

    async def _reports(self) -> None:
        async with self._bus.reports() as reports:
            while True:
                arrivals = await reports.batch(self._policy.batch)
                await self._settle(reports, arrivals)

    async def _settle(self, reports: Subscription[Report], arrivals: Sequence[Arrival[Report]]) -> None:
        """Settle, then acknowledge. While the database is down reports wait unacknowledged; one that breaks the
        settling is a bug, but must not stop the others: it is singled out and dead-lettered."""
        while True:
            try:
                await self._take_in(arrivals)
            except Unavailable as error:
                log.warning("settling_waits", reports=len(arrivals), error=str(error), cause=repr(error.__cause__))
                await self._clock.sleep(1.0)
            except Exception as error:  # a bug met by one report must not stop the settling of all others
                if len(arrivals) == 1:
                    log.exception("report_breaks_settling", sender=arrivals[0].sender)
                    await self._bury([dead.breaking(arrivals[0], self._clock.now(), error)])
                    return await reports.reject(arrivals)
                for arrival in arrivals:
                    await self._settle(reports, [arrival])
                return None
            else:
                return await reports.ack(arrivals)

    async def _take_in(self, arrivals: Sequence[Arrival[Report]]) -> None:
        now = self._clock.now()
        if read.bring_plans(arrivals):  # what was learned last may be nothing yet, or miss a new agent
            await self._directory.learn()
        light = reading.Light(
            policy=self._policy, catalogue=self._directory.agents.catalogue, now=now, jitter=self._entropy.jitter()
        )
        for run in read.runs(arrivals):  # a hello ends what the last life left, not what it did, nor what follows
            for readers in read.smaller_first(read.reports(run, light)):
                await self._turn(Arrived(readers=readers))
            if greetings := read.hellos(run):
                await self._greet(greetings, now)
        await self._bury(dead.among_reports(arrivals, now))

    async def _bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keep what cannot be taken, before the broker forgets it."""
        if letters:
            await self._store.transact(lambda uow: uow.dead.add(letters))

    async def _greet(self, greetings: Sequence[Hello], now: datetime) -> None:
        workers = [reading.announced(hello, now) for hello in greetings]
        if left := await self._store.transact(partial(returning.left_behind, workers=workers)):
            await self._turn(Arrived(readers=returning.released(left, now, self._entropy.jitter)))
        await self._store.transact(partial(_welcome, workers=workers))
        for hello in greetings:
            log.info("agent_announced", agent=hello.agent, worker=hello.worker, skills=len(hello.skills))
        self._awake.set()

    async def _heartbeats(self) -> None:
        async with self._bus.heartbeats() as heartbeats:
            while True:
                beats = read.heartbeats(await heartbeats.batch(self._policy.batch))
                now = self._clock.now()
                workers = [reading.alive(beat, now) for beat in beats]
                await self._store.transact(partial(_note_alive, workers=workers))
                if readers := read.beats(beats, self._policy, now):
                    await self._turn(Arrived(readers=readers))

    async def _dead_letters(self) -> None:
        async with self._bus.dead_letters() as letters:
            while True:
                arrivals = await letters.batch(self._policy.batch)
                if readers := read.dead_letters(arrivals, self._clock.now()):
                    await self._turn(Arrived(readers=readers))
                await self._bury(dead.among_the_dead(arrivals, self._clock.now()))
                await letters.ack(arrivals)

    async def _nudges(self) -> None:
        async with self._bus.nudges("planned") as nudges:
            self._awake.set()  # for what happened before anybody listened
            while True:
                arrivals = await nudges.batch(self._policy.batch)
                await self._release(read.named(arrivals))

    async def _release(self, named: Set[str]) -> None:
        """Send what is ready in these tasks; a sweep sees to those in which that did not go, and to their times."""
        decided = await self._turn(Arrived(named=named))
        if decided.has_backlog or not named <= set(decided.changed):
            self._awake.set()

    async def _sweeps(self) -> None:
        """Look at the rows when woken, when a timer is due, and every `sweep_s` whatever happens."""
        while True:
            self._awake.clear()
            self._sweeps_at = self._clock.now() + timedelta(seconds=self._policy.sweep_s)
            await self._sweep()
            pause_s = await self._pause_s()
            self._sweeps_at = self._clock.now() + timedelta(seconds=pause_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._awake.wait()

    async def _sweep(self) -> None:
        await self._directory.learn_durations()
        await self._directory.learn()
        await self._turn(Arrived(timers=self._overdue, leases_until=self._leases_until(), looks_around=True))
        generation = self._bus.connection().generation
        await self._outgoing.resend(self._directory.agents, lost_all=generation != self._generation)
        self._generation = generation

    # --- steps ------------------------------------------------------------------------------------------------

    async def _turn(self, arrived: Arrived) -> Decided:
        async with self._turns:
            now = self._clock.now()
            whole = self._hints.given(arrived, self._outgoing.take_confirmed(now - CONFIRMED_FOR), now)
            decided = await self._store.transact(partial(self._fresh_turn, arrived=whole))
            self._hints.take(decided)
        self._outgoing.drop_ended(decided.ended)
        if decided.messages:
            self._group.create_task(self._outgoing.publish(decided.messages))
        if decided.due_at is not None and decided.due_at < self._sweeps_at and not arrived.looks_around:
            self._awake.set()
        await self._outgoing.tell(decided)
        return decided

    def _fresh_turn(self, uow: UnitOfWork, arrived: Arrived) -> Decided:
        return Turn(self._policy, self._directory.agents, self._entropy, self._clock.now())(uow, arrived)

    def _overdue(self, task: Task) -> Sequence[e.Event]:
        jitter, greeting = self._entropy.jitter, self._directory.agents.greeting
        return reading.overdue(task, self._clock.now(), self._leases_until(), jitter, greeting)

    def _leases_until(self) -> datetime:
        """Leases that ended by then are over, and so is what else was in flight for too long. While the broker is away,
        or only just back, nobody could have said anything: this clock stands still until a whole lease has passed."""
        now, since = self._clock.now(), self._bus.connection().since
        if since is None or now - since < timedelta(seconds=self._policy.lease_s):
            return LONG_AGO
        return now

    async def _pause_s(self) -> float:
        due_at = await self._store.transact(lambda uow: uow.tasks.next_due())
        if due_at is None:
            return self._policy.sweep_s
        until_due_s = (due_at - self._clock.now()).total_seconds()
        # What is overdue and still there waits for something else, such as the lease clock: no hurry.
        return min(self._policy.sweep_s, until_due_s) if until_due_s > 0 else 1.0


def _welcome(uow: UnitOfWork, workers: Sequence[Worker]) -> None:
    for worker in workers:
        uow.registry.hello(worker)


def _note_alive(uow: UnitOfWork, workers: Sequence[Worker]) -> None:
    uow.registry.beat([worker for worker in workers if worker.status != GONE])
    for worker in workers:
        if worker.status == GONE:
            uow.registry.gone(worker.agent, worker.worker)
