"""Small pieces of Markdown that every part of an answer is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from domain.answer import Statement
from domain.ends import node_of
from domain.errors import Refused
from domain.markdown import code, fenced, literal, prose
from domain.outputs import outputs_for
from domain.safe_text import safe, safe_line
from domain.task import Task
from domain.texts import Language, say

TITLE, LINE = 80, 300  # characters
TITLES = 5
_LAID_OUT = re.compile(r"^[ \t]+\S|\S {2,}\S|\t|^\|", re.MULTILINE)


def section(head: str, language: Language, body: Sequence[Statement]) -> list[Statement]:
    """Statements under a heading; nothing at all when there are none."""
    return [Statement(text=f"\n{say(head, language)}"), *body] if body else []


def line(text: str, limit: int = LINE) -> str:
    """Untrusted text as one literal line of Markdown."""
    return literal(safe_line(text, limit))


def path(text: str) -> str:
    """An untrusted name, set as code; empty when there is nothing to see of it."""
    shown = safe_line(text, LINE)
    return code(shown) if shown else ""


def block(text: str, limit: int) -> str:
    """Untrusted text of many lines: as it is laid out if it is laid out, else as paragraphs."""
    shown = safe(text, limit).strip("\n")
    return fenced(shown) if _LAID_OUT.search(shown) else prose(shown)


def title(task: Task, key: str) -> str:
    """What a subtask is called; one that a map made is called by its item, if that is a word."""
    name, item = line(node_of(task, key).title, TITLE), line(item_of(task, key), TITLE)
    return say("answer.item", task.language, title=name, item=item) if item else name


def item_of(task: Task, key: str) -> str:
    """The item a map made a subtask for, if it is a word or a number."""
    if node_of(task, key).item is None:
        return ""
    try:
        item = outputs_for(task, key)["item"]
    except Refused:  # the list is not there any more
        return ""
    return str(item) if isinstance(item, str | int | float) else ""


def titles(task: Task, keys: Sequence[str]) -> str:
    """What some subtasks are called, in bold, the first few of them."""
    named = say("answer.comma", task.language).join(f"**{title(task, key)}**" for key in keys[:TITLES])
    more = len(keys) - TITLES
    return named + (say("answer.more_titles", task.language, count=more) if more > 0 else "")


def once(*groups: Iterable[str]) -> tuple[str, ...]:
    """Names, each once, in order."""
    return tuple(dict.fromkeys(name for group in groups for name in group))
