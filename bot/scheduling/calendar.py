"""The calendar: hands in what is due. Any number of processes may follow it: who holds a schedule's row decides, and an
occurrence has a name in the inbox that can be taken once, like a chat message's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import NoReturn

import structlog

from bot.access import Access
from bot.intake import Intake, Timing
from bot.reply import Accepted
from domain.chat import ChatMessage
from domain.errors import Refused, Unavailable
from domain.messages import Nudge
from domain.people import Person
from domain.ports import Clock, ControlBus, Store, UnitOfWork
from domain.schedule import CAUGHT_UP, Schedule, fall_due, occurrence_key, paused
from domain.task import FINAL_TASK, Failure
from domain.when import told_time

log = structlog.get_logger()

LOOK_S = 1.0  # between two looks at most: what another process schedules is seen in time
AT_ONCE = 50  # schedules of one look
REFUSED_FOR = timedelta(seconds=30)  # a person's limits are asked again after so long
BROKEN_FOR = timedelta(minutes=5)  # a schedule that cannot even be looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What stands around the calendar."""

    store: Store
    bus: ControlBus
    clock: Clock


@dataclass(slots=True)
class _Begun:
    """What became of a schedule's occurrences in one transaction: tasks that were received, and ones that only tell
    what was missed."""

    received: list[Accepted]
    missed: list[Accepted]


class Calendar:
    """Follows the schedules, and wakes those who wait for a task's time.

    Args:
        outside: store, bus and time.
        intake: takes occurrences in as it takes messages.
        access: says who may still hand anything in.
    """

    def __init__(self, outside: Outside, intake: Intake, access: Access) -> None:
        self._store = outside.store
        self._bus = outside.bus
        self._clock = outside.clock
        self._intake = intake
        self._access = access
        self._looked_at = outside.clock.now()

    async def run(self) -> NoReturn:
        """Work until cancelled."""
        while True:
            try:
                pause_s = await self.look()
            except Unavailable as error:
                log.warning("calendar_waits", error=str(error), cause=repr(error.__cause__))
                pause_s = LOOK_S
            await self._clock.sleep(pause_s)

    async def look(self) -> float:
        """Hand in what is due by now. Returns the seconds to the next look."""
        now = self._clock.now()
        starting, due, next_due = await self._store.transact(partial(self._seen, now=now))
        self._looked_at = now
        for schedule_id in due:
            await self._follow(schedule_id, now)
        if starting:
            await self._bus.nudge([Nudge(kind="received", task_id=task_id) for task_id in starting])
        if due:
            return 0.0
        until_due_s = LOOK_S if next_due is None else (next_due - now).total_seconds()
        return min(LOOK_S, until_due_s) if until_due_s > 0 else LOOK_S  # what is overdue is held by somebody else

    def _seen(self, uow: UnitOfWork, now: datetime) -> tuple[list[str], list[str], datetime | None]:
        """Tasks whose time came since the last look, schedules that are due, and when the first one is. Nothing is
        held: whoever follows one looks at it again."""
        next_due = uow.schedules.next_due()
        is_due = next_due is not None and next_due <= now
        due = [schedule.id for schedule in uow.schedules.lock_due(now, AT_ONCE)] if is_due else []
        return uow.tasks.starting(self._looked_at, now), due, next_due

    async def _follow(self, schedule_id: str, now: datetime) -> None:
        try:
            begun = await self._store.transact(partial(self._fall_due, schedule_id=schedule_id, now=now))
        except Unavailable:
            raise
        except Exception:  # one that cannot be followed must not stop the others
            log.exception("schedule_broken", schedule=schedule_id)
            await self._store.transact(partial(_put_off, schedule_id=schedule_id, until=now + BROKEN_FOR))
            return
        for accepted in begun.received:
            log.info("occurrence_begun", schedule=schedule_id, task=accepted.task_id, is_new=accepted.is_new)
            await self._intake.announce(accepted, "received")
        for accepted in begun.missed:
            log.warning("occurrence_missed", schedule=schedule_id, task=accepted.task_id)
            await self._intake.announce(accepted, "settled")

    # --- inside a transaction -----------------------------------------------------------------------------------------

    def _fall_due(self, uow: UnitOfWork, schedule_id: str, now: datetime) -> _Begun:
        begun = _Begun(received=[], missed=[])
        schedule = uow.schedules.lock(schedule_id)
        if schedule is None or schedule.due_at is None or schedule.due_at > now:
            return begun
        person = self._access.admitted_still(uow, _message(schedule, now))
        if person is None:  # nothing happens in the name of somebody who may do nothing
            log.warning("schedule_owner_gone", schedule=schedule_id, owner=schedule.scope.owner)
            uow.schedules.put(paused(schedule, now))
            return begun
        fallen = fall_due(schedule, now, is_busy=_is_busy(uow, schedule))
        after = self._begin(uow, fallen.schedule, fallen.begin, person, begun)
        if fallen.missed is not None:
            begun.missed.append(self._tell_missed(uow, schedule, fallen.missed, person))
        uow.schedules.put(after)
        return begun

    def _begin(
        self, uow: UnitOfWork, schedule: Schedule, times: tuple[datetime, ...], person: Person, begun: _Begun
    ) -> Schedule:
        """Hand occurrences in, in order. What its person's limits do not allow now waits its turn."""
        for place, at in enumerate(times):
            now = self._clock.now()
            try:
                accepted = self._intake.take_in(uow, _message(schedule, now, at), person, _timing(schedule))
            except Refused as refused:
                log.info("occurrence_waits", schedule=schedule.id, why=refused.key)
                waiting = (*times[place:], *schedule.queued)[:CAUGHT_UP]
                return replace(schedule, queued=waiting, due_at=now + REFUSED_FOR, ended_at=None)
            begun.received.append(accepted)
            schedule = replace(schedule, last_task=accepted.task_id, last_at=at)
        return schedule

    def _tell_missed(self, uow: UnitOfWork, schedule: Schedule, at: datetime, person: Person) -> Accepted:
        when = told_time(at, schedule.tz, schedule.language)
        failure = Failure(code="missed", message=when)
        message = _message(schedule, self._clock.now(), at)
        return self._intake.turn_down(uow, message, person, _timing(schedule), failure)


def _timing(schedule: Schedule) -> Timing:
    return Timing(schedule_id=schedule.id, deadline_s=schedule.deadline_s, expires_s=schedule.expires_s)


def _message(schedule: Schedule, now: datetime, at: datetime | None = None) -> ChatMessage:
    """An occurrence as the message its person would have sent."""
    route = schedule.route
    return ChatMessage(
        platform=route.platform,
        bot_id=route.bot_id,
        chat_id=route.chat_id,
        user_id=schedule.scope.owner.partition(":")[2],
        update_key=occurrence_key(schedule, at or now),
        text=schedule.request,
        received_at=now,
        thread_id=route.thread_id,
        is_group=route.is_group,
        within=schedule.within,
    )


def _is_busy(uow: UnitOfWork, schedule: Schedule) -> bool:
    """Whether the task of its last occurrence is not over."""
    last = uow.tasks.peek(schedule.last_task) if schedule.last_task else None
    return last is not None and last.state not in FINAL_TASK


def _put_off(uow: UnitOfWork, schedule_id: str, until: datetime) -> None:
    schedule = uow.schedules.lock(schedule_id)
    if schedule is not None:
        uow.schedules.put(replace(schedule, due_at=until))
