"""Which subtasks belong together, and which of them count: the same for a model's prompt and for the summary."""

from __future__ import annotations

from collections.abc import Iterator

from domain.ends import node_of, plan_of
from domain.task import Subtask, SubtaskState, Task

LOST = (SubtaskState.FAILED, SubtaskState.UNKNOWN, SubtaskState.CANCELLED, SubtaskState.SKIPPED)


def roots(task: Task) -> list[str]:
    """The subtasks that were planned, not made by others."""
    return [node.id for node in task.plan.nodes if not node.parent] if task.plan else []


def made(task: Task, key: str) -> list[str]:
    """What the map or sub-plan of a subtask made of it."""
    return [node.id for node in plan_of(task).made.get(key, ())]


def steps(task: Task) -> list[Subtask]:
    """The subtasks that count as work: where one had children they did it, and what was not needed or was planned
    anew is missed by nobody."""
    plan = task.plan
    if plan is None:
        return []
    spared = unneeded(task)
    return [
        sub
        for sub in task.subtasks.values()
        if sub.key not in plan.made and sub.key not in spared and not is_replaced(task, sub)
    ]


def lost(task: Task) -> list[Subtask]:
    """Subtasks that count and did not succeed, those first that failed by themselves."""
    ended = [sub for sub in steps(task) if sub.state in LOST]
    return sorted(ended, key=lambda sub: LOST.index(sub.state))


def is_replaced(task: Task, sub: Subtask) -> bool:
    """Whether it was lost, and others were planned after that."""
    plan = plan_of(task)
    return sub.state in LOST and plan.by_id[sub.key].round < plan.nodes[-1].round  # rounds follow one another


def unneeded(task: Task) -> frozenset[str]:
    """Subtasks whose condition did not apply or that their person took out, and those that had nothing to do without
    them."""
    if task.plan is None:
        return frozenset()
    spared = [sub.key for sub in task.subtasks.values() if is_ruled_out(sub)]
    known = set(spared)
    for key in spared:
        fresh = [after for after in task.plan.children[key] if after not in known and _follows(task, after, known)]
        known.update(fresh)
        spared += fresh
    return frozenset(known)


def is_ruled_out(sub: Subtask) -> bool:
    """Whether it was not needed by itself, not only because of others."""
    is_taken_out = sub.state is SubtaskState.CANCELLED and sub.failure is not None and sub.failure.code == "dropped"
    return is_taken_out or _is_skipped(sub, "rule")


def _follows(task: Task, key: str, spared: set[str]) -> bool:
    """Whether it was skipped only because what it depends on was not needed."""
    missing = [other for other in plan_of(task).edges[key] if task.subtasks[other].state is not SubtaskState.SUCCEEDED]
    return _is_skipped(task.subtasks[key], "upstream") and spared.issuperset(missing)


def _is_skipped(sub: Subtask, code: str) -> bool:
    return sub.state is SubtaskState.SKIPPED and sub.failure is not None and sub.failure.code == code


def is_end(task: Task, key: str) -> bool:
    """Whether no succeeded subtask was built upon this one, nor upon what it is part of."""
    parent = node_of(task, key).parent
    after = [other for other in plan_of(task).children[key] if other != parent]
    if any(task.subtasks[other].state is SubtaskState.SUCCEEDED for other in after):
        return False
    return not parent or is_end(task, parent)


def below(task: Task, key: str) -> Iterator[Subtask]:
    """A subtask and all that came of it."""
    yield task.subtasks[key]
    for child in made(task, key):
        yield from below(task, child)
