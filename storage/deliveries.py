"""What chats have been shown, apart from what has been done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Update, bindparam, case, func, select, update

from domain.ports import Delivery
from domain.task import Task
from storage.fields import Values
from storage.tables import DELIVERY, IS_OPEN, TASK
from storage.transaction import Transaction

MAX_ERROR = 500  # characters kept of why showing failed

_IS_IT = DELIVERY.c.task_id == bindparam("of_task")
_VERSION = select(TASK.c.version).where(TASK.c.id == bindparam("of_task")).scalar_subquery()
_GIVEN = bindparam("version", type_=DELIVERY.c.shown_version.type)
_NEWEST = case((DELIVERY.c.shown_version > _GIVEN, DELIVERY.c.shown_version), else_=_GIVEN)
_LOCK = select(DELIVERY.c.task_id).where(_IS_IT).with_for_update()
_SHOWN = (
    update(DELIVERY)
    .where(_IS_IT)
    .values(
        shown_version=_NEWEST,
        platform_message_id=func.coalesce(
            bindparam("sent_as", type_=DELIVERY.c.platform_message_id.type), DELIVERY.c.platform_message_id
        ),
        tries=0,
        last_error=None,
        is_open=DELIVERY.c.delivered_at.is_(None) | (_NEWEST < _VERSION),
    )
)
_DELIVERED = (
    update(DELIVERY)
    .where(_IS_IT, DELIVERY.c.delivered_at.is_(None))
    .values(delivered_at=bindparam("at"), is_open=DELIVERY.c.shown_version < _VERSION)
)
_FAILED = update(DELIVERY).where(_IS_IT).values(tries=DELIVERY.c.tries + 1, last_error=bindparam("error"))


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
        self._change(_SHOWN, {"of_task": task_id, "version": version, "sent_as": platform_message_id})

    def delivered(self, task_id: str, at: datetime) -> bool:
        """The answer is out; False if it was already."""
        return self._change(_DELIVERED, {"of_task": task_id, "at": at}) == 1

    def failed(self, task_id: str, error: str) -> None:
        """Showing it failed."""
        self._change(_FAILED, {"of_task": task_id, "error": error[:MAX_ERROR]})

    def _change(self, change: Update, given: Values) -> int:
        """Change one row. It is locked first, so that the version it is compared with is read after whoever
        changed both: a statement that had to wait would compare with the version from before."""
        self._transaction.execute(_LOCK, {"of_task": given["of_task"]})
        return self._transaction.execute(change, given).rowcount


def _delivery_of(task: Task, row: Row[Any]) -> Delivery:
    return Delivery(
        task=task, shown_version=row.shown_version, platform_message_id=row.platform_message_id, tries=row.tries
    )
