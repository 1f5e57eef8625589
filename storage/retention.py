"""Old rows: finding them, writing them down, deleting them in batches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, Text, delete, func, select, tuple_, update

from domain.ports.retention import Old
from storage.chat_tables import OFFER, POST
from storage.dialects import among
from storage.tables import ANSWER_CACHE, ATTEMPT, DELIVERY, INBOX, LLM_CALL, SUBTASK, TASK
from storage.transaction import Transaction

UNSHOWN = timedelta(days=30)  # longer than others an answer is kept that nobody could be shown

OF_TASK = (SUBTASK, ATTEMPT, DELIVERY, OFFER, POST)  # what belongs to a task
_KEPT = (ANSWER_CACHE.c.tenant, ANSWER_CACHE.c.owner, ANSWER_CACHE.c.key)
_UPDATE = (INBOX.c.platform, INBOX.c.bot_id, INBOX.c.update_key)


class SqlRetention:
    """`domain.ports.Retention` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def over(self, before: datetime, limit: int) -> list[Old]:
        """The oldest tasks that are over. By the time they were received, which has an index: what is still open does
        not stand before them for long."""
        oldest = select(TASK.c.id, TASK.c.version).where(*_is_over(before)).order_by(TASK.c.created_at).limit(limit)
        return [(row.id, row.version) for row in self._transaction.execute(oldest)]

    def over_count(self, before: datetime) -> int:
        """How many tasks are over."""
        return int(
            self._transaction.execute(select(func.count()).select_from(TASK).where(*_is_over(before))).scalar_one()
        )

    def documents(self, tasks: Sequence[Old]) -> list[Mapping[str, Any]]:
        """All rows of these tasks."""
        ids = [task_id for task_id, _ in tasks]
        rows = self._transaction.execute(select(TASK).where(self._is_among(TASK.c.id, ids)).order_by(TASK.c.created_at))
        found: dict[str, dict[str, Any]] = {row.id: {"task": _told(TASK, row)} for row in rows}
        for table in (*OF_TASK, INBOX):
            for row in self._transaction.execute(select(table).where(self._is_among(table.c.task_id, list(found)))):
                found[row.task_id].setdefault(table.name, []).append(_told(table, row))
        return list(found.values())

    def drop(self, tasks: Sequence[Old]) -> int:
        """Delete tasks and what belongs to them, table by table: a cascade would go row by row."""
        wanted = dict(tasks)
        held = select(TASK.c.id, TASK.c.version).where(
            self._is_among(TASK.c.id, list(wanted)), TASK.c.answer.is_not(None)
        )
        rows = self._transaction.execute(held.with_for_update(skip_locked=True))
        ids = [row.id for row in rows if row.version == wanted[row.id]]
        if not ids:
            return 0
        for table in OF_TASK:
            self._transaction.execute(delete(table).where(self._is_among(table.c.task_id, ids)))
        said = update(INBOX).where(self._is_among(INBOX.c.task_id, ids), INBOX.c.said.is_not(None))
        self._transaction.execute(said.values(said=None))
        return self._transaction.execute(delete(TASK).where(self._is_among(TASK.c.id, ids))).rowcount

    def drop_updates(self, before: datetime, limit: int) -> int:
        """Forget updates whose task is gone."""
        is_needed = select(TASK.c.id).where(TASK.c.id == INBOX.c.task_id).exists()
        old = select(*_UPDATE).where(INBOX.c.claimed_at < before, ~is_needed).order_by(INBOX.c.claimed_at).limit(limit)
        return self._drop(INBOX, _UPDATE, old)

    def drop_expired(self, now: datetime, limit: int) -> int:
        """Delete what was kept and has expired, unless somebody is just making it anew."""
        is_free = ANSWER_CACHE.c.held_until.is_(None) | (ANSWER_CACHE.c.held_until <= now)
        expired = select(*_KEPT).where(ANSWER_CACHE.c.expires_at <= now, is_free)
        return self._drop(ANSWER_CACHE, _KEPT, expired.order_by(ANSWER_CACHE.c.expires_at).limit(limit))

    def drop_calls(self, before: datetime, limit: int) -> int:
        """Take the oldest calls out of the books; they were written in the order of their time, or nearly so."""
        first = select(LLM_CALL.c.id, LLM_CALL.c.at).order_by(LLM_CALL.c.id).limit(limit).subquery()
        old = select(first.c.id).where(first.c.at < before)
        return self._transaction.execute(delete(LLM_CALL).where(LLM_CALL.c.id.in_(old))).rowcount

    def _drop(self, table: Table, key: Sequence[ColumnElement[Any]], old: Any) -> int:
        rows = [tuple(row) for row in self._transaction.execute(old.with_for_update(skip_locked=True, of=table))]
        if not rows:
            return 0
        return self._transaction.execute(delete(table).where(tuple_(*key).in_(rows))).rowcount

    def _is_among(self, column: ColumnElement[str], ids: Sequence[str]) -> ColumnElement[bool]:
        return among(self._transaction.connection, column, ids)


def _is_over(before: datetime) -> tuple[ColumnElement[bool], ...]:
    is_open = select(DELIVERY.c.task_id).where(DELIVERY.c.task_id == TASK.c.id, DELIVERY.c.is_open).exists()
    has_waited = TASK.c.answered_at < before - UNSHOWN
    return TASK.c.created_at < before, TASK.c.answered_at < before, ~is_open | has_waited


def _told(table: Table, row: Row[Any]) -> dict[str, Any]:
    """A row as a JSON value; columns of plain text hold JSON themselves."""
    return {column.name: _value(column, getattr(row, column.name)) for column in table.c}


def _value(column: ColumnElement[Any], value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return json.loads(value) if isinstance(value, str) and isinstance(column.type, Text) else value
