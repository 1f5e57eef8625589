"""What of an ended task need not run again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from domain.errors import Refused
from domain.plan import Plan
from domain.safe_text import safe_line
from domain.task import FINAL_TASK, Subtask, SubtaskState, Task


def carried(task: Task, key: str | None) -> Mapping[str, Subtask]:
    """The ended subtasks a new try of the same plan starts with.

    Args:
        task: an ended task that has a plan.
        key: the one subtask to run again, with all that follows from it and what it waits for in vain; None for
            whatever did not succeed.

    Raises:
        Refused: the task is not over, has no such subtask, or leaves nothing to try again.
    """
    if task.state not in FINAL_TASK:
        raise Refused("chat.still_running", task=task.id)
    if task.plan is None:
        return {}
    again = _reached(task.plan.children, _lost_or_named(task, task.plan, key))
    return {name: sub for name, sub in task.subtasks.items() if name not in again}


def _lost_or_named(task: Task, plan: Plan, key: str | None) -> list[str]:
    steps = safe_line(", ".join(task.subtasks), 200)
    lost = [sub.key for sub in task.subtasks.values() if sub.state is not SubtaskState.SUCCEEDED]
    if key is None:
        if not lost:
            raise Refused("chat.nothing_to_retry", task=task.id, steps=steps)
        return lost
    if key not in task.subtasks:
        raise Refused("chat.no_such_step", task=task.id, step=safe_line(key, 64), steps=steps)
    before = _reached(plan.edges, [key])
    return [key, *(name for name in lost if name in before)]


def _reached(ways: Mapping[str, Sequence[str]], keys: Iterable[str]) -> set[str]:
    """These and everything that can be reached from them."""
    reached = set(keys)
    frontier = list(reached)
    for key in frontier:
        fresh = [other for other in ways[key] if other not in reached]
        reached.update(fresh)
        frontier += fresh
    return reached
