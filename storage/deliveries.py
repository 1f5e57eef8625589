"""What chats have been shown, apart from what has been done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, ScalarSelect, case, func, select, update

from domain.ports import Delivery
from domain.task import Task
from storage.tables import DELIVERY, IS_OPEN, TASK
from storage.transaction import Transaction

MAX_ERROR = 500  # characters kept of why showing failed


class SqlDeliveries:
    """`domain.ports.Deliveries` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def pending(self, platform: str, bot_id: str, limit: int) -> list[Delivery]:
        """Tasks of this bot with something new to show: what failed least often first, then the oldest."""
        is_news = TASK.c.version > DELIVERY.c.shown_version
        is_unsent = TASK.c.answer.is_not(None) & DELIVERY.c.delivered_at.is_(None)
        found = self._transaction.execute(
            select(DELIVERY, TASK.c.version)
            .join(TASK, TASK.c.id == DELIVERY.c.task_id)
            .where(IS_OPEN, DELIVERY.c.platform == platform, DELIVERY.c.bot_id == bot_id, is_news | is_unsent)
            .order_by(DELIVERY.c.tries, DELIVERY.c.created_at, DELIVERY.c.task_id)
            .limit(limit)
        )
        rows = {row.task_id: row for row in found}
        tasks = self._transaction.tasks.read({task_id: row.version for task_id, row in rows.items()})
        return [_delivery_of(task, rows[task.id]) for task in tasks]

    def shown(self, task_id: str, version: int, platform_message_id: str | None) -> None:
        """The card shows this version, unless it shows a later one already."""
        newest = case((DELIVERY.c.shown_version > version, DELIVERY.c.shown_version), else_=version)
        self._change(
            task_id,
            shown_version=newest,
            platform_message_id=func.coalesce(platform_message_id, DELIVERY.c.platform_message_id),
            tries=0,
            last_error=None,
            is_open=DELIVERY.c.delivered_at.is_(None) | (newest < _version_of(task_id)),
        )

    def delivered(self, task_id: str, at: datetime) -> bool:
        """The answer is out; False if it was already."""
        is_first = DELIVERY.c.delivered_at.is_(None)
        is_stale = DELIVERY.c.shown_version < _version_of(task_id)
        return self._change(task_id, is_first, delivered_at=at, is_open=is_stale) == 1

    def failed(self, task_id: str, error: str) -> None:
        """Showing it failed."""
        self._change(task_id, tries=DELIVERY.c.tries + 1, last_error=error[:MAX_ERROR])

    def _change(self, task_id: str, *conditions: ColumnElement[bool], **values: Any) -> int:
        """Change one row. It is locked first, so that the version it is compared with is read after whoever
        changed both: a statement that had to wait would compare with the version from before."""
        is_it = DELIVERY.c.task_id == task_id
        self._transaction.execute(select(DELIVERY.c.task_id).where(is_it).with_for_update())
        return self._transaction.execute(update(DELIVERY).where(is_it, *conditions).values(values)).rowcount


def _version_of(task_id: str) -> ScalarSelect[int]:
    return select(TASK.c.version).where(TASK.c.id == task_id).scalar_subquery()


def _delivery_of(task: Task, row: Row[Any]) -> Delivery:
    return Delivery(
        task=task, shown_version=row.shown_version, platform_message_id=row.platform_message_id, tries=row.tries
    )
