"""Durations on messages that are edited while they run."""

from __future__ import annotations

import re

from domain.texts import CATALOGUE, Language, say
from domain.wording import duration

_NUMBER = "0"
_TOLD = sorted(
    (
        re.escape(sentence.format(hours=_NUMBER, minutes=_NUMBER, seconds=_NUMBER)).replace(_NUMBER, r"[\d.]+")
        for key, sentences in CATALOGUE.items()
        if key.startswith("time.")
        for sentence in sentences
    ),
    key=len,
    reverse=True,
)
_DURATION = re.compile("|".join(_TOLD))


def about(seconds: float, language: Language) -> str:
    """A duration that still runs, told so roughly that it does not change with every look."""
    whole = max(0, int(seconds))
    if 600 <= whole < 3600:
        return say("time.about_minutes", language, minutes=whole // 60)
    whole -= whole % (1 if whole < 10 else 5 if whole < 60 else 10)
    return say("time.seconds", language, seconds=whole) if whole < 60 else duration(whole, language)


def timeless(text: str) -> str:
    """A text without how long anything took or takes."""
    return _DURATION.sub("~", text)
