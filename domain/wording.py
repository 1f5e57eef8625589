"""Durations, failures and repairs in a person's words, the same on cards and in answers."""

from __future__ import annotations

from domain.plan import Repair
from domain.safe_text import safe_line
from domain.task import Failure
from domain.texts import CATALOGUE, Language, say


def duration(seconds: float, language: Language) -> str:
    """A duration with the two units that matter at its size."""
    whole = int(seconds)
    if seconds < 10:
        return say("time.seconds", language, seconds=f"{max(seconds, 0.0):.1f}")
    if whole < 60:
        return say("time.seconds", language, seconds=whole)
    if whole < 3600:
        return say("time.minutes", language, minutes=whole // 60, seconds=whole % 60)
    return say("time.hours", language, hours=whole // 3600, minutes=whole % 3600 // 60)


def reason(failure: Failure, language: Language) -> str:
    """Why something failed, without what the skill itself said. An error word of a foreign agent is shown."""
    key = f"failure.{failure.code}"
    if key in CATALOGUE:
        return say(key, language)
    return say("wording.error_word", language, word=safe_line(failure.code, 40))


def why(failure: Failure, language: Language, limit: int = 200) -> str:
    """Why something failed, with up to `limit` characters of what the skill said; one line of plain text."""
    detail = safe_line(failure.message, limit)
    clause = reason(failure, language)
    return say("wording.detail", language, reason=clause, detail=detail) if detail else clause


def repaired(repair: Repair, language: Language) -> str:
    """What was changed in a plan, as a sentence. Of a kind that another version knows only that it was."""
    key = f"repair.{repair.kind}"
    if key not in CATALOGUE:
        return say("repair.other", language, kind=safe_line(repair.kind, 40))
    subtask, before, after = safe_line(repair.subtask, 64), safe_line(repair.before, 200), safe_line(repair.after, 200)
    return say(key, language, subtask=subtask, before=before, after=after)
