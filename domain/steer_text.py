"""What somebody means who replies to the card of a task: less of it, an end to it, or more of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STOP = r"(?:please\s+)?(?:stop|cancel|drop|skip|remove|omit|leave out|forget(?: about)?|without|don't do|do not do)"
_STOP_ZH = r"(?:请|麻烦)?(?:取消|停止|停掉|跳过|去掉|删除|删掉|不要(?:做|执行)?|别做|不用做?)"
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ORDINAL = "|".join(_ORDINALS)
_HAN = "一二三四五六七八九十"
_STEP = re.compile(
    rf"{_STOP}\s+(?:the\s+)?(?:(?P<word>{_ORDINAL}|last)\s+(?:step|task|one)|(?P<nth>\d{{1,3}})(?:st|nd|rd|th)\s+"
    rf"(?:step|task|one)|(?:step|task)\s+(?P<name>[\w.-]{{1,64}}))"
    rf"|{_STOP_ZH}\s*(?:第\s*(?P<han>\d{{1,3}}|[{_HAN}]|十[{_HAN}])\s*(?:步|个步骤|个任务|项|个)"
    rf"|(?P<han_last>最后\s*(?:一步|一个|一项)(?:步骤|任务)?)|步骤\s*(?P<han_name>[\w.-]{{1,64}}))",
    re.IGNORECASE,
)
_ALL = re.compile(
    rf"{_STOP}(?:\s+(?:it|this|that|everything|all|the task|this task))?(?:,?\s+please)?"
    rf"|(?:取消|停止|停|停下|算了|不用了|别做了|不要了)(?:任务|吧|了|它|全部|这个任务)?",
    re.IGNORECASE,
)
_EDGE = " \t\r\n,，.。!！~～?？"


@dataclass(frozen=True, slots=True, kw_only=True)
class Less:
    """One step is not wanted: the `number`th (from 1, -1 for the last), or the one called `name`."""

    number: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing of it is wanted any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class More:
    """Anything else: it is part of what is wanted."""

    text: str


def steer(text: str) -> Less | Stop | More:
    """Read a reply to a card."""
    said = text.strip(_EDGE)
    match = _STEP.fullmatch(said)
    if match is not None:
        return _less(match)
    if _ALL.fullmatch(said):
        return Stop()
    return More(text=text.strip())


def _less(match: re.Match[str]) -> Less:
    if name := match["name"] or match["han_name"]:
        return Less(number=int(name)) if name.isdecimal() else Less(name=name)
    if match["han_last"] or (match["word"] or "").lower() == "last":
        return Less(number=-1)
    if match["word"]:
        return Less(number=_ORDINALS.index(match["word"].lower()) + 1)
    return Less(number=int(match["nth"]) if match["nth"] else _counted(match["han"]))


def _counted(han: str) -> int:
    """A number up to twenty, in Han or in digits."""
    if han.isdecimal():
        return int(han)
    return 10 * (len(han) - 1) + _HAN.index(han[-1]) + 1
