"""Times only grow, none is forgotten between two looks, and whatever the clock and the processes do, nothing begins
twice and nothing that is wanted is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.recurrence import Cron, Every, Rule, next_after, times
from domain.schedule import Misfire, Overlap, Schedule, begun, fall_due, occurrence_key
from tests.builders import ROUTE, SCOPE

ZONES = [
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Africa/Cairo",
    "America/Havana",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
]
CHANGES = [
    datetime(2026, month, day, tzinfo=UTC) for month, day in [(3, 8), (3, 29), (4, 5), (4, 24), (10, 25), (11, 1)]
]
MOMENT = timedelta(microseconds=1)

zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes), st.sampled_from(CHANGES), st.integers(-1500, 2000)
)
minute = st.sampled_from(["0", "30", "0,30", "*/15", "*", "59", "7"])
hour = st.sampled_from(["*", "0", "1", "2", "1,2,3", "*/2", "23", "9"])
crons = st.builds(
    lambda m, h, d, w: Cron(expression=f"{m} {h} {d} * {w}"),
    minute, hour, st.sampled_from(["*", "1", "*/2", "29"]), st.sampled_from(["*", "1-5", "0", "6#2"]),
)  # fmt: skip
intervals = st.builds(
    lambda seconds, since: Every(seconds=seconds, since=since),
    st.sampled_from([10, 60, 5400, 86_400, 2 * 86_400, 604_800]),
    moments,
)
rules: st.SearchStrategy[Rule] = st.one_of(crons, intervals)


@settings(max_examples=120)
@given(rule=rules, zone=zones, after=moments, part=st.floats(0.0, 1.0))
def test_whoever_asks_in_between_is_told_the_same(rule: Rule, zone: ZoneInfo, after: datetime, part: float) -> None:
    """So restarts neither lose nor invent anything."""
    found = next_after(rule, zone, after)
    assert found is not None
    assert found > after
    between = after + (found - after) * part
    assert next_after(rule, zone, min(between, found - MOMENT)) == found


@settings(max_examples=60)
@given(rule=rules, zone=zones, after=moments)
def test_times_grow_and_have_names_of_their_own(rule: Rule, zone: ZoneInfo, after: datetime) -> None:
    schedule = _schedule(rule, zone, after)
    found = list(times(rule, zone, after, after + timedelta(hours=8)))[:100]
    assert found == sorted(set(found))
    assert len({occurrence_key(schedule, at) for at in found}) == len(found)


@settings(max_examples=80)
@given(
    zone=zones,
    start=moments,
    expression=st.sampled_from(["*/15 * * * *", "0,30 1,2,3 * * *", "30 * * * *"]),
    moves=st.lists(st.integers(-90, 120), min_size=1, max_size=30),
)
def test_whatever_the_clock_does_each_begins_once_and_none_is_lost(
    zone: ZoneInfo, start: datetime, expression: str, moves: list[int]
) -> None:
    """The clock jumps by minutes, back and forth; a process may begin and not commit, which another then repeats."""
    rule = Cron(expression=expression)
    schedule = begun(_schedule(rule, zone, start), start)
    now = latest = start
    names: list[str] = []
    for number, move in enumerate(moves):
        now += timedelta(minutes=move)
        latest = max(latest, now)
        fallen = fall_due(schedule, now, is_busy=False)
        if number % 3 == 2:  # it died before it committed: nothing happened, and the next look is another process's
            fallen = fall_due(schedule, now, is_busy=False)
        names += [occurrence_key(schedule, at) for at in fallen.begin]
        assert (fallen.schedule.next_at or now) >= (schedule.next_at or now)
        schedule = fallen.schedule
    expected = [occurrence_key(schedule, at) for at in times(rule, zone, start, latest)]
    assert names == expected


def _schedule(rule: Rule, zone: ZoneInfo, start: datetime) -> Schedule:
    return Schedule(
        id="AAAAAA",
        scope=SCOPE,
        route=ROUTE,
        request="check",
        language="en",
        rule=rule,
        zone=zone.key,
        created_at=start,
        misfire=Misfire.ALL,
        overlap=Overlap.ALLOW,
        grace_s=86_400,
    )
