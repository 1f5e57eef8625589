"""What a cancellation found: what was done before it, what it stops, and what it cannot call back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bot.card_text import TITLE
from domain.ends import node_of, plan_of
from domain.safe_text import safe_line
from domain.skill import Effect
from domain.task import FINAL, IN_FLIGHT, Subtask, SubtaskState, Task
from domain.texts import Language, say

NAMED = 5  # steps by their titles

_STILL = frozenset({SubtaskState.PENDING, SubtaskState.READY})

Is = Callable[[Subtask], bool]


def cancel_text(before: Task, after: Task, language: Language) -> str:
    """What became of a task that was just cancelled, the truth about effects first.

    Args:
        before: the task as it stood.
        after: the same, cancelled.
        language: to say it in.
    """
    head = "cancelled" if after.settled_at is not None else "cancelling"
    return "\n".join([say(f"cancel.{head}", language, task=after.id), *_lines(before, after, language)])


def _lines(before: Task, after: Task, language: Language) -> Iterable[str]:
    def told(key: str, applies: Is) -> Iterable[str]:
        subs = [sub for sub in after.subtasks.values() if applies(sub)]
        if subs:
            yield say(f"cancel.{key}", language, steps=_named(after, subs, language), count=len(subs))

    def was(sub: Subtask) -> SubtaskState:
        return before.subtasks[sub.key].state if sub.key in before.subtasks else SubtaskState.PENDING

    def acts(sub: Subtask) -> bool:
        return node_of(after, sub.key).effect is not Effect.NONE

    yield from told("granted", lambda sub: sub.state not in FINAL)
    yield from told("unknown", lambda sub: sub.state is SubtaskState.UNKNOWN)
    yield from told("acted", lambda sub: sub.state is SubtaskState.SUCCEEDED and acts(sub))
    yield from told("maybe", lambda sub: _is_stopped(sub) and was(sub) in IN_FLIGHT and acts(sub))
    yield from told("stopped", lambda sub: _is_stopped(sub) and was(sub) in IN_FLIGHT and not acts(sub))
    yield from told("read", lambda sub: sub.state is SubtaskState.SUCCEEDED and not acts(sub))
    yield from told("waiting", lambda sub: _is_stopped(sub) and was(sub) in _STILL and sub.attempt > 0)
    yield from told("unbegun", lambda sub: _is_stopped(sub) and was(sub) in _STILL and _is_unbegun(after, sub))


def _is_stopped(sub: Subtask) -> bool:
    return sub.state is SubtaskState.CANCELLED


def _is_unbegun(task: Task, sub: Subtask) -> bool:
    return sub.attempt == 0 and sub.key not in plan_of(task).made


def _named(task: Task, subs: Sequence[Subtask], language: Language) -> str:
    titles = [safe_line(node_of(task, sub.key).title, TITLE) for sub in subs[:NAMED]]
    named = say("status.comma", language).join(say("status.name", language, title=title) for title in titles)
    return named + (say("status.others", language, count=len(subs) - NAMED) if len(subs) > NAMED else "")
