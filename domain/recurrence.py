"""When something recurs: cron expressions, intervals, single times; all of it in a time zone, through changes of the
clock.

At a time of day that a day skips, something happens as soon as the clock has moved on; at one that a day has twice, it
happens the first time. A cron expression whose minute or hour begins with `*` follows the time that really passes
instead: it counts both of two equal hours, and none that is skipped. That is what Debian's cron does
(https://manpages.debian.org/bookworm/cron/cron.8.en.html#NOTES).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from domain.errors import Refused

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
SHORTEST = timedelta(seconds=10)  # between two times of an interval
LAST = datetime(9000, 1, 1, tzinfo=UTC)  # nobody waits for what comes later
_FIELDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """Whenever a cron expression of five fields says so."""

    expression: str
    kind: Literal["cron"] = "cron"


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """At `since` and after every `seconds` from then. Whole days keep the time of day, however long a day is."""

    seconds: int
    since: datetime
    kind: Literal["every"] = "every"


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """Once."""

    at: datetime
    kind: Literal["at"] = "at"


Rule = Cron | Every | At


def check(rule: Rule) -> None:
    """Raises Refused for a rule that cannot be followed."""
    match rule:
        case Cron(expression=expression):
            try:
                CronSim(expression, datetime(2000, 1, 1))  # noqa: DTZ001 -- only its syntax is looked at
            except CronSimError as error:
                raise Refused("schedule.bad_cron", expression=expression, detail=str(error)) from error
            if len(expression.split()) != _FIELDS:
                raise Refused("schedule.bad_cron", expression=expression, detail="5 fields")
        case Every(seconds=seconds):
            if seconds < SHORTEST.total_seconds():
                raise Refused("schedule.too_often", seconds=int(SHORTEST.total_seconds()))
        case At():
            pass


def next_after(rule: Rule, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first time of a rule after `after`, in UTC; None when there is none any more."""
    match rule:
        case Cron(expression=expression):
            found = _next_of_cron(expression, zone, after)
        case Every():
            found = _next_of_interval(rule, zone, after)
        case At(at=at):
            found = at if at > after else None
    return found if found is not None and found < LAST else None


def times(rule: Rule, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    """All times of a rule after `after` and not after `until`."""
    found = next_after(rule, zone, after)
    while found is not None and found <= until:
        yield found
        found = next_after(rule, zone, found)


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """When a clock in this zone shows `local` (without a zone) for the first time, in UTC. A time that is skipped is
    the next one that is not."""
    found = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    while found.astimezone(zone).replace(tzinfo=None) != local:
        local += MINUTE
        found = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return found


def _next_of_cron(expression: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    for local in CronSim(expression, after.astimezone(zone)):
        found = local.astimezone(UTC)
        if found > after:  # of an hour that comes twice cronsim names the first one again
            return found
    return None


def _next_of_interval(rule: Every, zone: ZoneInfo, after: datetime) -> datetime:
    if after < rule.since:
        return rule.since
    if timedelta(seconds=rule.seconds) % DAY:
        passed = (after - rule.since) // timedelta(seconds=rule.seconds)
        return rule.since + timedelta(seconds=rule.seconds) * (passed + 1)
    first = rule.since.astimezone(zone).replace(tzinfo=None)
    step = timedelta(seconds=rule.seconds)
    passed = max(0, (after.astimezone(zone).replace(tzinfo=None) - first) // step)
    found = rule.since
    while found <= after:
        found = instant(first + step * passed, zone)
        passed += 1
    return found
