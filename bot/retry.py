"""What of an ended task need not run again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from domain.errors import Refused
from domain.growth import lineage, own_dependencies
from domain.plan import Node, Plan
from domain.safe_text import safe_line
from domain.task import FINAL_TASK, Subtask, SubtaskState, Task


def carried(task: Task, key: str | None) -> tuple[Plan | None, Mapping[str, Subtask]]:
    """The plan to try again, and the ended subtasks it starts with.

    What a map or an agent made of a subtask is kept while that subtask itself need not run again.

    Args:
        task: an ended task.
        key: the one subtask to run again, with all that follows from it and what it waits for in vain; None for
            whatever did not succeed in the last round.

    Raises:
        Refused: the task is not over, has no such subtask, or leaves nothing to try again.
    """
    if task.state not in FINAL_TASK:
        raise Refused("chat.still_running", task=task.id)
    if task.plan is None:
        return None, {}
    again = _reached(task.plan.children, _named(task, task.plan, key) if key else _lost(task, task.plan))
    anew = {name for name in task.plan.made if name == key or not again.isdisjoint(own_dependencies(task.plan, name))}
    plan = _without_children(task.plan, anew)
    return plan, {node.id: task.subtasks[node.id] for node in plan.nodes if node.id not in again}


def _lost(task: Task, plan: Plan) -> list[str]:
    """What did not succeed in the last round; what was lost before is what that round was for."""
    last = max((node.round for node in plan.nodes), default=0)
    lost = [node.id for node in plan.nodes if node.round == last and _is_lost(task, node.id)]
    if not lost:
        raise Refused("chat.nothing_to_retry", task=task.id, steps=_steps(task))
    return lost


def _named(task: Task, plan: Plan, key: str) -> list[str]:
    if key not in task.subtasks:
        raise Refused("chat.no_such_step", task=task.id, step=safe_line(key, 64), steps=_steps(task))
    before = _reached(plan.edges, [key])
    return [key, *(name for name in before if name != key and _is_lost(task, name))]


def _is_lost(task: Task, key: str) -> bool:
    return task.subtasks[key].state is not SubtaskState.SUCCEEDED


def _steps(task: Task) -> str:
    return safe_line(", ".join(task.subtasks), 200)


def _without_children(plan: Plan, anew: set[str]) -> Plan:
    """The plan without what was made of these, at any depth; who waited for one of those waits for what makes them."""

    def standing(key: str) -> str:
        return next((name for name in reversed([one.id for one in lineage(plan, key)]) if name in anew), key)

    nodes: list[Node] = []
    for node in plan.nodes:
        if standing(node.id) == node.id:
            waits_for = dict.fromkeys(map(standing, node.dependencies))
            nodes.append(replace(node, dependencies=tuple(name for name in waits_for if name != node.id)))
    return replace(plan, nodes=tuple(nodes))


def _reached(ways: Mapping[str, Sequence[str]], keys: Iterable[str]) -> set[str]:
    """These and everything that can be reached from them."""
    reached = set(keys)
    frontier = list(reached)
    for key in frontier:
        fresh = [other for other in ways[key] if other not in reached]
        reached.update(fresh)
        frontier += fresh
    return reached
