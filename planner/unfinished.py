"""The finished tasks of a plan whose brackets do not match: the text stops too early, or closes too much."""

from __future__ import annotations

import json
import re
from typing import Any

_TASKS = re.compile(r'"(?:tasks|subtasks|steps|nodes)"\s*:\s*\[|\A\s*(?:```[\w-]*\s*)?\[')
_GAP = re.compile(r"[\s,]*(?:}[\s},]*(?={))?")  # with it go closing braces too many between two entries


def finished_tasks(text: str, decoder: json.JSONDecoder) -> tuple[list[Any], bool] | None:
    """The complete entries of an unbalanced task list, and whether a begun one was dropped.

    None when there is no list of objects, nothing in it is complete, or something in the middle is broken: then
    the text does not merely stop too early.
    """
    opening = list(_TASKS.finditer(text))
    position = _after_gap(text, opening[-1].end()) if opening else len(text)
    tasks: list[Any] = []
    is_cut = False
    while not is_cut and position < len(text) and text[position] != "]":
        try:
            task, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            if closing(text, position) is not None:
                return None
            is_cut = True
        else:
            tasks.append(task)
            position = _after_gap(text, position)
    return (tasks, is_cut) if tasks and all(isinstance(task, dict) for task in tasks) else None


def _after_gap(text: str, position: int) -> int:
    """The position of the next character that is neither space nor comma."""
    match = _GAP.match(text, position)
    return match.end() if match else position


def closing(text: str, start: int) -> int | None:
    """Where what opens at `start` closes (or closes too much); None when it is still open at the end."""
    depth, in_string, escaped = 0, False, False
    for position in range(start, len(text)):
        char = text[position]
        if in_string:
            in_string, escaped = char != '"' or escaped, char == "\\" and not escaped
        elif char == '"':
            in_string = True
        else:
            depth += (char in "{[") - (char in "}]")
            if depth <= 0:
                return position
    return None
