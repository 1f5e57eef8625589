"""What was shown to be allowed or refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from domain.approval import Offer
from storage.chat_tables import OFFER
from storage.tables import OWNER_OF_TASK
from storage.transaction import Transaction


class SqlOffers:
    """`domain.ports.Offers` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def make(self, offer: Offer) -> None:
        """Keep a new offer."""
        row = {
            "code": offer.code,
            "task_id": offer.task_id,
            "of_task": offer.task_id,
            "key": offer.key,
            "digest": offer.digest,
            "made_at": offer.made_at,
            "expires_at": offer.expires_at,
            "decided_by": offer.decided_by,
            "decided_at": offer.decided_at,
            "is_allowed": offer.is_allowed,
        }
        self._transaction.execute(insert(OFFER).values(OWNER_OF_TASK), [row])

    def find(self, code: str) -> Offer | None:
        """An offer by its code, whatever became of it."""
        row = self._transaction.execute(select(OFFER).where(OFFER.c.code == code)).first()
        return row and _offer_of(row)

    def live(self, task_id: str, now: datetime) -> list[Offer]:
        """Offers of a task that are neither decided nor expired, oldest first."""
        is_live = (OFFER.c.task_id == task_id, OFFER.c.decided_at.is_(None), OFFER.c.expires_at > now)
        live = select(OFFER).where(*is_live).order_by(OFFER.c.made_at, OFFER.c.code)
        return [_offer_of(row) for row in self._transaction.execute(live)]

    def decide(self, code: str, by: str, at: datetime, *, is_allowed: bool) -> bool:
        """Note the decision. False when it was decided before."""
        decide = update(OFFER).where(OFFER.c.code == code, OFFER.c.decided_at.is_(None))
        decided = decide.values(decided_by=by, decided_at=at, is_allowed=is_allowed)
        return self._transaction.execute(decided).rowcount == 1


def _offer_of(row: Row[Any]) -> Offer:
    return Offer(
        code=row.code,
        task_id=row.task_id,
        key=row.key,
        digest=row.digest,
        made_at=row.made_at,
        expires_at=row.expires_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        is_allowed=row.is_allowed,
    )
