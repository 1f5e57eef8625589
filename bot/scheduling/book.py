"""What can be done with schedules: by commands in a chat, by the command line, by programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from bot.access import CONSOLE
from bot.platforms.seat import terminal_of
from bot.request_text import request_text
from domain.chat import ChatMessage
from domain.errors import NotFound, Refused
from domain.ids import TASK_ID_BITS, read_task_id, task_id
from domain.people import Person
from domain.ports import Clock, Entropy, Store, UnitOfWork
from domain.safe_text import safe_line
from domain.schedule import Misfire, Overlap, Schedule, begun, paused
from domain.task import Route, Scope, TaskState
from domain.texts import Language, language_for
from domain.when import Wanted

log = structlog.get_logger()

May = Callable[[Schedule], bool]
"""Whether whoever asks may see and change a schedule."""

_TYPED = 40  # characters of what was typed that are said again


@dataclass(frozen=True, slots=True, kw_only=True)
class BookSettings:
    """`tenant` owns every schedule; `zone` is whose times are meant unless somebody says otherwise; each person may
    have `per_person` that are not over (0: any number); a missed occurrence is wanted for `grace_s` seconds."""

    tenant: str = "local"
    zone: str = "UTC"
    per_person: int = 20
    grace_s: int = 21_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A schedule in a list, and how its last task stands; None when there is none, or it is not kept any more."""

    schedule: Schedule
    last_state: TaskState | None


class ScheduleBook:
    """Keeps schedules. Nothing here waits for their time: see the calendar.

    Args:
        store: where they are.
        clock: the time of every change.
        entropy: their ids.
        settings: the numbers.
    """

    def __init__(self, store: Store, clock: Clock, entropy: Entropy, settings: BookSettings) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._settings = settings

    def zone_of(self, person: Person | None) -> ZoneInfo:
        """The time zone in which somebody's times are read."""
        return ZoneInfo((person and person.zone) or self._settings.zone)

    async def choose_zone(self, person: Person, zone: ZoneInfo) -> None:
        """Read somebody's times in this zone from now on. What is scheduled already stays as it is."""

        def work(uow: UnitOfWork) -> None:
            known = uow.people.find(person.platform, person.user_id)
            known = known or Person(platform=person.platform, user_id=person.user_id)
            uow.people.put(replace(known, zone=zone.key), self._clock.now())

        await self._store.transact(work)

    async def add(self, message: ChatMessage, wanted: Wanted, person: Person | None = None) -> Schedule:
        """Keep what a message asked for; the same update twice is the same schedule. Its answers go where it was said.

        Raises Refused for a text that cannot be a request, or one schedule too many.
        """
        now, options = self._clock.now(), wanted.options
        request = request_text(wanted.request)
        schedule = Schedule(
            id="",  # drawn where it can be seen to be free
            scope=message.scope(self._settings.tenant),
            route=_lasting(message),
            within=message.within,
            request=request,
            language=_language(request, message, person),
            rule=wanted.rule,
            zone=wanted.zone.key,
            created_at=now,
            misfire=options.late or Misfire.ONCE,
            overlap=options.busy or Overlap.SKIP,
            grace_s=options.grace or self._settings.grace_s,
            deadline_s=options.deadline,
            expires_s=options.expires,
            left=options.times,
            until=wanted.until,
        )
        added = await self._store.transact(partial(self._added, schedule=begun(schedule, now), message=message))
        log.info("schedule_added", schedule=added.id, kind=added.rule.kind)
        return added

    async def entries(self, scope: Scope | None) -> list[Entry]:
        """A user's schedules, or everybody's for the operator, oldest first."""
        return await self._store.transact(
            lambda uow: [Entry(schedule=one, last_state=_last_state(uow, one)) for one in uow.schedules.of(scope)]
        )

    async def named(self, typed: str, may: May) -> Schedule:
        """The schedule of this id. Raises NotFound, the same for an unknown id and for one that is not theirs."""
        return await self._store.transact(lambda uow: _named(uow, typed, may))

    async def pause(self, typed: str, may: May) -> Schedule:
        """Begin nothing of it until it is resumed. Raises NotFound; Refused when it is over."""
        return await self._change(typed, may, lambda schedule: paused(schedule, self._clock.now()))

    async def resume(self, typed: str, may: May) -> Schedule:
        """Go on with what is still to come. Raises NotFound; Refused when nothing is."""

        def resumed(schedule: Schedule) -> Schedule:
            again = begun(schedule, self._clock.now()) if schedule.paused_at else schedule
            if again.ended_at is not None:
                raise Refused("schedule.over", schedule=schedule.id)
            return again

        return await self._change(typed, may, resumed)

    async def remove(self, typed: str, may: May) -> Schedule:
        """Forget it; what has begun goes on. Raises NotFound."""

        def work(uow: UnitOfWork) -> Schedule:
            schedule = _named(uow, typed, may)
            uow.schedules.remove(schedule.id)
            return schedule

        removed = await self._store.transact(work)
        log.info("schedule_removed", schedule=removed.id)
        return removed

    async def _change(self, typed: str, may: May, change: Callable[[Schedule], Schedule]) -> Schedule:
        def work(uow: UnitOfWork) -> Schedule:
            found = _named(uow, typed, may)
            held = uow.schedules.lock(found.id) or found
            if held.ended_at is not None:
                raise Refused("schedule.over", schedule=held.id)
            changed = change(held)
            uow.schedules.put(changed)
            return changed

        return await self._store.transact(work)

    # --- inside a transaction -----------------------------------------------------------------------------------------

    def _added(self, uow: UnitOfWork, schedule: Schedule, message: ChatMessage) -> Schedule:
        key = message.platform, message.bot_id, message.update_key
        if earlier := uow.schedules.find(uow.inbox.known(*key) or ""):
            return earlier
        limit = self._settings.per_person
        if limit and uow.schedules.count(schedule.scope) >= limit:
            raise Refused("schedule.too_many", limit=limit)
        fresh = replace(schedule, id=self._free_id(uow))
        uow.inbox.claim(*key, fresh.id)
        uow.schedules.add(fresh)
        return fresh

    def _free_id(self, uow: UnitOfWork) -> str:
        """An id that neither a schedule nor a task has, so that nobody takes one for the other."""
        drawn = task_id(self._entropy.bits(TASK_ID_BITS))
        while uow.schedules.find(drawn) is not None or uow.tasks.peek(drawn) is not None:
            drawn = task_id(self._entropy.bits(TASK_ID_BITS))
        return drawn


def _lasting(message: ChatMessage) -> Route:
    """Where answers go. Nobody knows how long the message will be there that asked; and a terminal is a new one every
    time, so they go to whichever its person opens."""
    route = replace(message.route, reply_to="")
    if message.platform != CONSOLE:
        return route
    return replace(route, bot_id=terminal_of(message.user_id), chat_id=terminal_of(message.user_id))


def _named(uow: UnitOfWork, typed: str, may: May) -> Schedule:
    schedule_id = read_task_id(typed)
    found = uow.schedules.find(schedule_id) if schedule_id else None
    if found is None or not may(found):
        raise NotFound("schedule.not_found", schedule=safe_line(typed, _TYPED))
    return found


def _last_state(uow: UnitOfWork, schedule: Schedule) -> TaskState | None:
    last = uow.tasks.peek(schedule.last_task) if schedule.last_task else None
    return last.state if last else None


def _language(request: str, message: ChatMessage, person: Person | None) -> Language:
    return language_for(request, message.locale, person.language if person else None)
