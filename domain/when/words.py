"""Numbers, spans and times of day at the beginning of a text. Every reader returns what it read and the rest of the
text, or None when the text begins otherwise."""

from __future__ import annotations

import re
from datetime import time, timedelta

SPACE = re.compile(r"[\s,，、:：]*")

NUMBER = r"\d+|[零〇一二两三四五六七八九十]+"
_DIGITS = {sign: value for value, signs in enumerate(["零〇", "一", "二两", *"三四五六七八九"]) for sign in signs}
_ENGLISH = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10, "half": 0.5}

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_HAN_UNITS = {"秒": 1, "分": 60, "小": 3600, "钟": 3600, "天": 86_400, "日": 86_400, "周": 604_800, "星": 604_800}
UNIT = r"(?P<unit>seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)(?![a-z])"
HAN_UNIT = r"个?\s*(?P<unit>秒钟?|分钟?|小时|钟头|天|日|周|星期)"
_SPAN = re.compile(rf"(?P<many>\d+(?:\.\d+)?|half|an?|one|two|three|four|five|six|ten)\s*(?:an?\s+)?{UNIT}", re.I)
_HAN_SPAN = re.compile(rf"(?P<many>\d+(?:\.\d+)?|半|{NUMBER})\s*(?P<half>个半)?{HAN_UNIT}")
_AND = re.compile(r"\s*(?:and\b|,|又|零)?\s*", re.I)

_NIGHT = frozenset({"晚上", "晚"})
_PM = _NIGHT | {"下午", "傍晚"}
_CLOCKS = (
    re.compile(
        r"at\s+(?P<hour>\d{1,2})(?:[:：.](?P<minute>\d{2}))?\s*(?P<half>[ap]\.?m\.?(?![a-z]))?(?:\s*o.clock)?", re.I
    ),
    re.compile(r"(?P<hour>\d{1,2})[:：](?P<minute>\d{2})\s*(?P<half>[ap]\.?m\.?(?![a-z]))?", re.I),
    re.compile(r"(?P<hour>\d{1,2})\s*(?P<half>[ap]\.?m\.?)(?![a-z])", re.I),
)
_HAN_CLOCK = re.compile(
    r"(?:在)?\s*(?P<part>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|早|晚)?\s*"
    rf"(?P<hour>{NUMBER})(?:[:：](?P<minute>\d{{2}})|[点點时](?:(?P<quarter>半|一刻|三刻|整|钟)|(?P<minutes>{NUMBER})分?)?)"
)
_NAMED_CLOCK = re.compile(r"(?:at\s+)?(?P<name>noon|midnight)\b|(?:在)?(?P<han>中午|正午|午夜|半夜)", re.I)
_QUARTERS = {"半": 30, "一刻": 15, "三刻": 45}


def rest_of(text: str) -> str:
    """The text without what stands between two things that are said."""
    return text[end.end() :] if (end := SPACE.match(text)) else text


def number(text: str) -> int:
    """A whole number below a hundred in digits or Chinese."""
    if text.isdecimal():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    if ten:
        return 10 * (_DIGITS.get(tens, 1) if tens else 1) + (_DIGITS.get(ones, 0) if ones else 0)
    return int("".join(str(_DIGITS[sign]) for sign in text))


def read_span(text: str) -> tuple[timedelta, str] | None:
    """How long: `2h`, `1 hour 30 minutes`, `half an hour`, `两个半小时`, `30分钟`."""
    total, rest = timedelta(), text
    while (found := _one_span(rest)) is not None:
        total, rest = total + found[0], rest[found[1] :]
        joint = _AND.match(rest)
        if joint is None or _one_span(rest[joint.end() :]) is None:
            return total, rest
        rest = rest[joint.end() :]
    return None


def _one_span(text: str) -> tuple[timedelta, int] | None:
    if match := _SPAN.match(text):
        many = match["many"].lower()
        count = _ENGLISH[many] if many in _ENGLISH else float(many)
        return timedelta(seconds=count * _SECONDS[match["unit"][0].lower()]), match.end()
    if match := _HAN_SPAN.match(text):
        count = 0.5 if match["many"] == "半" else _amount(match["many"])
        count += 0.5 if match["half"] else 0.0
        return timedelta(seconds=count * _HAN_UNITS[match["unit"][0]]), match.end()
    return None


def _amount(text: str) -> float:
    return float(text) if text[0].isdecimal() else number(text)


def read_clock(text: str) -> tuple[time, str] | None:
    """A time of day: `at 9`, `9:00`, `9 pm`, `noon`, `九点半`, `下午3点`. One that no clock shows is none."""
    if match := _NAMED_CLOCK.match(text):
        is_noon = (match["name"] or "").lower() == "noon" or (match["han"] or "") in {"中午", "正午"}
        if not (match["han"] and _HAN_CLOCK.match(text)):
            return time(12 if is_noon else 0), text[match.end() :]
    for pattern in _CLOCKS:
        if match := pattern.match(text):
            han = _HAN_CLOCK.match(text)
            if han is None or han.end() <= match.end():
                return _shown(_hour(match), int(match.groupdict().get("minute") or 0), text[match.end() :])
    if match := _HAN_CLOCK.match(text):
        minute = int(match["minute"]) if match["minute"] else _QUARTERS.get(match["quarter"] or "", 0)
        minute = number(match["minutes"]) if match["minutes"] else minute
        return _shown(_han_hour(number(match["hour"]), match["part"]), minute, text[match.end() :])
    return None


def _shown(hour: int, minute: int, rest: str) -> tuple[time, str] | None:
    return (time(hour % 24, minute), rest) if 0 <= hour <= 24 and 0 <= minute < 60 else None


def _hour(match: re.Match[str]) -> int:
    hour, half = int(match["hour"]), (match["half"] or "").lower()[:1]
    if not half:
        return hour
    if not 1 <= hour <= 12:
        return -1
    return hour % 12 + (12 if half == "p" else 0)


def _han_hour(hour: int, part: str | None) -> int:
    """下午3点 is 15; 晚上12点 is midnight, 中午12点 noon, 中午11点 before it."""
    if part == "凌晨" or (part in _NIGHT and hour == 12):
        return hour % 12
    is_second_half = part in _PM or (part == "中午" and hour < 10)
    return hour + 12 if is_second_half and hour < 12 else hour
