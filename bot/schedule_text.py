"""Schedules in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.card_text import TITLE
from bot.scheduling.book import Entry
from domain.recurrence import At
from domain.safe_text import safe_line
from domain.schedule import Misfire, Overlap, Schedule, coming
from domain.texts import Language, say
from domain.when import told_rule, told_span, told_time

TOLD = 3  # times that a confirmation names
ON, PAUSED, OVER = "●", "‖", "✓"


def schedule_text(schedule: Schedule, now: datetime, language: Language, head: str = "schedule.added") -> str:
    """One schedule with its next times, under a first line that says what was just done."""
    lines = [say(head, language, schedule=schedule.id, rule=_rule(schedule, language), zone=schedule.zone)]
    lines.append(f"  {safe_line(schedule.request, TITLE)}")
    if times := coming(schedule, now, TOLD):
        told = say("schedule.then", language).join(told_time(at, schedule.tz, language) for at in times)
        lines.append(say("schedule.next", language, times=told))
    lines += _terms(schedule, language)
    how = "schedule.how_paused" if schedule.paused_at else "schedule.how"
    return "\n".join([*lines, say(how, language, schedule=schedule.id)])


def schedules_text(entries: Sequence[Entry], now: datetime, language: Language) -> str:
    """Schedules, two lines each: when and what; and how the last time went."""
    if not entries:
        return say("schedule.none", language)
    return "\n".join(line for entry in entries for line in _entry(entry, now, language))


def _entry(entry: Entry, now: datetime, language: Language) -> Iterable[str]:
    schedule = entry.schedule
    mark = OVER if schedule.ended_at else PAUSED if schedule.paused_at else ON
    rule = [] if isinstance(schedule.rule, At) else [_rule(schedule, language)]
    parts = (schedule.id, *rule, _stand(schedule, now, language))
    yield f"{mark} {' · '.join(parts)} · {safe_line(schedule.request, TITLE)}"
    if schedule.last_task is not None and schedule.last_at is not None:
        state = say(f"state.{entry.last_state}", language) if entry.last_state else say("schedule.gone", language)
        at = told_time(schedule.last_at, schedule.tz, language)
        yield "  " + say("schedule.last", language, time=at, task=schedule.last_task, state=state)
    if schedule.skipped is not None and schedule.skipped_at is not None:
        at = told_time(schedule.skipped_at, schedule.tz, language)
        yield "  " + say(f"schedule.skipped_{schedule.skipped}", language, time=at)
    if schedule.queued:
        yield "  " + say("schedule.queued", language, count=len(schedule.queued))


def _rule(schedule: Schedule, language: Language) -> str:
    return told_rule(schedule.rule, schedule.tz, language)


def _stand(schedule: Schedule, now: datetime, language: Language) -> str:
    if schedule.ended_at is not None:
        return say("schedule.ended", language)
    if schedule.paused_at is not None:
        return say("schedule.paused", language)
    at = next(iter(coming(schedule, now, 1)), None)
    told = told_time(at, schedule.tz, language) if at else ""
    return say("schedule.next_at", language, time=told, zone=schedule.zone)


def _terms(schedule: Schedule, language: Language) -> Iterable[str]:
    """What was agreed beside the times, where it is not the usual."""
    if schedule.misfire is not Misfire.ONCE:
        yield "  " + say(f"schedule.late_{schedule.misfire}", language)
    if schedule.overlap is not Overlap.SKIP:
        yield "  " + say(f"schedule.busy_{schedule.overlap}", language)
    if schedule.deadline_s is not None:
        yield "  " + say("schedule.deadline", language, span=told_span(schedule.deadline_s, language))
    if schedule.expires_s is not None:
        yield "  " + say("schedule.expires", language, span=told_span(schedule.expires_s, language))
    if schedule.left is not None:
        yield "  " + say("schedule.left", language, count=schedule.left)
    if schedule.until is not None:
        yield "  " + say("schedule.until", language, time=told_time(schedule.until, schedule.tz, language))
