"""Days at the beginning of a text: those that come again, as fields of a cron expression, and single ones."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from domain.when.words import NUMBER, number

_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAME = r"(?:sun|mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?)(?:days?)?\b"
_HAN = {sign: value for value, signs in enumerate(["日天", *"一二三四五六"]) for sign in signs}
_HAN |= {str(value): value for value in range(1, 7)} | {"7": 0}


class Days(NamedTuple):
    """Fields of a cron expression: days of the month and days of the week."""

    of_month: str = "*"
    of_week: str = "*"


def _named(match: re.Match[str]) -> Days:
    found = re.findall(_NAME, match["names"], re.I)
    return Days(of_week=",".join(str(day) for day in sorted({_NAMES.index(name[:3].lower()) for name in found})))


def _han_named(match: re.Match[str]) -> Days:
    names = match["names"]
    if ends := re.fullmatch(r"(.)(?:到|至|-|~)(?:周|星期|礼拜)?(.)", names):
        first, last = _HAN[ends[1]], _HAN[ends[2]] or 7
        return Days(of_week=",".join(str(day % 7) for day in range(first, last + 1)))
    days = sorted({_HAN[sign] for sign in names if sign in _HAN})
    return Days(of_week=",".join(str(day) for day in days))


def _of_month(match: re.Match[str]) -> Days:
    return Days(of_month=str(number(match["day"])))


_RECURRING: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Days]], ...] = tuple(
    (re.compile(pattern, re.I), read)
    for pattern, read in (
        (
            r"(?:every|each)\s+(?:week|work|working|business)\s*days?\b|(?:on\s+)?weekdays\b",
            lambda _: Days(of_week="1-5"),
        ),
        (r"每?个?(?:工作日|上班日)|每?(?:周|星期)[一1](?:到|至|-|~)(?:周|星期)?[五5]", lambda _: Days(of_week="1-5")),
        (r"(?:every|each)\s+weekend\b|(?:on\s+)?weekends\b|每个?周末", lambda _: Days(of_week="0,6")),
        (r"(?:every|each)\s*day\b|daily\b|每天|每日|天天", lambda _: Days()),
        (rf"(?:every|each)\s+(?P<names>{_NAME}(?:(?:\s*[,&]\s*(?:and\s+)?|\s+and\s+){_NAME})*)", _named),
        (
            r"每个?(?:周|星期|礼拜)(?P<names>[一二三四五六日天1-7](?:(?:[、,，和及]|到|至|-|~)?(?:周|星期|礼拜)?[一二三四五六日天1-7])*)(?!\d)",
            _han_named,
        ),
        (r"(?:every\s+month|monthly)\s+on\s+(?:the\s+)?(?P<day>\d{1,2})(?:st|nd|rd|th)?", _of_month),
        (r"(?:on\s+)?the\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?\s+of\s+(?:every|each)\s+month", _of_month),
        (rf"每个?月的?(?P<day>{NUMBER})[日号號]", _of_month),
    )
)


def read_recurring(text: str) -> tuple[Days, str] | None:
    """Days that come again and again."""
    for pattern, read in _RECURRING:
        if match := pattern.match(text):
            return read(match), text[match.end() :]
    return None


_AWAY = {
    "today": 0,
    "tonight": 0,
    "tomorrow": 1,
    "今天": 0,
    "今日": 0,
    "今晚": 0,
    "明天": 1,
    "明日": 1,
    "后天": 2,
    "大后天": 3,
}
_RELATIVE = re.compile(
    r"(?P<after>the\s+day\s+after\s+tomorrow)|(?P<day>today|tomorrow|今天|今日|明天|明日|大后天|后天)", re.I
)
_ISO = re.compile(
    r"(?:at\s+|on\s+)?(?P<year>\d{4})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})(?:[日号]|(?!\d))T?", re.I
)
_HAN_DATE = re.compile(rf"(?P<month>{NUMBER})月(?P<day>{NUMBER})[日号]")
_WEEKDAY = re.compile(rf"(?:on\s+|next\s+|this\s+)?(?P<name>{_NAME})", re.I)
_HAN_WEEKDAY = re.compile(r"(?P<next>下+个?)?(?:这|本)?(?:周|星期|礼拜)(?P<name>[一二三四五六日天])")


def read_day(text: str, today: date) -> tuple[date, str] | None:
    """One day: `2026-12-01`, `tomorrow`, `on friday`, `12月1日`, `下周一`. One that is not in the calendar is none."""
    for pattern, find in _SINGLE:
        if match := pattern.match(text):
            found = find(match, today)
            return None if found is None else (found, text[match.end() :])
    return None


def _relative(match: re.Match[str], today: date) -> date:
    return today + timedelta(days=2 if match["after"] else _AWAY[match["day"].lower()])


def _dated(match: re.Match[str], _today: date) -> date | None:
    return _on(int(match["year"]), int(match["month"]), int(match["day"]))


def _han_dated(match: re.Match[str], today: date) -> date | None:
    month, day = number(match["month"]), number(match["day"])
    found = _on(today.year, month, day)
    return _on(today.year + 1, month, day) if found is None or found < today else found


def _weekday(match: re.Match[str], today: date) -> date:
    """The next one; today is not next."""
    wanted = (_NAMES.index(match["name"][:3].lower()) - 1) % 7
    return today + timedelta(days=(wanted - today.weekday() - 1) % 7 + 1)


def _han_weekday(match: re.Match[str], today: date) -> date:
    """Weeks begin on Monday: 下周一 is in the next one, whatever day it is."""
    wanted = (_HAN[match["name"]] - 1) % 7
    weeks = (match["next"] or "").count("下")
    if weeks:
        return today + timedelta(days=wanted - today.weekday() + 7 * weeks)
    return today + timedelta(days=(wanted - today.weekday()) % 7)


def _on(year: int, month: int, day: int) -> date | None:
    is_there = 1 <= month <= 12 and year > 0 and 1 <= day <= monthrange(year, month)[1]
    return date(year, month, day) if is_there else None


_SINGLE: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], date | None]], ...] = (
    (_ISO, _dated),
    (_RELATIVE, _relative),
    (_HAN_DATE, _han_dated),
    (_HAN_WEEKDAY, _han_weekday),
    (_WEEKDAY, _weekday),
)
