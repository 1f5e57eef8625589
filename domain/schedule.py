"""A schedule: a request that is handed in again and again, or later; and what is to be done when its time comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.recurrence import Rule, next_after, times
from domain.task import Route, Scope
from domain.texts import Language

PUNCTUAL = timedelta(seconds=60)  # what begins within this is not late
CAUGHT_UP = 10  # occurrences of one schedule that are made up for, or wait for one another, at most
LOOK_AGAIN = timedelta(seconds=5)  # while one waits for another to end


class Misfire(StrEnum):
    """What becomes of occurrences whose time passed while nothing ran here."""

    ONCE = "once"  # the newest of them begins late, if it is not too late
    SKIP = "skip"  # none of them begins
    ALL = "all"  # all of them that are not too late begin, at most `CAUGHT_UP`


class Overlap(StrEnum):
    """What becomes of an occurrence while the last one is not over."""

    SKIP = "skip"  # it does not begin
    QUEUE = "queue"  # it begins when the last one is over
    ALLOW = "allow"  # it begins beside it


class Skipped(StrEnum):
    """Why an occurrence did not begin."""

    LATE = "late"
    BUSY = "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One schedule of one person.

    Args:
        id: short and speakable, as a task's.
        zone: the IANA name of the time zone that its times are meant in.
        grace_s: seconds after which a missed occurrence is not wanted any more.
        deadline_s: seconds each of its tasks may take; None: as long as any other.
        expires_s: seconds within which each of its tasks must have begun, else it is given up; None: whenever it can.
        left: how many more occurrences there are; None: any number.
        until: nothing happens after this.
        next_at: the next occurrence; None once there is none.
        due_at: when to look at it next; None while there is nothing to look for.
        queued: occurrences whose time came while the last one was not over, and that begin after it.
        paused_at: since when nothing begins until its person says so.
        ended_at: since when it is over.
        within: larger places that its chat lies in, as those of a message.
        last_task: the task that its last occurrence became, and `last_at` the time of that occurrence.
        skipped_at: the last occurrence that did not begin, and why.
    """

    id: str
    scope: Scope
    route: Route
    request: str
    language: Language
    rule: Rule
    zone: str
    created_at: datetime
    misfire: Misfire = Misfire.ONCE
    overlap: Overlap = Overlap.SKIP
    grace_s: int = 21_600
    deadline_s: int | None = None
    expires_s: int | None = None
    left: int | None = None
    until: datetime | None = None
    next_at: datetime | None = None
    due_at: datetime | None = None
    queued: tuple[datetime, ...] = ()
    paused_at: datetime | None = None
    ended_at: datetime | None = None
    within: tuple[str, ...] = ()
    last_task: str | None = None
    last_at: datetime | None = None
    skipped_at: datetime | None = None
    skipped: Skipped | None = None

    @property
    def is_on(self) -> bool:
        """Whether anything will happen."""
        return self.paused_at is None and self.ended_at is None

    @property
    def tz(self) -> ZoneInfo:
        """Its time zone."""
        return ZoneInfo(self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallen:
    """What is to be done at a time: occurrences that begin now, the schedule from then on, and the newest occurrence
    that was missed though it was wanted, which its person is to be told."""

    schedule: Schedule
    begin: tuple[datetime, ...] = ()
    missed: datetime | None = None


def occurrence_key(schedule: Schedule, at: datetime) -> str:
    """The name of one occurrence, by what the clock on the wall shows and its distance from UTC: whoever works it out,
    and however often, comes to the same."""
    return f"schedule:{schedule.id}@{at.astimezone(schedule.tz).isoformat(timespec='seconds')}"


def begun(schedule: Schedule, now: datetime) -> Schedule:
    """A new schedule, or one that was resumed, as it waits for what comes after `now`."""
    next_at = _next(schedule, now)
    ended_at = None if next_at else now
    return replace(schedule, next_at=next_at, due_at=next_at, paused_at=None, queued=(), ended_at=ended_at)


def paused(schedule: Schedule, now: datetime) -> Schedule:
    """Nothing happens any more until it is begun again."""
    return replace(schedule, paused_at=schedule.paused_at or now, due_at=None)


def coming(schedule: Schedule, now: datetime, count: int) -> tuple[datetime, ...]:
    """The next few occurrences of a schedule that is on."""
    found: list[datetime] = []
    after = now
    while schedule.is_on and len(found) < min(count, count if schedule.left is None else schedule.left):
        at = _next(schedule, after)
        if at is None:
            break
        found.append(at)
        after = at
    return tuple(found)


def fall_due(schedule: Schedule, now: datetime, *, is_busy: bool) -> Fallen:
    """What is to be done about a schedule now; `is_busy` while its last task is not over. Nothing, before its time.

    Times that a clock passes a second time, because it was set back, do not come back: `next_at` only grows.
    """
    if not schedule.is_on or schedule.due_at is None or schedule.due_at > now:
        return Fallen(schedule=schedule)
    wanted = _wanted(schedule, now)
    passed = schedule.next_at is not None and schedule.next_at <= now
    too_late = passed and not wanted
    taken, schedule = _taken(schedule, wanted, is_busy=is_busy)
    if too_late:
        schedule = replace(schedule, skipped_at=schedule.next_at, skipped=Skipped.LATE)
    tells = too_late and schedule.misfire is not Misfire.SKIP
    missed = schedule.next_at if tells else None
    return Fallen(schedule=_onwards(schedule, now), begin=taken, missed=missed)


def _wanted(schedule: Schedule, now: datetime) -> list[datetime]:
    """The occurrences up to now that are not too late, the newest that count."""
    next_at = schedule.next_at
    if next_at is None or next_at > now:
        return []
    late = PUNCTUAL if schedule.misfire is Misfire.SKIP else max(PUNCTUAL, timedelta(seconds=schedule.grace_s))
    moment = timedelta(microseconds=1)
    after = max(next_at, now - late) - moment
    until = now if schedule.until is None else min(now, schedule.until)
    found = list(times(schedule.rule, schedule.tz, after, until))
    many = CAUGHT_UP if schedule.misfire is Misfire.ALL else 1
    return found[-many:][: schedule.left]


def _taken(schedule: Schedule, wanted: Sequence[datetime], *, is_busy: bool) -> tuple[tuple[datetime, ...], Schedule]:
    """Those of the wanted occurrences that begin now; and the schedule that holds on to the others, or lets them go."""
    if is_busy and schedule.overlap is Overlap.SKIP and wanted:
        return (), replace(schedule, skipped_at=wanted[-1], skipped=Skipped.BUSY)
    schedule = replace(schedule, left=None if schedule.left is None else schedule.left - len(wanted))
    waiting = (*schedule.queued, *wanted)
    if schedule.overlap is Overlap.ALLOW:
        return waiting, replace(schedule, queued=())
    if len(waiting) > CAUGHT_UP:
        schedule = replace(schedule, skipped_at=waiting[-1], skipped=Skipped.BUSY)
        waiting = waiting[:CAUGHT_UP]
    first = () if is_busy else waiting[:1]
    return first, replace(schedule, queued=waiting[len(first) :])


def _onwards(schedule: Schedule, now: datetime) -> Schedule:
    """The schedule after everything up to now was decided."""
    next_at = schedule.next_at
    if next_at is not None and next_at <= now:
        next_at = _next(schedule, now)
    if schedule.queued:
        return replace(schedule, next_at=next_at, due_at=now + LOOK_AGAIN)
    return replace(schedule, next_at=next_at, due_at=next_at, ended_at=None if next_at else now)


def _next(schedule: Schedule, after: datetime) -> datetime | None:
    if schedule.left is not None and schedule.left <= 0:
        return None
    found = next_after(schedule.rule, schedule.tz, after)
    return None if found is None or (schedule.until is not None and found > schedule.until) else found
