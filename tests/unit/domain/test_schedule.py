"""What is to be done when a schedule's time has come, or has passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.recurrence import At, Cron, Every
from domain.schedule import (
    CAUGHT_UP,
    LOOK_AGAIN,
    Misfire,
    Overlap,
    Schedule,
    Skipped,
    begun,
    coming,
    fall_due,
    occurrence_key,
    paused,
)
from tests.builders import ROUTE, SCOPE

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hourly(**changes: Any) -> Schedule:
    """Due at 13:00, 14:00 …"""
    given: dict[str, Any] = {
        "id": "AAAAAA",
        "scope": SCOPE,
        "route": ROUTE,
        "request": "check",
        "language": "en",
        "rule": Every(seconds=3600, since=NOON),
        "zone": "UTC",
        "created_at": NOON,
    }
    return begun(Schedule(**{**given, **changes}), NOON)


def after(hours: float) -> datetime:
    return NOON + hours * HOUR


def test_nothing_happens_before_its_time() -> None:
    schedule = hourly()
    assert schedule.due_at == schedule.next_at == after(1)
    assert fall_due(schedule, after(0.99), is_busy=False).schedule is schedule


def test_at_its_time_it_begins_and_waits_for_the_next() -> None:
    fallen = fall_due(hourly(), after(1), is_busy=False)
    assert (fallen.begin, fallen.missed) == ((after(1),), None)
    assert fallen.schedule.due_at == after(2)


@pytest.mark.parametrize(
    ("misfire", "overlap", "expected"),
    [
        (Misfire.ONCE, Overlap.SKIP, [5]),
        (Misfire.ONCE, Overlap.ALLOW, [5]),
        (Misfire.SKIP, Overlap.ALLOW, []),
        (Misfire.ALL, Overlap.ALLOW, [3, 4, 5]),
        (Misfire.ALL, Overlap.SKIP, [3]),
        (Misfire.ALL, Overlap.QUEUE, [3]),
    ],
)
def test_what_was_missed(misfire: Misfire, overlap: Overlap, expected: list[int]) -> None:
    """Nothing ran from noon to half past five, and what is older than three hours is too late."""
    schedule = hourly(misfire=misfire, overlap=overlap, grace_s=3 * 3600)
    fallen = fall_due(schedule, after(5.5), is_busy=False)
    assert list(fallen.begin) == [after(hours) for hours in expected]
    assert fallen.missed is None
    queued = [after(4), after(5)] if misfire is Misfire.ALL and overlap is not Overlap.ALLOW else []
    assert list(fallen.schedule.queued) == queued
    assert fallen.schedule.next_at == after(6)


def test_within_a_minute_nothing_is_late() -> None:
    minute = timedelta(minutes=1)
    assert fall_due(hourly(misfire=Misfire.SKIP), after(1) + minute, is_busy=False).begin == (after(1),)
    late = fall_due(hourly(misfire=Misfire.SKIP), after(1) + minute + timedelta(seconds=1), is_busy=False)
    assert (late.begin, late.missed, late.schedule.skipped) == ((), None, Skipped.LATE)
    assert late.schedule.skipped_at == after(1)


def test_what_is_too_late_is_told() -> None:
    once = hourly(rule=At(at=after(1)), grace_s=3600)
    assert fall_due(once, after(2), is_busy=False).begin == (after(1),)
    fallen = fall_due(once, after(2.01), is_busy=False)
    assert (fallen.begin, fallen.missed, fallen.schedule.ended_at) == ((), after(1), after(2.01))


def test_only_so_many_are_made_up_for() -> None:
    schedule = hourly(misfire=Misfire.ALL, overlap=Overlap.ALLOW, grace_s=100 * 3600)
    assert fall_due(schedule, after(50), is_busy=False).begin == tuple(after(hours) for hours in range(41, 51))


def test_while_the_last_one_is_not_over() -> None:
    left_out = fall_due(hourly(left=3), after(1), is_busy=True)
    assert (left_out.begin, left_out.schedule.skipped, left_out.schedule.left) == ((), Skipped.BUSY, 3)
    assert fall_due(hourly(overlap=Overlap.ALLOW), after(1), is_busy=True).begin == (after(1),)
    waits = fall_due(hourly(overlap=Overlap.QUEUE), after(1), is_busy=True).schedule
    assert (waits.queued, waits.due_at, waits.next_at) == ((after(1),), after(1) + LOOK_AGAIN, after(2))
    still = fall_due(waits, after(1.5), is_busy=True).schedule
    assert (still.queued, still.due_at) == ((after(1),), after(1.5) + LOOK_AGAIN)
    fallen = fall_due(still, after(1.75), is_busy=False)
    assert (fallen.begin, fallen.schedule.queued, fallen.schedule.due_at) == ((after(1),), (), after(2))


def test_a_queue_has_an_end() -> None:
    schedule = hourly(overlap=Overlap.QUEUE, grace_s=60)
    for hours in range(1, CAUGHT_UP + 3):
        schedule = fall_due(schedule, after(hours), is_busy=True).schedule
    assert schedule.queued == tuple(after(hours) for hours in range(1, CAUGHT_UP + 1))
    assert (schedule.skipped, schedule.skipped_at) == (Skipped.BUSY, after(CAUGHT_UP + 2))


def test_after_so_many_times_it_is_over() -> None:
    schedule = hourly(left=2)
    first = fall_due(schedule, after(1), is_busy=False).schedule
    assert (first.left, first.ended_at, coming(first, after(1), 3)) == (1, None, (after(2),))
    last = fall_due(first, after(2), is_busy=False)
    assert (last.begin, last.schedule.ended_at, last.schedule.due_at) == ((after(2),), after(2), None)
    caught_up = fall_due(hourly(left=2, misfire=Misfire.ALL, overlap=Overlap.ALLOW), after(5), is_busy=False)
    assert len(caught_up.begin) == 2


def test_after_its_end_it_is_over() -> None:
    schedule = hourly(until=after(1.5))
    assert coming(schedule, NOON, 3) == (after(1),)
    fallen = fall_due(schedule, after(3), is_busy=False)
    assert (fallen.begin, fallen.schedule.ended_at) == ((after(1),), after(3))


def test_what_waits_its_turn_keeps_a_schedule_from_being_over() -> None:
    waits = fall_due(hourly(left=1, overlap=Overlap.QUEUE), after(1), is_busy=True).schedule
    assert (waits.ended_at, waits.next_at) == (None, None)
    done = fall_due(waits, after(2), is_busy=False)
    assert (done.begin, done.schedule.ended_at) == ((after(1),), after(2))


def test_paused_and_resumed() -> None:
    held = paused(hourly(), after(0.5))
    assert fall_due(held, after(3), is_busy=False).schedule is held
    assert paused(held, after(1)).paused_at == after(0.5)
    assert coming(held, NOON, 3) == ()
    again = begun(held, after(3.5))
    assert (again.paused_at, again.due_at) == (None, after(4))
    assert begun(paused(hourly(rule=At(at=after(1))), NOON), after(2)).ended_at == after(2)


def test_an_occurrence_is_named_by_the_wall_and_its_distance_from_utc() -> None:
    schedule = hourly(rule=Cron(expression="*/30 * * * *"), zone="America/New_York")
    first, second = (datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (5, 6))
    assert occurrence_key(schedule, first) == "schedule:AAAAAA@2026-11-01T01:30:00-04:00"
    assert occurrence_key(schedule, second) == "schedule:AAAAAA@2026-11-01T01:30:00-05:00"
    assert occurrence_key(replace(schedule, id="BBBBBB"), first) != occurrence_key(schedule, first)
