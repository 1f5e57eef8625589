"""Rules and times in a person's words and time zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.recurrence import At, Cron, Every, Rule
from domain.texts import Language, say

_DAILY = re.compile(r"(?P<minute>\d{1,2}) (?P<hour>\d{1,2}) (?P<day>\*|\d{1,2}) \* (?P<week>\*|1-5|[0-6](?:,[0-6])*)")
_UNITS = (("weeks", 604_800), ("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1))


def told_time(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """A day of the week, a date and a time, as the clock on the wall shows it; seconds only if there are any."""
    local = at.astimezone(zone)
    clock = local.strftime("%H:%M:%S" if local.second else "%H:%M")
    return say("when.time", language, day=_weekday(local.isoweekday() % 7, language), date=local.date(), clock=clock)


def told_rule(rule: Rule, zone: ZoneInfo, language: Language) -> str:
    """How often something happens."""
    match rule:
        case At(at=at):
            return say("when.once", language, time=told_time(at, zone, language))
        case Every():
            return _interval(rule, zone, language)
        case Cron(expression=expression):
            match = _DAILY.fullmatch(expression)
            if match is None or (match["day"] != "*" and match["week"] != "*"):
                return say("when.cron", language, expression=expression)
            return _days(match, language)


def told_span(seconds: int, language: Language) -> str:
    """A span in its largest whole unit."""
    unit, length = next((unit, length) for unit, length in _UNITS if seconds % length == 0)
    return say(f"when.{unit}", language, count=seconds // length)


def _interval(rule: Every, zone: ZoneInfo, language: Language) -> str:
    span = told_span(rule.seconds, language)
    if timedelta(seconds=rule.seconds) % timedelta(days=1):
        return say("when.every", language, span=span)
    return say("when.every_at", language, span=span, clock=rule.since.astimezone(zone).strftime("%H:%M"))


def _days(match: re.Match[str], language: Language) -> str:
    clock = f"{int(match['hour']):02}:{int(match['minute']):02}"
    if match["day"] != "*":
        return say("when.monthly", language, day=match["day"], clock=clock)
    if match["week"] in {"*", "1-5"}:
        return say("when.daily" if match["week"] == "*" else "when.workdays", language, clock=clock)
    days = [_weekday(int(day), language) for day in match["week"].split(",")]
    return say("when.weekly", language, days=say("when.comma", language).join(days), clock=clock)


def _weekday(day: int, language: Language) -> str:
    return say(f"when.day_{day}", language)
