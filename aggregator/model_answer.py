"""The answer as a model writes it: checked, tamed, and framed by what code knows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import structlog

from aggregator.passages import once
from aggregator.prompt import answer_prompt
from aggregator.results import succeeded
from aggregator.summary import framed, headline, summarise
from domain.answer import Answer, Author, Statement
from domain.errors import Malformed
from domain.markdown import tamed
from domain.model import Completion, Prompt
from domain.progress import verdict
from domain.safe_text import safe
from domain.strict_json import loads
from domain.task import Scope, SubtaskState, Task, TaskState

log = structlog.get_logger()

Cached = Callable[[Scope, Prompt], Awaitable[Completion]]
"""A completion for this owner's exact prompt, from the cache or the model. Raises ModelDown."""

MAX_STATEMENTS, MAX_TEXT = 50, 4000
BRIEF = 400  # characters: one result no longer than this needs no rewriting


class ModelAnswer:
    """Writes answers with a model. Raises ModelDown when none answers.

    Args:
        cached: asks the model, or remembers what it said to the same question of the same owner.
    """

    def __init__(self, cached: Cached) -> None:
        self._cached = cached

    async def __call__(self, task: Task) -> Answer:
        """The answer of a settled task; the deterministic one where a model has nothing to add or is unreadable."""
        if not _is_worth_a_model(task):
            return summarise(task)
        completion = await self._cached(task.scope, answer_prompt(task))
        told = read_statements(completion.text, task)
        if not told:
            log.warning("model_answer_unreadable", task=task.id, model=completion.model, trace=task.trace_id)
            return summarise(task)
        is_whole = all(sub.state is SubtaskState.SUCCEEDED for sub in task.subtasks.values())
        opening = [] if is_whole else [headline(task)]
        return framed(task, [*opening, *told], Author.CACHE if completion.is_cached else Author.MODEL)


def _is_worth_a_model(task: Task) -> bool:
    results = [result for _, result in succeeded(task)]
    if not results or verdict(task) is TaskState.CANCELLED:
        return False
    return len(results) > 1 or len(results[0].summary) + len(str(results[0].output or "")) > BRIEF


def read_statements(text: str, task: Task) -> list[Statement]:
    """What of a model's reply can be used: passages that rest on subtasks of this task. Empty when unreadable."""
    start, end = text.find("{"), text.rfind("}")
    try:
        document = loads(text[start : end + 1])
    except Malformed:
        return []
    entries = document.get("statements") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        return []
    return list(_separated(_usable(entry, task) for entry in entries[:MAX_STATEMENTS]))


def _usable(entry: Any, task: Task) -> Statement | None:
    match entry:
        case {"text": str(text), "sources": list(named)}:
            known = once(key for key in named if isinstance(key, str) and key in task.subtasks)
            shown = tamed(safe(text.strip(), MAX_TEXT))
            return Statement(text=shown, sources=known) if known and shown else None
        case _:
            return None


def _separated(statements: Iterator[Statement | None]) -> Iterator[Statement]:
    """List items follow one another; every other passage begins after an empty line."""
    is_first = True
    for statement in statements:
        if statement is not None:
            is_item = statement.text.startswith(("- ", "* "))
            text = statement.text if is_first or is_item else f"\n{statement.text}"
            yield Statement(text=text, sources=statement.sources)
            is_first = False
