"""A model's reply, read: what rests on subtasks of the task is used, whatever else it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from aggregator.passages import once
from domain.answer import Statement, Verdict
from domain.errors import Malformed
from domain.markdown import tamed
from domain.safe_text import safe, safe_line
from domain.strict_json import loads
from domain.task import Task

MAX_STATEMENTS, MAX_TEXT, MAX_MISSING = 50, 4000, 300
DRAFTS = 200  # objects that may begin before the one that counts
_LIST = re.compile(r'"statements"\s*:\s*\[')
_GAP = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What of a reply can be used. `missing` is empty unless the verdict says that something is. `is_whole` is whether
    all of it could be read, not only its beginning."""

    statements: tuple[Statement, ...] = ()
    verdict: Verdict | None = None
    missing: str = ""
    is_whole: bool = False


def read_reply(text: str, task: Task) -> Reading:
    """Read any text. One that is cut off still has its finished statements."""
    document = next((found for found in _documents(text) if isinstance(found.get("statements"), list)), None)
    if document is None:
        entries, _ = finished(text, 0)
        return Reading(statements=passages(entries, task))
    verdict = next((one for one in Verdict if one == document.get("verdict")), None)
    missing = document.get("missing")
    is_short = verdict in {Verdict.PARTIAL, Verdict.FAILED} and isinstance(missing, str)
    return Reading(
        statements=passages(document["statements"], task),
        verdict=verdict,
        missing=safe_line(str(missing), MAX_MISSING) if is_short else "",
        is_whole=True,
    )


def _documents(text: str) -> Iterator[dict[str, Any]]:
    """Complete objects in a text that reach its last brace, the outermost first: drafts and thoughts come before."""
    end = text.rfind("}") + 1
    for start in [match.start() for match in re.finditer(r"\{", text[:end])][:DRAFTS]:
        try:
            document = loads(text[start:end])
        except Malformed:
            continue
        if isinstance(document, dict):
            yield document


def finished(text: str, at: int) -> tuple[list[Any], int]:
    """The entries of the list of statements that are complete from position `at` on (0: find the list), and where
    the next one will begin; still 0 when the list has not begun."""
    begun = None if at else _LIST.search(text)
    at = begun.end() if begun else at
    entries: list[Any] = []
    while at:
        gap = _GAP.match(text, at)
        try:
            entry, at = _DECODER.raw_decode(text, gap.end() if gap else at)
        except (ValueError, RecursionError):  # not finished, or the list has ended
            break
        entries.append(entry)
    return entries, at


def passages(entries: Iterable[Any], task: Task) -> tuple[Statement, ...]:
    """Statements that rest on subtasks of this task. List items follow one another; every other passage begins after
    an empty line."""
    usable = [statement for entry in list(entries)[:MAX_STATEMENTS] if (statement := _usable(entry, task))]
    return tuple(_apart(statement) if number else statement for number, statement in enumerate(usable))


def _usable(entry: Any, task: Task) -> Statement | None:
    match entry:
        case {"text": str(text), "sources": list(named)}:
            known = once(key for key in named if isinstance(key, str) and key in task.subtasks)
            shown = tamed(safe(text.strip(), MAX_TEXT))
            return Statement(text=shown, sources=known) if known and shown else None
        case _:
            return None


def _apart(statement: Statement) -> Statement:
    is_item = statement.text.startswith(("- ", "* "))
    return statement if is_item else Statement(text=f"\n{statement.text}", sources=statement.sources)
