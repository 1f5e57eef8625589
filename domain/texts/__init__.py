"""Every sentence a person can see, in English and Chinese; one file per part of the product.

Programs log in English; people are spoken to in the language of their request.
"""

from __future__ import annotations

from typing import Any, Literal

from domain.texts import answers, broker, chat, command, cost, failures, findings, planner_talk, planning, skills

Language = Literal["en", "zh"]

CATALOGUE: dict[str, tuple[str, str]] = {
    key: sentence
    for part in (answers, broker, chat, command, cost, failures, findings, planner_talk, planning, skills)
    for key, sentence in part.TEXTS.items()
}


def say(key: str, language: Language, /, **values: Any) -> str:
    """The sentence `key`, its braces filled with `values`. A missing key is a bug: KeyError."""
    english, chinese = CATALOGUE[key]
    return (chinese if language == "zh" else english).format(**values)


def language_of(text: str) -> Language:
    """The language to answer in: Chinese as soon as a fair share of the letters is Han, else English."""
    letters = [char for char in text if char.isalpha()]
    han = sum("\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf" for char in letters)
    # One Han character says about as much as four Latin letters.
    return "zh" if han and han * 4 >= len(letters) - han else "en"
