"""Tasks to their rows: one statement per table for all that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Insert, Table, Update, insert, null, select, true, update

from domain.task import Subtask, Task
from storage.change import Change
from storage.dialects import insert_or
from storage.faults import Conflict
from storage.fields import Values
from storage.json_text import PLAN
from storage.many import Given, Many, types_of
from storage.mapping import (
    HEAD,
    PROGRESS,
    attempt_values,
    identity_values,
    owner_values,
    words_values,
)
from storage.memory import Stored
from storage.tables import ATTEMPT, DELIVERY, INBOX, SUBTASK, TASK

NEVER_SHOWN = -1  # a new task has version 0, and that is news


def add(connection: Connection, task: Task) -> Stored:
    """Insert a new task and all that belongs to it. Raises KeyError when its id is taken."""
    plan = _plan_values(task)
    row = identity_values(task) | words_values(task) | {"version": task.version} | HEAD.values(task) | plan
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
    _WORDS.run(connection, [_reworded(change.after) for change in changes if change.is_reworded])
    _save_heads(connection, changes)
    _save_progress(connection, changes)
    _insert(connection, SUBTASK, [_new_subtask(change.after, *new) for change in changes for new in change.grown()])
    _ATTEMPTS.run(connection, [attempt_values(change.after, one) for change in changes for one in change.attempts])
    _REOPEN.run(connection, [{"of_task": change.after.id} for change in changes if change.before.task.answer])
    return [_stored(change, plans) for change in changes]


def _save_heads(connection: Connection, changes: Sequence[Change]) -> None:
    """One statement for all in which the same columns change: mostly none but the version."""
    alike: dict[tuple[str, ...], list[Values]] = {}
    for change in changes:
        columns = change.head()
        alike.setdefault(columns, []).append(_guard(change) | HEAD.values(change.after, columns))
    if sum(_head(columns).run(connection, rows) for columns, rows in alike.items()) != len(changes):
        raise Conflict


def _save_progress(connection: Connection, changes: Sequence[Change]) -> None:
    """The same for subtasks: those that were sent, those that succeeded, and so on."""
    alike: dict[tuple[str, ...], list[Values]] = {}
    for change in changes:
        for sub, columns in change.moved():
            row = {"of_task": change.after.id, "of_key": sub.key, **PROGRESS.values(sub, columns)}
            alike.setdefault(columns, []).append(row)
    for columns, rows in alike.items():
        _progress(columns).run(connection, rows)


def _change_plan(given: Given) -> Update:
    return update(TASK).where(TASK.c.id == given["of_task"]).values({name: given[name] for name in _PLAN_COLUMNS})


def _change_words(given: Given) -> Update:
    return update(TASK).where(TASK.c.id == given["of_task"]).values({name: given[name] for name in _WORDS_COLUMNS})


@cache
def _head(columns: tuple[str, ...]) -> Many:
    def build(given: Given) -> Update:
        is_as_read = (TASK.c.id == given["of_task"]) & (TASK.c.version == given["from_version"])
        return update(TASK).where(is_as_read).values({name: given[name] for name in ("version", *columns)})

    return Many(build, _ID | _VERSIONS | types_of(TASK, columns))


@cache
def _progress(columns: tuple[str, ...]) -> Many:
    """Another attempt has not been published, whatever the last one was."""

    def build(given: Given) -> Update:
        is_it = (SUBTASK.c.task_id == given["of_task"]) & (SUBTASK.c.key == given["of_key"])
        values: dict[str, Any] = {name: given[name] for name in columns}
        return update(SUBTASK).where(is_it).values(values | ({"published_at": null()} if "attempt" in columns else {}))

    return Many(build, _ID | {"of_key": SUBTASK.c.key.type} | types_of(SUBTASK, columns))


def _add_attempts(given: Given) -> Insert:
    return insert(ATTEMPT).from_select(list(given), select(*given.values()))


def _reopen(given: Given) -> Update:
    return update(DELIVERY).where(DELIVERY.c.task_id == given["of_task"]).values(is_open=true())


_PLAN_COLUMNS = ("plan", "plan_hash")
_WORDS_COLUMNS = ("request", "language", "uploads", "is_fetching")
_ID = {"of_task": TASK.c.id.type}
_VERSIONS = {"from_version": TASK.c.version.type, "version": TASK.c.version.type}

_PLAN = Many(_change_plan, _ID | types_of(TASK, _PLAN_COLUMNS))
_WORDS = Many(_change_words, _ID | types_of(TASK, _WORDS_COLUMNS))
_ATTEMPTS = Many(_add_attempts, types_of(ATTEMPT, (column.name for column in ATTEMPT.c if column.name != "id")))
_REOPEN = Many(_reopen, _ID)


def _insert(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _guard(change: Change) -> Values:
    return {
        "of_task": change.after.id,
        "from_version": change.before.task.version,
        "version": change.after.version,
    }


def _reworded(task: Task) -> Values:
    return {"of_task": task.id, **words_values(task)}


def _new_subtask(task: Task, place: int, sub: Subtask) -> Values:
    key = {"task_id": task.id, "key": sub.key, "position": place}
    return key | owner_values(task.scope) | PROGRESS.values(sub)


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
