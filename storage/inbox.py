"""Which updates of a platform became tasks, and what they said."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select, update

from storage.dialects import InEither
from storage.fields import Values
from storage.rows import TENANT
from storage.tables import INBOX, OWNER_OF_TASK
from storage.transaction import Transaction

_SAID = INBOX.c.said
_KNOWN = select(INBOX.c.task_id).where(
    INBOX.c.platform == bindparam("platform"),
    INBOX.c.bot_id == bindparam("bot_id"),
    INBOX.c.update_key == bindparam("update_key"),
)
_CLAIM = InEither(lambda insert: insert(INBOX).values(owner=OWNER_OF_TASK["owner"]).on_conflict_do_nothing())


class SqlInbox:
    """`domain.ports.Inbox` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def claim(self, platform: str, bot_id: str, update_key: str, task_id: str, said: str = "") -> str | None:
        """Record an update for a task; the task it became earlier, or None if it is new.

        The row learns its owner from the task, or when the task is added.
        """
        row = {
            **_key(platform, bot_id, update_key),
            "tenant": TENANT,
            "task_id": task_id,
            "of_task": task_id,
            "claimed_at": self._transaction.clock.now(),
            "said": said or None,
        }
        if self._transaction.execute(_CLAIM.of(self._transaction.connection), [row]).rowcount:
            return None
        return self.known(platform, bot_id, update_key)

    def known(self, platform: str, bot_id: str, update_key: str) -> str | None:
        """The task that an update became (empty for a command), None if it is new."""
        key = _key(platform, bot_id, update_key)
        task_id: str | None = self._transaction.execute(_KNOWN, key).scalar_one_or_none()
        return task_id

    def reword(self, platform: str, bot_id: str, update_key: str, said: str) -> None:
        """What an update says was edited."""
        edited = update(INBOX).filter_by(**_key(platform, bot_id, update_key)).values(said=said or None)
        self._transaction.execute(edited)

    def said(self, task_id: str) -> list[str]:
        """What the updates of a task said, in the order they were taken.

        Of those taken at one moment the order is that of their keys, which end in the platform's growing number.
        """
        if not task_id:  # commands belong to nobody's task
            return []
        order = (INBOX.c.claimed_at, func.length(INBOX.c.update_key), INBOX.c.update_key)
        words = select(_SAID).where(INBOX.c.task_id == task_id, _SAID.is_not(None)).order_by(*order)
        return list(self._transaction.execute(words).scalars())


def _key(platform: str, bot_id: str, update_key: str) -> Values:
    return {"platform": platform, "bot_id": bot_id, "update_key": update_key}
