"""JSON whose brackets do not match: the text stops too early, or closes too much."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from domain.plan_json.words import TASKS, folded, is_task
from domain.strict_json import MAX_DEPTH

_LISTS = re.compile(r'"([\w -]{2,30})"\s*:\s*\[|\A\s*\[')
_GAP = re.compile(r"[\s,]*(?:}[\s},]*(?={))?")  # with it go closing braces too many between two entries
_OPENING = re.compile(r"[{\[]")
_PART = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],"]', re.DOTALL)
_CLOSERS = {"{": "}", "[": "]"}
_MAX_LISTS = 20  # lists in a text that are tried


def finished_tasks(text: str, decoder: json.JSONDecoder) -> list[Any] | None:
    """The entries of the last task list in a text, or of the list it begins with, where braces too many stand between
    them; None when there is no such list, or something else is wrong with it."""
    openings = [found for found in _LISTS.finditer(text) if found[1] is None or folded(found[1]) in TASKS]
    for opening in reversed(openings[-_MAX_LISTS:]):
        tasks = _entries(text, opening.end(), decoder)
        if tasks and (opening[1] is None or all(map(is_task, tasks))):
            return tasks
    return None


def _entries(text: str, start: int, decoder: json.JSONDecoder) -> list[Any] | None:
    """The objects up to the end of a list; None when there is anything else in it, or no end."""
    entries: list[Any] = []
    position = _after_gap(text, start)
    while text[position : position + 1] == "{":
        try:
            entry, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return None
        entries.append(entry)
        position = _after_gap(text, position)
    return entries if text[position : position + 1] in ("]", "") else None


def _after_gap(text: str, position: int) -> int:
    """The position of the next character that is neither space nor comma."""
    match = _GAP.match(text, position)
    return match.end() if match else position


def completed(text: str) -> tuple[str, bool] | None:
    """The value that is still open at the end of a text, closed, and whether something begun was dropped.

    What is dropped is the last entry of a list, or the last field beside it, never a part of an entry: a task that is
    cut off is not finished by guessing. None when nothing is open.
    """
    start = next((found for found in _openings(text) if closing(text, found) is None), None)
    if start is None:
        return None
    stack: list[str] = []
    end, left = start, ""
    for part in _PART.finditer(text, start):
        mark = part[0]
        if mark == '"':  # a text that is never closed
            break
        if mark in _CLOSERS:
            stack.append(mark)
        elif mark in "}]" and stack:
            stack.pop()
        if len(stack) > MAX_DEPTH:
            return None
        if mark in "{[,}]" and _is_between(stack):
            end, left = part.end(), "".join(_CLOSERS[opened] for opened in reversed(stack))
    kept = text[start:end].rstrip().rstrip(",")
    return kept + left, bool(text[end:].strip(" \t\r\n,`"))


def _openings(text: str) -> Iterator[int]:
    """Where something opens that is not inside what opened before."""
    position = 0
    while found := _OPENING.search(text, position):
        yield found.start()
        position = (closing(text, found.start()) or len(text)) + 1


def _is_between(stack: list[str]) -> bool:
    """Whether what is open are objects, or a list in them: not an entry of a list."""
    return "[" not in stack[:-1]


def closing(text: str, start: int) -> int | None:
    """Where what opens at `start` closes (or closes too much); None when it is still open at the end."""
    depth = 0
    for part in _PART.finditer(text, start):
        mark = part[0]
        if mark == '"':  # a text that is never closed
            return None
        if len(mark) == 1 and mark != ",":
            depth += 1 if mark in _CLOSERS else -1
            if depth <= 0:
                return part.start()
    return None
