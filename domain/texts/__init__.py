"""Every sentence a person can see, in English and Chinese; one file per part of the product.

Programs log in English; people are spoken to in the language of their request.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from domain.texts import (
    access,
    answers,
    broker,
    chat,
    command,
    control,
    cost,
    dead,
    discord,
    drawing,
    failures,
    findings,
    planner_talk,
    planning,
    platforms,
    schedules,
    skills,
    telegram,
)

Language = Literal["en", "zh"]

PARTS = (
    access,
    answers,
    broker,
    chat,
    command,
    control,
    cost,
    dead,
    discord,
    drawing,
    failures,
    findings,
    planner_talk,
    planning,
    platforms,
    schedules,
    skills,
    telegram,
)

CATALOGUE: dict[str, tuple[str, str]] = {key: sentence for part in PARTS for key, sentence in part.TEXTS.items()}


def say(key: str, language: Language, /, **values: Any) -> str:
    """The sentence `key`, its braces filled with `values`. A missing key is a bug: KeyError."""
    english, chinese = CATALOGUE[key]
    return (chinese if language == "zh" else english).format(**values)


def language_of(text: str) -> Language:
    """The language to answer in: Chinese as soon as a fair share of the letters is Han, else English. Paths and
    addresses say nothing about it."""
    letters = _spoken(text)
    han = sum("\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf" for char in letters)
    # One Han character says about as much as four Latin letters.
    return "zh" if han and han * 4 >= len(letters) - han else "en"


_ENOUGH_LETTERS = 12  # of a text without Han that speaks for itself; less may be a name or a command
_PATH = re.compile(r"(?<![\w~-])[\w~-]*[./\\@][\w~./\\@:?&=%#-]+", re.ASCII)


def language_for(text: str, locale: str = "", chosen: Language | None = None) -> Language:
    """The language to speak to somebody in.

    Args:
        text: what they wrote.
        locale: what they set on their platform, as an IETF language tag (`zh-hans`, `en-GB`); empty if unknown.
        chosen: what they asked for with /language: it decides.
    """
    if chosen is not None:
        return chosen
    if language_of(text) == "zh":
        return "zh"
    speaks = len(_spoken(text)) >= _ENOUGH_LETTERS
    return "zh" if not speaks and locale.lower().partition("-")[0] == "zh" else "en"


def _spoken(text: str) -> list[str]:
    """The letters of a text that are words."""
    return [char for char in _PATH.sub(" ", text) if char.isalpha()]
