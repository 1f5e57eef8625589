"""Tasks from their rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, select

from domain.plan import Plan
from domain.task import Subtask, SubtaskState
from storage.dialects import among
from storage.faults import Conflict
from storage.json_text import PLAN
from storage.mapping import subtask_of, task_of
from storage.memory import Recall, Stored
from storage.tables import SUBTASK, TASK

MAX_TORN = 5
MAX_KNOWN = 10_000  # subtasks named in one statement

_HEADS = select(*(column for column in TASK.c if column.name != "plan"))
_PLANS = select(TASK.c.id, TASK.c.plan_hash, TASK.c.plan)
_PROGRESS = (
    select(SUBTASK, TASK.c.version).join(TASK, TASK.c.id == SUBTASK.c.task_id).order_by(SUBTASK.c.task_id, "position")
)


def load(connection: Connection, ids: Collection[str], memory: Recall) -> dict[str, Stored]:
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


def _whole(connection: Connection, heads: Mapping[str, Row[Any]], memory: Recall) -> dict[str, Stored]:
    plans = _plans(connection, heads, memory)
    subtasks, versions = _subtasks(connection, {task_id: memory.recall(task_id) for task_id in heads})
    return {
        task_id: Stored(task=task_of(row, plans[task_id], subtasks[task_id]), plan_hash=row.plan_hash)
        for task_id, row in heads.items()
        if task_id in plans and versions.get(task_id, row.version) == row.version
    }


def _subtasks(
    connection: Connection, known: Mapping[str, Stored | None]
) -> tuple[dict[str, dict[str, Subtask]], dict[str, int]]:
    """The subtasks of each task, and the version they are of.

    One that is remembered as succeeded is not read again: it stays as it is, and its row is the largest. So several
    dispatchers can take turns at a task.
    """
    subtasks = {task_id: dict(stored.task.subtasks) if stored else {} for task_id, stored in known.items()}
    succeeded = (
        f"{task_id}.{key}"
        for task_id, subs in subtasks.items()
        for key, sub in subs.items()
        if sub.state is SubtaskState.SUCCEEDED
    )
    is_known = among(connection, SUBTASK.c.task_id + "." + SUBTASK.c.key, list(islice(succeeded, MAX_KNOWN)))
    versions: dict[str, int] = {}
    for row in connection.execute(_PROGRESS.where(among(connection, SUBTASK.c.task_id, known), ~is_known)):
        subtasks[row.task_id][row.key] = subtask_of(row)
        versions[row.task_id] = row.version
    return subtasks, versions


def _plans(connection: Connection, heads: Mapping[str, Row[Any]], memory: Recall) -> dict[str, Plan | None]:
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
