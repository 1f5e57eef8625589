"""Which dispatched attempts the broker has confirmed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Update, select, update

from domain.ids import SubtaskId
from domain.task import SubtaskState
from storage.many import Given, Many
from storage.tables import IS_IN_FLIGHT, SUBTASK
from storage.transaction import Transaction
from storage.turns import UNPUBLISHED

_IS_DISPATCHED = SUBTASK.c.state == SubtaskState.DISPATCHED.value


class SqlOutbox:
    """`domain.ports.Outbox` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def unpublished(self, dispatched_before: datetime, limit: int) -> list[tuple[SubtaskId, int]]:
        """Dispatched at or before then and not confirmed, oldest first."""
        given = {"before": dispatched_before, "limit": limit}
        found = self._transaction.execute(UNPUBLISHED, given)
        return [(SubtaskId(row.task_id, row.key), row.attempt) for row in found]

    def confirm(self, sent: Collection[tuple[SubtaskId, int]], at: datetime) -> None:
        """The broker has these; those that moved on, or are moving, are passed over."""
        rows = [{"of_task": sub.task, "of_key": sub.key, "of_attempt": attempt, "at": at} for sub, attempt in sent]
        self._transaction.execute_many(_CONFIRM, rows)

    def forget(self) -> None:
        """Nothing dispatched counts as published any more."""
        is_published = SUBTASK.c.published_at.is_not(None)
        dispatched = update(SUBTASK).where(IS_IN_FLIGHT, _IS_DISPATCHED, is_published)
        self._transaction.execute(dispatched.values(published_at=None))


def _confirm(given: Given) -> Update:
    """Whoever holds a row is moving it on; not waiting for them, two can never wait for one another in a circle."""
    row = SUBTASK.alias("free")
    free = select(row.c.task_id).where(row.c.task_id == given["of_task"], row.c.key == given["of_key"])
    is_free = SUBTASK.c.task_id == free.with_for_update(of=row, skip_locked=True).scalar_subquery()
    is_it = (SUBTASK.c.task_id == given["of_task"]) & (SUBTASK.c.key == given["of_key"])
    is_same = SUBTASK.c.attempt == given["of_attempt"]
    return update(SUBTASK).where(is_it, is_same, is_free).values(published_at=given["at"])


_CONFIRM = Many(
    _confirm,
    {
        "of_task": SUBTASK.c.task_id.type,
        "of_key": SUBTASK.c.key.type,
        "of_attempt": SUBTASK.c.attempt.type,
        "at": SUBTASK.c.published_at.type,
    },
)
