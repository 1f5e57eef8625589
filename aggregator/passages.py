"""Small pieces of Markdown that every part of an answer is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from domain.answer import Statement
from domain.ends import node_of
from domain.markdown import code, fenced, literal, prose
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
    """What a subtask is called."""
    return line(node_of(task, key).title, TITLE)


def titles(task: Task, keys: Sequence[str]) -> str:
    """What some subtasks are called, in bold, the first few of them."""
    named = say("answer.comma", task.language).join(f"**{title(task, key)}**" for key in keys[:TITLES])
    more = len(keys) - TITLES
    return named + (say("answer.more_titles", task.language, count=more) if more > 0 else "")


def once(*groups: Iterable[str]) -> tuple[str, ...]:
    """Names, each once, in order."""
    return tuple(dict.fromkeys(name for group in groups for name in group))
