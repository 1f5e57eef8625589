"""Model answers by the exact inputs and owner."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select

from domain.task import Scope
from storage.dialects import upsert
from storage.mapping import owner_values
from storage.tables import ANSWER_CACHE
from storage.transaction import Transaction


class SqlAnswerCache:
    """`domain.ports.AnswerCache` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def get(self, scope: Scope, key: str, now: datetime) -> str | None:
        """The stored text, if it has not expired."""
        found = (
            select(ANSWER_CACHE.c.text).filter_by(**owner_values(scope), key=key).where(ANSWER_CACHE.c.expires_at > now)
        )
        text: str | None = self._transaction.execute(found).scalar_one_or_none()
        return text

    def put(self, scope: Scope, key: str, text: str, expires_at: datetime) -> None:
        """Store a text, and drop what has expired meanwhile."""
        self._transaction.execute(
            delete(ANSWER_CACHE).where(ANSWER_CACHE.c.expires_at <= self._transaction.clock.now())
        )
        row = owner_values(scope) | {"key": key, "text": text, "expires_at": expires_at}
        self._transaction.execute(upsert(self._transaction.connection, ANSWER_CACHE, "text", "expires_at"), [row])
