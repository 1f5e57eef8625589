"""From what a person typed to the rule they mean and the request behind it. Forms are tried from the most particular
to the least; what fits none is refused with examples."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain import recurrence
from domain.errors import Refused
from domain.recurrence import At, Cron, Every, Rule, instant, next_after
from domain.safe_text import safe_line
from domain.when.days import read_day, read_recurring
from domain.when.options import Options, read_options, seconds_in
from domain.when.words import read_clock, rest_of
from domain.when.words import read_span as span_at

_TYPED = 60  # characters of what was typed that are said again
_FIELD = r"[\d*/,\-#?A-Za-z]+"
_CRON = re.compile(
    rf"(?:cron|定时)\s*[:：]?\s*(?:[\"“”'‘’`](?P<quoted>[^\"“”'‘’`]+)[\"“”'‘’`]|(?P<plain>{_FIELD}(?:\s+{_FIELD}){{4}}))",
    re.I,
)
_EVERY = re.compile(r"(?:every|each)\s+|每隔?\s*", re.I)
_OFTEN = re.compile(r"(?P<name>hourly|weekly)\b", re.I)
_IN = re.compile(r"in\s+|after\s+|过\s*", re.I)
_LATER = re.compile(r"\s*(?:之后|以后|后|later\b|from\s+now\b)", re.I)
_STAMP = re.compile(
    r"(?:at\s+|on\s+)?(?P<stamp>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:?\d\d))(?=\s|$)", re.I
)
_AS_CLOCK = re.compile(r"at\s+\d|\d{1,2}\s*(?:[:：点]|[ap]m\b)", re.I)  # meant as a time of day, and none
_AT = re.compile(r"at\s+", re.I)
_BARE_UNIT = re.compile(r"(?=(?:second|minute|hour|day|week)\b|个?(?:秒|分钟|小时|钟头|天|日|周|星期))", re.I)

Read = tuple[Rule, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants done, when, and in which time zone they said so."""

    rule: Rule
    request: str
    zone: ZoneInfo
    options: Options
    until: datetime | None = None


def read_wanted(text: str, now: datetime, zone: ZoneInfo) -> Wanted:
    """Read `every day at 9:00 [options] request`, in the time zone `zone` unless the text names another.

    Raises Refused for what cannot be read, a time that has passed, a rule that cannot be followed, or no request.
    """
    before, timed = read_options(rest_of(text))
    found = _rule(timed, now, zone)
    if found is None:
        raise Refused("schedule.unreadable", typed=safe_line(timed, _TYPED))
    after, request = read_options(rest_of(found[1]))
    options = after.over(before)
    if options.zone is not None:
        zone = read_zone(options.zone)
        found = _rule(timed, now, zone) or found
    rule = found[0]
    recurrence.check(rule)
    until = _until(options.until, now, zone) if options.until is not None else None
    _check_times(rule, zone, now, until)
    if not request.strip():
        raise Refused("schedule.no_request")
    return Wanted(rule=rule, request=request.strip(), zone=zone, options=options, until=until)


def read_zone(typed: str) -> ZoneInfo:
    """A time zone by its IANA name, in any case, or `UTC`. Raises Refused."""
    name = typed.strip()
    tries = (name, name.upper(), "/".join(part.title() for part in name.split("/")))
    for one in tries:
        try:
            return ZoneInfo(one)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is no zone
            continue
    raise Refused("schedule.bad_zone", zone=safe_line(name, _TYPED))


def read_span(typed: str) -> timedelta:
    """A span that is all that was typed, such as `2h` or `30分钟`. Raises Refused."""
    seconds = seconds_in(typed.strip())
    if seconds is None:
        raise Refused("schedule.bad_span", typed=safe_line(typed, _TYPED))
    return timedelta(seconds=seconds)


def read_moment(typed: str, now: datetime, zone: ZoneInfo) -> datetime:
    """A single time that is all that was typed, such as `tomorrow 9:00` or `2h` from now. Raises Refused."""
    for read in (_later, _moment):
        found = read(typed.strip(), now, zone)
        if found is not None and not rest_of(found[1]) and isinstance(found[0], At):
            if found[0].at <= now:
                raise Refused("schedule.past")
            return found[0].at
    raise Refused("schedule.bad_moment", typed=safe_line(typed, _TYPED))


def _check_times(rule: Rule, zone: ZoneInfo, now: datetime, until: datetime | None) -> None:
    first = next_after(rule, zone, now)
    if first is None or (until is not None and first > until):
        raise Refused("schedule.past" if isinstance(rule, At) else "schedule.never")


