"""The answer of a settled task without a model: deterministic, complete, and honest about what did not work."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.notes import made_files, notes, why_lost
from aggregator.outline import done
from aggregator.results import direct, findings, succeeded, texts
from aggregator.tree import lost
from domain.answer import Answer, Author, Statement, Verdict
from domain.markdown import literal, tamed
from domain.progress import verdict
from domain.safe_text import safe
from domain.task import Subtask, SubtaskState, Task, TaskState
from domain.texts import say
from domain.wording import duration, why

PLAN_ANSWER, PLAN_REASON = 8000, 600  # characters


def summarise(task: Task) -> Answer:
    """Write the answer of a settled task, in the language of its request."""
    plan = task.plan
    if plan is not None and plan.answer is not None and not plan.nodes and verdict(task) is TaskState.ANSWERED:
        said = Statement(text=tamed(safe(plan.answer, PLAN_ANSWER)))
        return Answer(statements=(said,), author=Author.PLAN, verdict=Verdict.SATISFIED)
    return framed(task, _told(task), Author.RULES)


def framed(task: Task, told: Sequence[Statement], author: Author, judged: Verdict = Verdict.SATISFIED) -> Answer:
    """An answer around what is told of the results: how it ended, and everything a reader must not miss.

    Args:
        task: a settled task.
        told: statements about what succeeded.
        author: who wrote them.
        judged: their verdict, which cannot be better than that of the rules.
    """
    statements = [*told, *notes(task)]
    worse = max(judged, judgement(task), key=list(Verdict).index)
    return Answer(statements=tuple(statements), author=author, files=tuple(made_files(task)), verdict=worse)


def judgement(task: Task) -> Verdict:
    """How well the results do what was asked, as far as rules can tell."""
    ended = verdict(task)
    if ended is TaskState.FAILED or not succeeded(task):
        return Verdict.FAILED
    is_whole = ended is TaskState.ANSWERED and not lost(task) and not _is_short(task)
    return Verdict.SATISFIED if is_whole else Verdict.PARTIAL


def _is_short(task: Task) -> bool:
    """Whether something that was asked for, or found missing, was never planned."""
    plan = task.plan
    return plan is not None and (bool(plan.unplaced) or plan.nodes[-1].round < len(plan.misses))


def headline(task: Task) -> Statement:
    """How the task ended."""
    took = _took(task)
    if not task.subtasks:
        return Statement(text=_end_without_steps(task, took))
    achieved = len(succeeded(task))
    count = achieved + len(lost(task))
    match verdict(task):
        case TaskState.CANCELLED:
            ended = "answer.cancelled"
        case TaskState.FAILED:
            ended = "answer.failed"
        case _:
            ended = "answer.partly" if achieved < count else "answer.done_one" if count == 1 else "answer.done"
    return Statement(text=say(ended, task.language, done=achieved, count=count, took=took))


def _told(task: Task) -> list[Statement]:
    """How it ended and what was done; a task of one subtask just says what that brought."""
    if not _is_direct(task):
        return [headline(task), *done(task), *texts(task), *findings(task)]
    only = next(iter(task.subtasks.values()))
    if only.result is None or only.state is not SubtaskState.SUCCEEDED:
        return [_only_failure(task, only)]
    told = [*direct(task, only.key, only.result), *findings(task)]
    if told or made_files(task):
        return told
    return [Statement(text=say("answer.nothing_said", task.language, took=_took(task)), sources=(only.key,))]


def _is_direct(task: Task) -> bool:
    """Whether one subtask is the whole story."""
    return len(task.subtasks) == 1 and verdict(task) is not TaskState.CANCELLED


def _took(task: Task) -> str:
    ended_at = task.settled_at or task.created_at
    return duration((ended_at - task.created_at).total_seconds(), task.language)


def _end_without_steps(task: Task, took: str) -> str:
    if verdict(task) is TaskState.CANCELLED:
        return say("answer.cancelled_early", task.language)
    reason = why(task.failure, task.language, PLAN_REASON) if task.failure else say("failure.no_plan", task.language)
    return say("answer.failed_because", task.language, took=took, why=literal(reason).rstrip(".。"))


def _only_failure(task: Task, sub: Subtask) -> Statement:
    reason = literal(why_lost(task, sub)).rstrip(".。")
    return Statement(text=say("answer.failed_because", task.language, took=_took(task), why=reason), sources=(sub.key,))
