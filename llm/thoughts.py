"""Telling a model's thoughts from its answer where a server sends both as one text."""

from __future__ import annotations

import re
from enum import Enum, auto

_OPENINGS = ("<think>", "<thinking>", "<thought>", "<|channel|>analysis<|message|>")
_CLOSINGS = ("</think>", "</thinking>", "</thought>", "<|channel|>final<|message|>")
_CLOSING = re.compile("|".join(map(re.escape, _CLOSINGS)))
_LONGEST = max(map(len, _CLOSINGS))
_BLANK = " \t\r\n\ufeff"  # before an answer, with the byte order mark
_DATA = "{[`"  # an answer that begins like this is JSON or a fence: whatever stands in it belongs to it


class _At(Enum):
    BEGINNING = auto()
    THOUGHTS = auto()
    PROSE = auto()
    DATA = auto()


class Aloud:
    """Lets through what is said aloud, piece by piece, and keeps back the thoughts before it.

    Some servers leave out the mark that opens the thoughts (DeepSeek's template holds it): then the closing mark in
    the midst of prose shows that all before it were thoughts.
    """

    def __init__(self) -> None:
        self._at = _At.BEGINNING
        self._held = ""
        self._said = ""
        self._is_anew = False

    def feed(self, piece: str) -> tuple[bool, str]:
        """Take the next piece. Returns whether all that was let through before turned out to be thoughts, and what
        to let through now."""
        if self._at is _At.DATA:
            return False, piece
        self._held += piece
        self._said, self._is_anew = "", False
        while self._held and self._goes_on():
            pass
        return self._is_anew, self._said

    def rest(self) -> str:
        """What was kept back in case it became a mark; the text is over."""
        held, self._held = self._held, ""
        return held if self._at in {_At.BEGINNING, _At.PROSE} else ""

    def _goes_on(self) -> bool:
        """Deal with the beginning of what is held. False when nothing is left to do before the next piece."""
        if self._at is _At.BEGINNING:
            return self._begin()
        if closing := _CLOSING.search(self._held):
            self._close(closing.end())
            return True
        if self._at is _At.THOUGHTS:
            self._held = self._held[-_LONGEST:]
        else:
            self._let_through(_possible_mark(self._held))
        return False

    def _begin(self) -> bool:
        self._held = held = self._held.lstrip(_BLANK)
        for mark in (*_OPENINGS, *_CLOSINGS):
            if held.startswith(mark):
                self._held = held[len(mark) :]
                self._at = _At.THOUGHTS if mark in _OPENINGS else _At.BEGINNING
                return True
        if not held or any(mark.startswith(held) for mark in (*_OPENINGS, *_CLOSINGS)):
            return False
        if held[0] not in _DATA:
            self._at = _At.PROSE
            return True
        self._at = _At.DATA
        self._let_through(len(held))
        return False

    def _close(self, end: int) -> None:
        if self._at is _At.PROSE:
            self._said, self._is_anew = "", True
        self._held = self._held[end:]
        self._at = _At.BEGINNING

    def _let_through(self, end: int) -> None:
        self._said += self._held[:end]
        self._held = self._held[end:]


def _possible_mark(text: str) -> int:
    """Where what may become a closing mark begins at the end of `text`, else its length."""
    at = text.find("<", max(0, len(text) - _LONGEST))
    while at >= 0 and not any(mark.startswith(text[at:]) for mark in _CLOSINGS):
        at = text.find("<", at + 1)
    return at if at >= 0 else len(text)


def aloud(text: str) -> str:
    """A whole text without the thoughts."""
    ear = Aloud()
    _, said = ear.feed(text)
    return said + ear.rest()
