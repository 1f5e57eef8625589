"""What of a task is there already, as its planner is told."""

from __future__ import annotations

import json
from dataclasses import replace

from domain.outputs import output_of
from domain.plan import Node
from domain.task import Task
from domain.wording import why
from planner.request import Begun


def begun_of(task: Task) -> tuple[Begun, ...]:
    """The planned subtasks. What maps and sub-plans made of them is part of them: their outputs hold it."""
    nodes = [node for node in task.plan.nodes if not node.parent] if task.plan else []
    known = {node.id for node in nodes}
    return tuple(
        Begun(node=_as_planned(node, known), state=task.subtasks[node.id].state, told=_told(task, node.id))
        for node in nodes
    )


def _as_planned(node: Node, known: set[str]) -> Node:
    """Without the children that it waits for."""
    return replace(node, dependencies=tuple(other for other in node.dependencies if other in known))


def _told(task: Task, key: str) -> str:
    """What it brought, the summary first; or why it failed."""
    sub = task.subtasks[key]
    if sub.failure is not None:
        return why(sub.failure, "en")
    output = output_of(task, key)
    summary = sub.result.summary if sub.result else ""
    return summary if output is None else f"{summary}\n{json.dumps(output, ensure_ascii=False, default=str)}".strip()
