"""Offers to allow what waits for a person: made when it is shown, bound to exactly what was shown."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.approval import Offer, awaiting, digest
from domain.ids import ALPHABET
from domain.ports import Entropy, UnitOfWork
from domain.task import Task

CODE_LENGTH = 10  # characters of 5 bits each: nobody guesses one within its minutes
APPROVAL_S = 900.0  # how long an offer stands, unless said otherwise


def code_of(entropy: Entropy, length: int = CODE_LENGTH) -> str:
    """A random word of Crockford's base 32 that names something on a button."""
    drawn = entropy.bits(5 * length)
    return "".join(ALPHABET[(drawn >> shift) & 31] for shift in range(5 * (length - 1), -5, -5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Offering:
    """Makes offers that stand for `approval_s` seconds."""

    entropy: Entropy
    approval_s: float = APPROVAL_S

    def of(self, uow: UnitOfWork, task: Task, now: datetime, keys: Collection[str] | None = None) -> tuple[Offer, ...]:
        """One offer for everything in a task that waits for approval, in the order of the plan: the one that stands, if
        it is for the same parameters, else a new one.

        Call it in the transaction that reads what is shown, and for nothing that is not shown.

        Args:
            uow: the transaction.
            task: as it stands in it.
            now: the time of showing.
            keys: only for these steps; for all that wait when None.
        """
        waiting = {sub.key: digest(task, sub.key) for sub in awaiting(task) if keys is None or sub.key in keys}
        if not waiting:
            return ()
        standing = {(offer.key, offer.digest): offer for offer in uow.offers.live(task.id, now)}
        offers = [standing.get(shown) or self._made(task, shown, now) for shown in waiting.items()]
        for offer in offers:
            if (offer.key, offer.digest) not in standing:
                uow.offers.make(offer)
        return tuple(offers)

    def _made(self, task: Task, shown: tuple[str, str], now: datetime) -> Offer:
        return Offer(
            code=code_of(self.entropy),
            task_id=task.id,
            key=shown[0],
            digest=shown[1],
            made_at=now,
            expires_at=now + timedelta(seconds=self.approval_s),
        )
