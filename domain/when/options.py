"""What may be said about a schedule beside its times: `key=value`, in either language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from domain.errors import Refused
from domain.safe_text import safe_line
from domain.schedule import Misfire, Overlap
from domain.when.words import number, read_span, rest_of

_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "late": "late", "错过": "late", "迟到": "late",
        "busy": "busy", "重叠": "busy",
        "grace": "grace", "宽限": "grace",
        "deadline": "deadline", "期限": "deadline", "时限": "deadline",
        "expires": "expires", "过期": "expires", "有效期": "expires",
        "until": "until", "直到": "until", "截止": "until",
        "times": "times", "次数": "times",
        "zone": "zone", "时区": "zone",
    }
)  # fmt: skip
_LATE = {"once": Misfire.ONCE, "skip": Misfire.SKIP, "all": Misfire.ALL} | {
    "一次": Misfire.ONCE, "跳过": Misfire.SKIP, "全部": Misfire.ALL
}  # fmt: skip
_BUSY = {"skip": Overlap.SKIP, "queue": Overlap.QUEUE, "allow": Overlap.ALLOW} | {
    "跳过": Overlap.SKIP, "排队": Overlap.QUEUE, "允许": Overlap.ALLOW
}  # fmt: skip
_OPTION = re.compile(
    r"(?P<key>[\w\u4e00-\u9fff]+)\s*[=＝]\s*(?:[\"“](?P<quoted>[^\"”]*)[\"”]|(?P<value>[^\s，,]+))[\s，,]*"
)
_MAX_TIMES = 100_000
_MAX_S = 366 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was said; None where nothing was. Spans are in seconds; `until` is still as it was typed, as what it means
    depends on the zone."""

    late: Misfire | None = None
    busy: Overlap | None = None
    grace: int | None = None
    deadline: int | None = None
    expires: int | None = None
    until: str | None = None
    times: int | None = None
    zone: str | None = None

    def over(self, other: Options) -> Options:
        """These, and where they say nothing, those."""
        mine = {name: getattr(self, name) for name in self.__slots__}
        return Options(**{name: getattr(other, name) if said is None else said for name, said in mine.items()})


def read_options(text: str) -> tuple[Options, str]:
    """The options that a text begins with, and the rest of it. Words with a `=` that are no options are left alone.

    Raises Refused for an option whose value makes no sense.
    """
    found: dict[str, object] = {}
    rest = text
    while (match := _OPTION.match(rest)) and (key := _KEYS.get(match["key"].lower())):
        typed = match["quoted"] if match["quoted"] is not None else match["value"]
        found[key] = _value(key, typed.strip())
        rest = rest[match.end() :]
    return Options(**found), rest  # type: ignore[arg-type] # every key has a value of its own kind


def read_limits(text: str) -> tuple[Options, str]:
    """The options that a request at once may begin with: how long it may take, and by when it must have begun. A text
    that begins with any other option begins with none. Raises Refused as `read_options` does."""
    match = _OPTION.match(text)
    if match is None or _KEYS.get(match["key"].lower()) not in {"deadline", "expires"}:
        return Options(), text
    found, rest = read_options(text)
    is_about_times = found != Options(deadline=found.deadline, expires=found.expires)
    return (Options(), text) if is_about_times else (found, rest)


def _value(key: str, typed: str) -> object:
    value: object
    match key:
        case "late":
            value = _LATE.get(typed.lower())
        case "busy":
            value = _BUSY.get(typed.lower())
        case "grace" | "deadline" | "expires":
            value = seconds_in(typed)
        case "times":
            value = _times(typed)
        case _:
            value = typed or None
    if value is None:
        raise Refused("schedule.bad_option", option=safe_line(f"{key}={typed}", 60))
    return value


def seconds_in(typed: str) -> int | None:
    """A span that says nothing else; None when it is none, or longer than a year."""
    found = read_span(typed)
    if found is None or rest_of(found[1]):
        return None
    seconds = int(found[0].total_seconds())
    return seconds if 0 < seconds <= _MAX_S else None


def _times(typed: str) -> int | None:
    digits = typed.removesuffix("次")
    found = number(digits) if digits.isdecimal() and len(digits) < 7 else 0
    return found if 0 < found <= _MAX_TIMES else None
