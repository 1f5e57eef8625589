"""What subtasks brought, as others may refer to it. Of a node with children it is put together, never stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.plan import Node, Plan
from domain.reference import ITEM, resolve
from domain.task import SubtaskState, Task


def output_of(task: Task, key: str) -> Any:
    """The output of a subtask, None unless it succeeded.

    Of a map it is the list of its children's outputs in the order of the items; of a sub-plan the output of the one
    child that no other waits for, or those of several by the ids they had in the sub-plan.
    """
    sub = task.subtasks[key]
    if task.plan is None or sub.state is not SubtaskState.SUCCEEDED:
        return None
    made = task.plan.made.get(key, ())
    if task.plan.by_id[key].is_map:
        return [output_of(task, child.id) for child in made]
    if made:
        return _of_sinks(task, key, _sinks(task.plan, made))
    return sub.result.output if sub.result else None


def _sinks(plan: Plan, made: tuple[Node, ...]) -> list[str]:
    awaited = {other for child in made for other in plan.by_id[child.id].dependencies}
    return [child.id for child in made if child.id not in awaited]


def _of_sinks(task: Task, key: str, sinks: list[str]) -> Any:
    outputs = {sink.removeprefix(f"{key}."): output_of(task, sink) for sink in sinks}
    return outputs if len(sinks) > 1 else next(iter(outputs.values()))


def outputs_for(task: Task, key: str) -> Mapping[str, Any]:
    """What references in a subtask may name: the outputs of its dependencies that succeeded and, under `item`, the
    item it was made for.

    Raises:
        Refused: the list that the item was taken from did not come about.
    """
    if task.plan is None:
        return {}
    node = task.plan.by_id[key]
    succeeded = [name for name in node.dependencies if task.subtasks[name].state is SubtaskState.SUCCEEDED]
    outputs = {name: output_of(task, name) for name in succeeded}
    if node.item is not None:
        outputs[ITEM] = resolve(node.for_each, outputs)[node.item]
    return outputs
