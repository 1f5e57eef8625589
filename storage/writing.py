"""Tasks to their rows: one statement per table for all that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from sqlalchemy import Connection, Table, Update, case, insert, update

from domain.task import Subtask, Task
from storage.change import Change
from storage.dialects import insert_or
from storage.faults import Conflict
from storage.json_text import PLAN
from storage.many import Given, ManyUpdate, types_of
from storage.mapping import (
    HEAD,
    PROGRESS,
    Values,
    attempt_values,
    head_values,
    identity_values,
    owner_values,
    progress_values,
)
from storage.memory import Stored
from storage.tables import ATTEMPT, DELIVERY, INBOX, SUBTASK, TASK

NEVER_SHOWN = -1  # a new task has version 0, and that is news


def add(connection: Connection, task: Task) -> Stored:
    """Insert a new task and all that belongs to it. Raises KeyError when its id is taken."""
    plan = _plan_values(task)
    row = identity_values(task) | head_values(task) | plan
    if not connection.execute(insert_or(connection, TASK).on_conflict_do_nothing(), [row]).rowcount:
        raise KeyError(task.id)
    _insert(connection, SUBTASK, [_new_subtask(task, *placed) for placed in enumerate(task.subtasks.values())])
    _insert(connection, DELIVERY, [_new_delivery(task)])
    its_update = update(INBOX).where(INBOX.c.task_id == task.id)
    connection.execute(its_update.values(owner_values(task.scope)))
    return Stored(task=task, plan_hash=plan["plan_hash"])


def save(connection: Connection, changes: Sequence[Change]) -> list[Stored]:
    """Write what changed, in the order of `changes`. Raises Conflict when a task is not what it was when read."""
    plans = {change.after.id: _plan_values(change.after) for change in changes if change.is_replanned}
    _PLAN.run(connection, [{"of_task": task_id, **plan} for task_id, plan in plans.items()])
    _save_tasks(connection, changes)
    _PROGRESS.run(connection, [_moved(change.after, sub) for change in changes for sub in change.moved()])
    _insert(connection, SUBTASK, [_new_subtask(change.after, *new) for change in changes for new in change.grown()])
    _insert(connection, ATTEMPT, [attempt_values(change.after, one) for change in changes for one in change.attempts])
    _REOPEN.run(connection, [{"of_task": change.after.id} for change in changes if change.before.task.answer])
    return [_stored(change, plans) for change in changes]


def _save_tasks(connection: Connection, changes: Sequence[Change]) -> None:
    heads = [_guard(change) | head_values(change.after) for change in changes if change.is_about_task]
    others = [_guard(change) for change in changes if not change.is_about_task]
    if _HEAD.run(connection, heads) + _VERSION.run(connection, others) != len(changes):
        raise Conflict


def _change_plan(given: Given) -> Update:
    return update(TASK).where(TASK.c.id == given["of_task"]).values({name: given[name] for name in _PLAN_COLUMNS})


def _change_head(given: Given) -> Update:
    return _change_version(given).values({name: given[name] for name in HEAD})


def _change_version(given: Given) -> Update:
    is_as_read = (TASK.c.id == given["of_task"]) & (TASK.c.version == given["from_version"])
    return update(TASK).where(is_as_read).values(version=given["version"])


def _change_progress(given: Given) -> Update:
    """Another attempt has not been published, whatever the last one was."""
    is_it = (SUBTASK.c.task_id == given["of_task"]) & (SUBTASK.c.key == given["of_key"])
    values = {name: given[name] for name in PROGRESS}
    published_at = case((SUBTASK.c.attempt == given["attempt"], SUBTASK.c.published_at))
    return update(SUBTASK).where(is_it).values(values | {"published_at": published_at})


def _reopen(given: Given) -> Update:
    return update(DELIVERY).where(DELIVERY.c.task_id == given["of_task"]).values(is_open=True)


_PLAN_COLUMNS = ("plan", "plan_hash")
_ID = {"of_task": TASK.c.id.type}
_VERSIONS = {"from_version": TASK.c.version.type, "version": TASK.c.version.type}

_PLAN = ManyUpdate(_change_plan, _ID | types_of(TASK, _PLAN_COLUMNS))
_HEAD = ManyUpdate(_change_head, _ID | _VERSIONS | types_of(TASK, HEAD))
_VERSION = ManyUpdate(_change_version, _ID | _VERSIONS)
_PROGRESS = ManyUpdate(_change_progress, _ID | {"of_key": SUBTASK.c.key.type} | types_of(SUBTASK, PROGRESS))
_REOPEN = ManyUpdate(_reopen, _ID)


def _insert(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _guard(change: Change) -> Values:
    return {
        "of_task": change.after.id,
        "from_version": change.before.task.version,
        "version": change.after.version,
    }


def _moved(task: Task, sub: Subtask) -> Values:
    return {"of_task": task.id, "of_key": sub.key, **progress_values(sub)}


def _new_subtask(task: Task, place: int, sub: Subtask) -> Values:
    key = {"task_id": task.id, "key": sub.key, "position": place}
    return key | owner_values(task.scope) | progress_values(sub)


def _new_delivery(task: Task) -> Values:
    return {
        "task_id": task.id,
        **owner_values(task.scope),
        "platform": task.route.platform,
        "bot_id": task.route.bot_id,
        "created_at": task.created_at,
        "shown_version": NEVER_SHOWN,
        "tries": 0,
        "is_open": True,
    }


def _plan_values(task: Task) -> Values:
    text = PLAN.dump(task.plan)
    return {"plan": text, "plan_hash": text and blake2b(text.encode(), digest_size=16).hexdigest()}


def _stored(change: Change, plans: Mapping[str, Values]) -> Stored:
    plan = plans.get(change.after.id)
    return Stored(task=change.after, plan_hash=plan["plan_hash"] if plan else change.before.plan_hash)
