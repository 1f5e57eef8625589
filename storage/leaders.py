"""Who speaks for something that only one process may speak for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete

from storage.chat_tables import LEADER
from storage.dialects import insert_or
from storage.rows import TENANT
from storage.transaction import Transaction


class SqlLeaders:
    """`domain.ports.Leaders` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def take(self, name: str, holder: str, now: datetime, until: datetime) -> bool:
        """Take or extend it, in one statement: of two at once, the second sees the first one's row and is too late."""
        row = {"tenant": TENANT, "name": name, "holder": holder, "held_until": until}
        take = insert_or(self._transaction.connection, LEADER)
        take = take.on_conflict_do_update(
            index_elements=list(LEADER.primary_key),
            set_={"holder": take.excluded.holder, "held_until": take.excluded.held_until},
            where=(LEADER.c.held_until <= now) | (LEADER.c.holder == holder),
        )
        return self._transaction.execute(take, [row]).rowcount == 1

    def give_up(self, name: str, holder: str) -> None:
        """Let go of it."""
        is_theirs = (LEADER.c.tenant == TENANT, LEADER.c.name == name, LEADER.c.holder == holder)
        self._transaction.execute(delete(LEADER).where(*is_theirs))
