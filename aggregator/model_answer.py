"""The answer as a model writes it: checked, tamed, and framed by what code knows."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from aggregator.drafts import Draft, Write
from aggregator.passages import line, section
from aggregator.prompt import answer_prompt
from aggregator.reply import Reading, read_reply
from aggregator.results import succeeded
from aggregator.summary import framed, headline, summarise
from aggregator.tree import lost
from domain.answer import Answer, Author, Statement, Verdict
from domain.model import Completion, Prompt
from domain.ports import Listener
from domain.task import Task

log = structlog.get_logger()

BRIEF = 400  # characters: one result no longer than this needs no rewriting


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a model said to an answer's prompt: all that shapes the answer, and all that is kept of it.

    `is_good` is whether it may be kept: it was neither cut off nor a fall-back's. `is_kept` is whether it was.
    """

    text: str
    model: str
    is_good: bool = True
    is_kept: bool = False

    @classmethod
    def of(cls, completion: Completion) -> Reply:
        """A reply that has just come."""
        is_good = not (completion.is_truncated or completion.is_fallback)
        return cls(text=completion.text, model=completion.model, is_good=is_good)


class ReplyCodec:
    """Replies as the response cache keeps them; one that could not be read is neither kept nor used again.

    Args:
        task: whose subtasks a reply must rest on.
    """

    def __init__(self, task: Task) -> None:
        self._task = task

    def dump(self, reply: Reply) -> str | None:
        """The text to keep; None when it must not be."""
        if not reply.is_good or not self._is_readable(reply.text):
            return None
        return json.dumps({"text": reply.text, "model": reply.model}, ensure_ascii=False)

    def load(self, text: str) -> Reply | None:
        """The reply that was kept; None when it is of no use now."""
        try:
            kept = json.loads(text)
            reply = Reply(text=str(kept["text"]), model=str(kept["model"]), is_kept=True)
        except (ValueError, KeyError, TypeError):  # written by another version
            return None
        return reply if self._is_readable(reply.text) else None

    def _is_readable(self, text: str) -> bool:
        reading = read_reply(text, self._task)
        return reading.is_whole and reading.verdict is not None and bool(reading.statements)


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """The results do not do what was asked, and the task may be planned anew: `why`, as a sentence. `answer` is the
    answer should that not come about."""

    why: str
    answer: Answer


Ask = Callable[[Task, Prompt, Listener], Awaitable[Reply]]
"""A model's reply for this task's owner, from the response cache or new. Raises ModelDown when none comes."""


class ModelAnswer:
    """Writes answers with a model. Raises ModelDown when none answers.

    Args:
        ask: asks the model.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def __call__(self, task: Task, write: Write) -> Answer | Miss:
        """The answer of a settled task, or what it misses; the deterministic answer where a model has nothing to add
        or is unreadable.

        Args:
            task: a settled task.
            write: hears the answer so far, as often as there is more of it.
        """
        if not _is_worth_a_model(task):
            return summarise(task)
        reply = await self._ask(task, answer_prompt(task), Draft(task, write))
        reading = read_reply(reply.text, task)
        log.info("answer_judged", task=task.id, model=reply.model, verdict=reading.verdict, trace=task.trace_id)
        answer = _answer(task, reading, Author.CACHE if reply.is_kept else Author.MODEL)
        may_go_on = task.plan is not None and task.plan.rounds_left > 0
        return Miss(why=reading.missing, answer=answer) if reading.missing and may_go_on else answer


def _is_worth_a_model(task: Task) -> bool:
    results = [result for _, result in succeeded(task)]
    if not results or task.cancelled_at is not None:
        return False
    return len(results) > 1 or len(results[0].summary) + len(str(results[0].output or "")) > BRIEF


def _answer(task: Task, reading: Reading, author: Author) -> Answer:
    if not reading.statements:
        log.warning("model_answer_unreadable", task=task.id, trace=task.trace_id)
        return summarise(task)
    opening = [headline(task)] if lost(task) else []
    missing = [Statement(text=f"- {line(reading.missing)}")] if reading.missing else []
    told = [*opening, *reading.statements, *section("answer.missing_head", task.language, missing)]
    return framed(task, told, author, reading.verdict or Verdict.SATISFIED)
