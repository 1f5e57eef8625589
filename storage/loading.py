"""Tasks from their rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from domain.plan import Plan
from domain.task import Subtask
from storage.dialects import among
from storage.faults import Conflict
from storage.json_text import PLAN
from storage.mapping import subtask_of, task_of
from storage.memory import Memory, Stored
from storage.tables import SUBTASK, TASK

MAX_TORN = 5

_HEADS = select(*(column for column in TASK.c if column.name != "plan"))
_PLANS = select(TASK.c.id, TASK.c.plan_hash, TASK.c.plan)
_PROGRESS = (
    select(SUBTASK, TASK.c.version).join(TASK, TASK.c.id == SUBTASK.c.task_id).order_by(SUBTASK.c.task_id, "position")
)


def load(connection: Connection, ids: Collection[str], memory: Memory) -> dict[str, Stored]:
    """Read tasks whole. Unknown ids are left out.

    A task that is not locked may change between the queries; such a torn one is read again.
    """
    found: dict[str, Stored] = {}
    wanted = set(ids)
    for _ in range(MAX_TORN):
        heads = {row.id: row for row in connection.execute(_HEADS.where(among(connection, TASK.c.id, wanted)))}
        found |= _whole(connection, heads, memory)
        wanted = heads.keys() - found.keys()
        if not wanted:
            return found
    raise Conflict


def _whole(connection: Connection, heads: Mapping[str, Row[Any]], memory: Memory) -> dict[str, Stored]:
    plans = _plans(connection, heads, memory)
    subtasks, versions = _subtasks(connection, heads)
    return {
        task_id: Stored(task=task_of(row, plans[task_id], subtasks[task_id]), plan_hash=row.plan_hash)
        for task_id, row in heads.items()
        if task_id in plans and versions.get(task_id, row.version) == row.version
    }


def _subtasks(connection: Connection, ids: Collection[str]) -> tuple[dict[str, dict[str, Subtask]], dict[str, int]]:
    subtasks: dict[str, dict[str, Subtask]] = {task_id: {} for task_id in ids}
    versions: dict[str, int] = {}
    for row in connection.execute(_PROGRESS.where(among(connection, SUBTASK.c.task_id, ids))):
        subtasks[row.task_id][row.key] = subtask_of(row)
        versions[row.task_id] = row.version
    return subtasks, versions


def _plans(connection: Connection, heads: Mapping[str, Row[Any]], memory: Memory) -> dict[str, Plan | None]:
    """The plan of each task, read only where another one is remembered; without those replaced meanwhile."""
    plans: dict[str, Plan | None] = {}
    for task_id, row in heads.items():
        known = memory.recall(task_id)
        if row.plan_hash is None:
            plans[task_id] = None
        elif known is not None and known.plan_hash == row.plan_hash:
            plans[task_id] = known.task.plan
    unread = heads.keys() - plans.keys()
    if unread:
        for task_id, plan_hash, text in connection.execute(_PLANS.where(among(connection, TASK.c.id, unread))):
            if plan_hash == heads[task_id].plan_hash:
                plans[task_id] = PLAN.load(text)
    return plans
