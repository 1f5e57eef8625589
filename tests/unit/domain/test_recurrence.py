"""When rules come due, through the days on which clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from domain.errors import Refused
from domain.recurrence import At, Cron, Every, Rule, check, instant, next_after, times

NEW_YORK, CAIRO, HAVANA = ZoneInfo("America/New_York"), ZoneInfo("Africa/Cairo"), ZoneInfo("America/Havana")
APIA = ZoneInfo("Pacific/Apia")


def shown(rule: Rule, zone: ZoneInfo, after: str, count: int) -> list[str]:
    """The next few times as the clock on the wall shows them."""
    begin = datetime.fromisoformat(after).replace(tzinfo=UTC)
    found = islice(times(rule, zone, begin, begin + timedelta(days=800)), count)
    return [at.astimezone(zone).isoformat(timespec="minutes") for at in found]


def cron(expression: str) -> Cron:
    return Cron(expression=expression)


def daily(local: str, zone: ZoneInfo, days: int = 1) -> Every:
    return Every(seconds=days * 86_400, since=instant(datetime.fromisoformat(local), zone))


@pytest.mark.parametrize("rule", [cron("30 2 * * *"), daily("2026-03-07T02:30", NEW_YORK)])
def test_a_time_that_a_day_skips_comes_as_soon_as_the_clock_has_moved_on(rule: Rule) -> None:
    assert shown(rule, NEW_YORK, "2026-03-07T12:00", 3) == [
        "2026-03-08T03:00-04:00",
        "2026-03-09T02:30-04:00",
        "2026-03-10T02:30-04:00",
    ]


@pytest.mark.parametrize("rule", [cron("30 1 * * *"), daily("2026-10-30T01:30", NEW_YORK)])
def test_a_time_that_a_day_has_twice_comes_once(rule: Rule) -> None:
    assert shown(rule, NEW_YORK, "2026-10-31T12:00", 2) == ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"]


@pytest.mark.parametrize("rule", [cron("30 1 * * *"), daily("2026-10-30T01:30", NEW_YORK)])
def test_asked_again_in_the_second_of_two_equal_hours_it_has_been(rule: Rule) -> None:
    assert shown(rule, NEW_YORK, "2026-11-01T06:10", 1) == ["2026-11-02T01:30-05:00"]


def test_two_times_of_a_skipped_hour_are_one() -> None:
    assert shown(cron("0,30 2 * * *"), NEW_YORK, "2026-03-07T12:00", 2) == [
        "2026-03-08T03:00-04:00",
        "2026-03-09T02:00-04:00",
    ]


def test_what_follows_the_time_that_passes_counts_both_of_two_equal_hours() -> None:
    assert shown(cron("*/30 * * * *"), NEW_YORK, "2026-11-01T04:45", 5) == [
        "2026-11-01T01:00-04:00",
        "2026-11-01T01:30-04:00",
        "2026-11-01T01:00-05:00",
        "2026-11-01T01:30-05:00",
        "2026-11-01T02:00-05:00",
    ]


def test_and_none_of_an_hour_that_is_skipped() -> None:
    assert shown(cron("*/30 * * * *"), NEW_YORK, "2026-03-08T06:15", 3) == [
        "2026-03-08T01:30-05:00",
        "2026-03-08T03:00-04:00",
        "2026-03-08T03:30-04:00",
    ]


def test_hours_go_on_evenly_whatever_clocks_do() -> None:
    rule = Every(seconds=3600, since=datetime(2026, 3, 8, 5, 30, tzinfo=UTC))
    assert shown(rule, NEW_YORK, "2026-03-08T06:00", 2) == ["2026-03-08T01:30-05:00", "2026-03-08T03:30-04:00"]
    assert shown(rule, NEW_YORK, "2026-11-01T05:00", 2) == ["2026-11-01T01:30-04:00", "2026-11-01T01:30-05:00"]


def test_midnight_may_be_skipped_or_come_twice() -> None:
    assert shown(cron("0 0 * * *"), CAIRO, "2026-04-23T12:00", 2) == [
        "2026-04-24T01:00+03:00",
        "2026-04-25T00:00+03:00",
    ]
    assert shown(daily("2026-04-20T00:00", CAIRO), CAIRO, "2026-04-23T12:00", 1) == ["2026-04-24T01:00+03:00"]
    assert shown(cron("30 0 * * *"), HAVANA, "2026-10-31T12:00", 2) == [
        "2026-11-01T00:30-04:00",
        "2026-11-02T00:30-05:00",
    ]


def test_a_day_may_be_missing() -> None:
    """Samoa went from the 29th to the 31st of December 2011."""
    assert shown(daily("2011-12-28T09:00", APIA), APIA, "2011-12-29T12:00", 2) == [
        "2011-12-29T09:00-10:00",
        "2011-12-31T00:00+14:00",
    ]


def test_every_second_day_keeps_the_time_of_day() -> None:
    assert shown(daily("2026-03-07T09:00", NEW_YORK, 2), NEW_YORK, "2026-03-01T00:00", 3) == [
        "2026-03-07T09:00-05:00",
        "2026-03-09T09:00-04:00",
        "2026-03-11T09:00-04:00",
    ]


def test_once_is_once() -> None:
    at = datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert next_after(At(at=at), NEW_YORK, at - timedelta(seconds=1)) == at
    assert next_after(At(at=at), NEW_YORK, at) is None


def test_a_day_that_never_comes_is_never() -> None:
    assert next_after(cron("0 0 31 2,4 1-7"), NEW_YORK, datetime(2026, 1, 1, tzinfo=UTC)) is not None  # a weekday, or
    assert next_after(At(at=datetime(9999, 1, 1, tzinfo=UTC)), NEW_YORK, datetime(2026, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize("expression", ["", "* * * *", "61 * * * *", "0 0 30 2 *", "* * * * * *", "a b c d e"])
def test_what_is_no_cron_expression_is_refused(expression: str) -> None:
    with pytest.raises(Refused, match="cron expression of five fields"):
        check(cron(expression))


def test_what_comes_too_often_is_refused() -> None:
    with pytest.raises(Refused, match="at least 10 s"):
        check(Every(seconds=9, since=datetime(2026, 1, 1, tzinfo=UTC)))
    check(Every(seconds=10, since=datetime(2026, 1, 1, tzinfo=UTC)))
    check(At(at=datetime(2026, 1, 1, tzinfo=UTC)))