def _until(typed: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The end of a day, or a time of it."""
    day = read_day(typed, now.astimezone(zone).date())
    if day is not None and not rest_of(day[1]):
        return instant(datetime.combine(day[0], time(23, 59)), zone)
    return read_moment(typed, now, zone)


def _rule(text: str, now: datetime, zone: ZoneInfo) -> Read | None:
    for read in _FORMS:
        found = read(text, now, zone)
        if found is not None:
            return found
    return None


# --- forms ------------------------------------------------------------------------------------------------------------


def _cron(text: str, _now: datetime, _zone: ZoneInfo) -> Read | None:
    match = _CRON.match(text)
    if match is None:
        return None
    return Cron(expression=" ".join((match["quoted"] or match["plain"]).split())), text[match.end() :]


def _on_days(text: str, _now: datetime, _zone: ZoneInfo) -> Read | None:
    """Certain days, at a time of day. The time may come first: `at 9:00 every day`."""
    days = read_recurring(text)
    clock = read_clock(rest_of(days[1])) if days else read_clock(text)
    if clock is None:
        return None
    days = days or read_recurring(rest_of(clock[1]))
    if days is None:
        return None
    rest = min(clock[1], days[1], key=len)
    return Cron(expression=f"{clock[0].minute} {clock[0].hour} {days[0].of_month} * {days[0].of_week}"), rest


def _every(text: str, now: datetime, zone: ZoneInfo) -> Read | None:
    """Every so often; every few days or weeks at a time of day, if one is said."""
    if match := _OFTEN.match(text):
        seconds = 3600 if match["name"].lower() == "hourly" else 604_800
        return Every(seconds=seconds, since=_second(now)), text[match.end() :]
    match = _EVERY.match(text)
    if match is None:
        return None
    behind = text[match.end() :]
    span = span_at(f"1{behind}" if _BARE_UNIT.match(behind) else behind)
    if span is None:
        return None
    clock = read_clock(rest_of(span[1])) if not span[0] % timedelta(days=1) else None
    if clock is None and _AS_CLOCK.match(rest_of(span[1])):
        return None
    if clock is None:
        return Every(seconds=int(span[0].total_seconds()), since=_second(now)), span[1]
    return Every(seconds=int(span[0].total_seconds()), since=_next_clock(clock[0], now, zone)), clock[1]


def _later(text: str, now: datetime, _zone: ZoneInfo) -> Read | None:
    """So long from now: `in 2h`, `2小时后`; a bare span where nothing else can be meant."""
    match = _IN.match(text)
    span = span_at(text[match.end() :] if match else text)
    if span is None:
        return None
    late = _LATER.match(span[1])
    if match is None and late is None and span[1].strip():
        return None
    return At(at=_second(now) + span[0]), span[1][late.end() :] if late else span[1]


def _moment(text: str, now: datetime, zone: ZoneInfo) -> Read | None:
    """A single time: a day with a time of it in either order, or the next time a clock shows it."""
    if match := _STAMP.match(text):
        return At(at=datetime.fromisoformat(match["stamp"].upper()).astimezone(UTC)), text[match.end() :]
    today = now.astimezone(zone).date()
    start = _AT.match(text)
    day = read_day(text, today) or (read_day(text[start.end() :], today) if start else None)
    if day is not None:
        clock = read_clock(rest_of(day[1]))
        return None if clock is None else (_on(day[0], clock[0], zone), clock[1])
    clock = read_clock(text)
    if clock is None:
        return None
    day = read_day(rest_of(clock[1]), today)
    if day is not None:
        return _on(day[0], clock[0], zone), day[1]
    return At(at=_next_clock(clock[0], now, zone)), clock[1]


def _second(now: datetime) -> datetime:
    """The whole second: nobody says less."""
    return now.replace(microsecond=0)


def _on(day: date, clock: time, zone: ZoneInfo) -> Rule:
    return At(at=instant(datetime.combine(day, clock), zone))


def _next_clock(clock: time, now: datetime, zone: ZoneInfo) -> datetime:
    """When a clock shows this next."""
    today = now.astimezone(zone).date()
    found = instant(datetime.combine(today, clock), zone)
    return found if found > now else instant(datetime.combine(today + timedelta(days=1), clock), zone)


_FORMS: tuple[Callable[[str, datetime, ZoneInfo], Read | None], ...] = (_cron, _on_days, _every, _later, _moment)
