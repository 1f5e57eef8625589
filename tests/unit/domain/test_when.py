"""Times as people say them, in both languages, and as they are told back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.errors import Refused
from domain.recurrence import At, Cron, Every, next_after
from domain.schedule import Misfire, Overlap
from domain.when import (
    Options,
    read_limits,
    read_moment,
    read_span,
    read_wanted,
    read_zone,
    told_rule,
    told_span,
    told_time,
)

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")  # where it is Saturday, 17:30

CRONS = {
    "every day at 9:00 do": "0 9 * * *",
    "daily at 9am do": "0 9 * * *",
    "at 9:00 every day do": "0 9 * * *",
    "Every Day, 09:05: do": "5 9 * * *",
    "every day at midnight do": "0 0 * * *",
    "every weekday at 6:30 pm do": "30 18 * * 1-5",
    "weekdays at 18:30 do": "30 18 * * 1-5",
    "every weekend at noon do": "0 12 * * 0,6",
    "every monday, wed and friday at 9 do": "0 9 * * 1,3,5",
    "every sunday at 12 am do": "0 0 * * 0",
    "every month on the 1st at 9:00 do": "0 9 1 * *",
    "on the 15th of every month at 8:05 do": "5 8 15 * *",
    'cron "0 9 * * 1-5" do': "0 9 * * 1-5",
    "cron “*/5  * * * *” do": "*/5 * * * *",
    "cron 0 9 * * mon-fri do": "0 9 * * mon-fri",
    "每天 9:00 do": "0 9 * * *",
    "每天9点do": "0 9 * * *",
    "每日早上九点半 do": "30 9 * * *",
    "每天下午3点15分 do": "15 15 * * *",
    "每天晚上十二点 do": "0 0 * * *",
    "每天中午12点 do": "0 12 * * *",
    "每天中午 do": "0 12 * * *",
    "每天凌晨12点半 do": "30 0 * * *",
    "每天二十三点四十五分 do": "45 23 * * *",
    "每个工作日 9：00 do": "0 9 * * 1-5",
    "工作日9点一刻 do": "15 9 * * 1-5",
    "每个周末 10:00 do": "0 10 * * 0,6",
    "每周一三五 8:00 do": "0 8 * * 1,3,5",
    "每周一、周三和周五 8:00 do": "0 8 * * 1,3,5",
    "每周一到周五 8:00 do": "0 8 * * 1-5",
    "每周五至周日 8:00 do": "0 8 * * 5,6,0",
    "每星期日 10点 do": "0 10 * * 0",
    "每月1号 9:00 do": "0 9 1 * *",
    "每个月十五日上午十点 do": "0 10 15 * *",
}
INTERVALS = {
    "every 30 minutes do": 1800,
    "every hour do": 3600,
    "hourly do": 3600,
    "weekly do": 604_800,
    "each 90s do": 90,
    "every 1.5 hours do": 5400,
    "every two weeks do": 1_209_600,
    "every day do": 86_400,
    "每隔 30 分钟 do": 1800,
    "每30分钟 do": 1800,
    "每小时 do": 3600,
    "每半小时 do": 1800,
    "每隔两个小时 do": 7200,
    "每天 do": 86_400,
}
MOMENTS = {
    "in 2h do": "11-21 19:30",
    "in 1h30m do": "11-21 19:00",
    "in 1 hour and 30 minutes do": "11-21 19:00",
    "in half an hour do": "11-21 18:00",
    "2 hours from now do": "11-21 19:30",
    "at 18:00 do": "11-21 18:00",
    "at 17:00 do": "11-22 17:00",
    "at 2026-12-01 09:00 do": "12-01 09:00",
    "2026-12-01T09:00 do": "12-01 09:00",
    "at 2026-12-01T09:00+01:00 do": "12-01 16:00",
    "2026-12-01T09:00Z do": "12-01 17:00",
    "tomorrow at 9:00 do": "11-22 09:00",
    "tomorrow 9am do": "11-22 09:00",
    "at 9:00 tomorrow do": "11-22 09:00",
    "the day after tomorrow at 9 do": "11-23 09:00",
    "on friday at 10:00 do": "11-27 10:00",
    "next saturday at 10:00 do": "11-28 10:00",
    "2 小时后 do": "11-21 19:30",
    "两个半小时后do": "11-21 20:00",
    "半小时后do": "11-21 18:00",
    "过30分钟 do": "11-21 18:00",
    "明天 9:00 do": "11-22 09:00",
    "后天晚上8点 do": "11-23 20:00",
    "下周一 9:00 do": "11-23 09:00",
    "周六 18:00 do": "11-21 18:00",
    "周五9点 do": "11-27 09:00",
    "12月1日 9:00 do": "12-01 09:00",
    "2026年12月1日 9:00 do": "12-01 09:00",
    "今天下午6点 do": "11-21 18:00",
}


@pytest.mark.parametrize(("typed", "expression"), CRONS.items())
def test_days_that_come_again(typed: str, expression: str) -> None:
    wanted = read_wanted(typed, NOW, SHANGHAI)
    assert (wanted.rule, wanted.request) == (Cron(expression=expression), "do")


@pytest.mark.parametrize(("typed", "seconds"), INTERVALS.items())
def test_every_so_often(typed: str, seconds: int) -> None:
    wanted = read_wanted(typed, NOW, SHANGHAI)
    assert (wanted.rule, wanted.request) == (Every(seconds=seconds, since=NOW), "do")


@pytest.mark.parametrize(("typed", "clock"), [("every 2 days at 7:15 do", "07:15"), ("每2天 7:15 do", "07:15")])
def test_every_few_days_at_a_time_of_day(typed: str, clock: str) -> None:
    rule = read_wanted(typed, NOW, SHANGHAI).rule
    first = next_after(rule, SHANGHAI, NOW)
    assert first is not None
    assert first.astimezone(SHANGHAI).strftime("%d %H:%M") == f"22 {clock}"


@pytest.mark.parametrize(("typed", "shown"), MOMENTS.items())
def test_once(typed: str, shown: str) -> None:
    wanted = read_wanted(typed, NOW, SHANGHAI)
    assert isinstance(wanted.rule, At)
    assert wanted.rule.at.astimezone(SHANGHAI).strftime("%m-%d %H:%M") == shown
    assert wanted.request == "do"


REFUSED = {
    "": "schedule.unreadable",
    "buy milk": "schedule.unreadable",
    "tomorrow do": "schedule.unreadable",
    "every day at 25:00 do": "schedule.unreadable",
    "every day at 9:75 do": "schedule.unreadable",
    "2026-02-30 9:00 do": "schedule.unreadable",
    "9 lives": "schedule.unreadable",
    "at 2020-01-01 09:00 do": "schedule.past",
    "今天 9:00 do": "schedule.past",
    "every day at 9:00": "schedule.no_request",
    "每天 9:00 ": "schedule.no_request",
    "every day at 9:00 times=5": "schedule.no_request",
    "every 5s do": "schedule.too_often",
    "cron 0 9 * * do": "schedule.bad_cron",
    'cron "every day" do': "schedule.bad_cron",
    "every day at 9:00 zone=Mars/Olympus do": "schedule.bad_zone",
    "every day at 9:00 late=never do": "schedule.bad_option",
    "every day at 9:00 times=0 do": "schedule.bad_option",
    "every day at 9:00 deadline=soon do": "schedule.bad_option",
    "every day at 9:00 until=2026-11-21 do": "schedule.never",
    "every day at 9:00 until=someday do": "schedule.bad_moment",
}


@pytest.mark.parametrize(("typed", "key"), REFUSED.items())
def test_what_cannot_be_read_is_refused_with_an_example(typed: str, key: str) -> None:
    with pytest.raises(Refused) as refused:
        read_wanted(typed, NOW, SHANGHAI)
    assert refused.value.key == key
    assert refused.value.say("en")
    assert refused.value.say("zh")


@pytest.mark.parametrize(
    "typed",
    [
        "late=all busy=queue zone=america/new_york every day at 9:00 times=5 until=2026-12-31 deadline=30m do a=b",
        "每天 9:00 错过=全部 重叠=排队 时区=America/New_York 次数=5次 截止=2026-12-31 期限=30分钟 do a=b",
    ],
)
def test_options_stand_before_or_behind_the_time(typed: str) -> None:
    wanted = read_wanted(typed, NOW, SHANGHAI)
    assert (wanted.request, wanted.zone.key) == ("do a=b", "America/New_York")
    told = wanted.options
    assert (told.late, told.busy, told.times, told.deadline) == (Misfire.ALL, Overlap.QUEUE, 5, 1800)
    assert wanted.until == datetime(2027, 1, 1, 4, 59, tzinfo=UTC)
    assert read_wanted("in 2h x=1 do", NOW, SHANGHAI).options == Options()


def test_a_named_zone_is_that_of_the_time_beside_it() -> None:
    wanted = read_wanted("zone=UTC at 2026-12-01 09:00 do", NOW, SHANGHAI)
    assert wanted.rule == At(at=datetime(2026, 12, 1, 9, tzinfo=UTC))


@pytest.mark.parametrize("typed", ["Europe/Berlin", "europe/berlin", " EUROPE/BERLIN "])
def test_zones_in_any_case(typed: str) -> None:
    assert read_zone(typed).key == "Europe/Berlin"


@pytest.mark.parametrize("typed", ["", "Europe", "../etc/passwd", "/etc/localtime", "x\x00y"])
def test_what_is_no_zone(typed: str) -> None:
    with pytest.raises(Refused, match="There is no time zone"):
        read_zone(typed)


def test_spans_and_moments_alone() -> None:
    assert read_span(" 1h30m ") == timedelta(minutes=90)
    assert read_moment("tomorrow 9:00", NOW, SHANGHAI) == datetime(2026, 11, 22, 1, tzinfo=UTC)
    assert read_moment("2h", NOW, SHANGHAI) == NOW + timedelta(hours=2)
    for read in (lambda: read_span("2h then"), lambda: read_moment("18:00 and", NOW, SHANGHAI)):
        with pytest.raises(Refused):
            read()


TOLD = {
    "every day at 9:00 x": ("every day at 09:00", "每天 09:00"),
    "每个工作日 9:00 x": ("Monday to Friday at 09:00", "周一至周五 09:00"),
    "every mon and fri at 9:00 x": ("every Mon, Fri at 09:00", "每周一、周五 09:00"),
    "每月1号 9:00 x": ("on day 1 of every month at 09:00", "每月 1 日 09:00"),
    "cron */5 * * * * x": ("cron */5 * * * *", "cron */5 * * * *"),
    "cron 0 9 1 * 1 x": ("cron 0 9 1 * 1", "cron 0 9 1 * 1"),
    "every 90 minutes x": ("every 90 min", "每隔 90 分钟"),
    "every 2 days at 7:15 x": ("every 2 day(s) at 07:15", "每隔 2 天，07:15"),
    "tomorrow 9:00 x": ("once, Sun 2026-11-22 09:00", "一次，2026-11-22（周日）09:00"),
}


@pytest.mark.parametrize(("typed", "told"), TOLD.items())
def test_rules_are_told_back(typed: str, told: tuple[str, str]) -> None:
    rule = read_wanted(typed, NOW, SHANGHAI).rule
    assert (told_rule(rule, SHANGHAI, "en"), told_rule(rule, SHANGHAI, "zh")) == told


def test_times_show_seconds_only_when_there_are_any() -> None:
    assert told_time(NOW, SHANGHAI, "en") == "Sat 2026-11-21 17:30"
    assert told_time(NOW + timedelta(seconds=5), SHANGHAI, "zh") == "2026-11-21（周六）17:30:05"
    assert [told_span(seconds, "en") for seconds in (604_800, 7200, 90)] == ["1 week(s)", "2 h", "90 s"]


@pytest.mark.parametrize(
    ("typed", "limits", "request_text"),
    [
        ("deadline=30m expires=1h sum it up", Options(deadline=1800, expires=3600), "sum it up"),
        ("期限=30分钟 汇总", Options(deadline=1800), "汇总"),
        ("sum up deadline=30m", Options(), "sum up deadline=30m"),
        ("x=1 is an equation", Options(), "x=1 is an equation"),
        ("deadline=30m times=5 x", Options(), "deadline=30m times=5 x"),
    ],
)
def test_a_request_at_once_may_have_limits(typed: str, limits: Options, request_text: str) -> None:
    assert read_limits(typed) == (limits, request_text)


def test_a_limit_that_is_none_is_refused() -> None:
    with pytest.raises(Refused, match="deadline=soon"):
        read_limits("deadline=soon sum it up")
