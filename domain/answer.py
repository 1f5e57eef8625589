"""The one answer of a task, made of statements that each name where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Author(StrEnum):
    """Who wrote an answer."""

    MODEL = "model"
    CACHE = "cache"
    RULES = "rules"  # the deterministic summary
    PLAN = "plan"  # a direct reply of the planner


class Verdict(StrEnum):
    """How well the results do what was asked."""

    SATISFIED = "satisfied"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A passage and the subtasks it rests on (empty: the task as a whole, such as a heading or a state)."""

    text: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the chat gets in the end. Frozen once in the database before anything is sent."""

    statements: tuple[Statement, ...]
    author: Author
    files: tuple[str, ...] = ()
    verdict: Verdict | None = None

    @property
    def text(self) -> str:
        """The answer as one Markdown text; where several subtasks speak, `[key]` behind each says which one."""
        speakers = {key for statement in self.statements for key in statement.sources}
        is_clear = len(speakers) < 2
        return "\n".join(statement.text if is_clear else _marked(statement) for statement in self.statements)


def _marked(statement: Statement) -> str:
    marks = " ".join(f"[{key}]" for key in statement.sources)
    return f"{statement.text} {marks}" if marks else statement.text
