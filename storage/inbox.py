"""Which updates of a platform became tasks."""

from __future__ import annotations

from sqlalchemy import select

from storage.dialects import insert_or
from storage.tables import INBOX, TENANT
from storage.transaction import Transaction


class SqlInbox:
    """`domain.ports.Inbox` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def claim(self, platform: str, bot_id: str, update_key: str, task_id: str) -> str | None:
        """Record an update for a task; the task it became earlier, or None if it is new.

        The row learns its owner when the task is added.
        """
        key = {"platform": platform, "bot_id": bot_id, "update_key": update_key}
        row = key | {"tenant": TENANT, "task_id": task_id, "claimed_at": self._transaction.clock.now()}
        claim = insert_or(self._transaction.connection, INBOX).values(row).on_conflict_do_nothing()
        if self._transaction.execute(claim).rowcount:
            return None
        earlier = select(INBOX.c.task_id).filter_by(**key)
        return str(self._transaction.execute(earlier).scalar_one())
