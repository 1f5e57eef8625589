"""The answer of a settled task without a model: deterministic, complete, and honest about what did not work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aggregator.passages import line, once, path, section, titles
from aggregator.results import direct, done, findings, succeeded, texts
from domain.answer import Answer, Author, Statement
from domain.ends import node_of
from domain.markdown import literal, tamed
from domain.progress import verdict
from domain.safe_text import safe
from domain.task import Subtask, SubtaskState, Task, TaskState
from domain.texts import say
from domain.wording import duration, repaired, why

PLAN_ANSWER, PLAN_REASON = 8000, 600  # characters
LOST = (SubtaskState.FAILED, SubtaskState.UNKNOWN, SubtaskState.CANCELLED, SubtaskState.SKIPPED)
HOPELESS = frozenset({"bad_params", "bad_reference", "refused", "unknown_skill", "too_large"})


def summarise(task: Task) -> Answer:
    """Write the answer of a settled task, in the language of its request."""
    plan = task.plan
    if plan is not None and plan.answer is not None and not plan.nodes and verdict(task) is TaskState.ANSWERED:
        return Answer(statements=(Statement(text=tamed(safe(plan.answer, PLAN_ANSWER))),), author=Author.PLAN)
    return framed(task, _told(task), Author.RULES)


def framed(task: Task, told: Sequence[Statement], author: Author) -> Answer:
    """An answer around what is told of the results: how it ended, and everything a reader must not miss.

    Args:
        task: a settled task.
        told: statements about what succeeded.
        author: who wrote them.
    """
    statements = [*told, *_lost(task), *_unplaced(task), *_repairs(task), *_files(task), *_next(task)]
    return Answer(statements=tuple(statements), author=author, files=tuple(_made(task)))


def headline(task: Task) -> Statement:
    """How the task ended."""
    took = _took(task)
    if not task.subtasks:
        return Statement(text=_end_without_steps(task, took))
    count, achieved = len(task.subtasks), len(succeeded(task))
    match verdict(task):
        case TaskState.CANCELLED:
            ended = "answer.cancelled"
        case TaskState.FAILED:
            ended = "answer.failed"
        case _:
            ended = "answer.done" if achieved == count else "answer.partly"
    return Statement(text=say(ended, task.language, done=achieved, count=count, took=took))


def _told(task: Task) -> list[Statement]:
    """How it ended and what was done; a task of one subtask just says what that brought."""
    if not _is_direct(task):
        return [headline(task), *done(task), *texts(task), *findings(task)]
    only = next(iter(task.subtasks.values()))
    if only.result is None or only.state is not SubtaskState.SUCCEEDED:
        return [_only_failure(task, only)]
    told = [*direct(task, only.key, only.result), *findings(task)]
    if told or _files(task):
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
    reason = literal(_why(task, sub)).rstrip(".。")
    return Statement(text=say("answer.failed_because", task.language, took=_took(task), why=reason), sources=(sub.key,))


# --- what a reader must not miss ----------------------------------------------------------------------------------


def _lost(task: Task) -> list[Statement]:
    """What did not succeed and why; what has the same reason shares a line."""
    if _is_direct(task):
        return []
    groups: dict[str, list[Subtask]] = {}
    for state in LOST:
        for sub in task.subtasks.values():
            if sub.state is state:
                groups.setdefault(_why(task, sub), []).append(sub)
    return section("answer.lost_head", task.language, [_group(task, reason, subs) for reason, subs in groups.items()])


def _group(task: Task, reason: str, subs: Sequence[Subtask]) -> Statement:
    keys = [sub.key for sub in subs]
    most = max(sub.failures for sub in subs)
    tries = say("answer.tries", task.language, count=most) if most > 1 else ""
    named = titles(task, keys)
    text = say("answer.lost", task.language, titles=named, why=literal(reason), tries=tries)
    return Statement(text=text, sources=once(keys))


def _why(task: Task, sub: Subtask) -> str:
    return why(sub.failure, task.language) if sub.failure else say("failure.error", task.language)


def _unplaced(task: Task) -> list[Statement]:
    parts = task.plan.unplaced if task.plan else ()
    told = [Statement(text=say("answer.unplaced", task.language, part=line(part))) for part in parts]
    return section("answer.unplaced_head", task.language, told)


def _repairs(task: Task) -> list[Statement]:
    told = []
    for repair in task.plan.repairs if task.plan else ():
        text = f"- {literal(repaired(repair, task.language))}"
        told.append(Statement(text=text, sources=once({repair.node} & task.subtasks.keys())))
    return section("answer.repairs_head", task.language, told)


def _files(task: Task) -> list[Statement]:
    told = [Statement(text=f"- {path(name)}", sources=once(keys)) for name, keys in _made(task).items()]
    return section("answer.files_head", task.language, told)


def _made(task: Task) -> dict[str, list[str]]:
    """Files and who made them."""
    made: dict[str, list[str]] = {}
    for sub, result in succeeded(task):
        for name in result.files:
            if path(name):
                made.setdefault(name, []).append(sub.key)
    return made


def _next(task: Task) -> list[Statement]:
    return section("answer.next_head", task.language, list(_advice(task)))


def _advice(task: Task) -> Iterator[Statement]:
    lost = [sub for sub in task.subtasks.values() if sub.state in LOST and sub.state is not SubtaskState.SKIPPED]
    unsent = [sub for sub in lost if sub.state is SubtaskState.FAILED and sub.attempt == 0]
    hopeless = [sub for sub in lost if sub.failure and sub.failure.code in HOPELESS]
    unknown = [sub for sub in lost if sub.state is SubtaskState.UNKNOWN]
    hopeful = [sub for sub in lost if sub not in hopeless]
    if unknown:
        yield _advise(task, "answer.next_check", unknown)
    if hopeless:
        yield _advise(task, "answer.next_params", hopeless)
    if unsent:
        yield _advise(task, "answer.next_start", unsent)
    elif hopeful:
        yield _advise(task, "answer.next_retry", hopeful)
    if (task.plan and task.plan.unplaced) or (task.failure and task.failure.code == "no_plan"):
        yield Statement(text=say("answer.next_agents", task.language))


def _advise(task: Task, advice: str, subs: Sequence[Subtask]) -> Statement:
    keys = [sub.key for sub in subs]
    skills = ", ".join(dict.fromkeys(line(node_of(task, key).skill, 80) for key in keys))
    text = say(advice, task.language, task=task.id, titles=titles(task, keys), skills=skills)
    return Statement(text=text, sources=once(keys))
