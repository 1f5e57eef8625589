"""What the attempts of the past tell: how long skills take, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select

from domain.ports import NEWEST, Measured
from storage.tables import ATTEMPT, IS_MEASURED, IS_OF_AGENT, LLM_CALL
from storage.transaction import Transaction


def measured(transaction: Transaction, since: datetime) -> Mapping[str, Measured]:
    """What each skill took since then, or in the newest attempts where there were more than enough."""
    since = _of_newest(transaction, since)
    worked = (
        select(ATTEMPT.c.skill, func.count().label("attempts"), func.avg(ATTEMPT.c.seconds).label("seconds"))
        .where(IS_MEASURED, ATTEMPT.c.ended_at >= since)
        .group_by(ATTEMPT.c.skill)
    )
    spent = (
        select(LLM_CALL.c.skill, func.sum(LLM_CALL.c.cost).label("cost"))
        .where(IS_OF_AGENT, LLM_CALL.c.at >= since, LLM_CALL.c.is_hit.is_(False))
        .group_by(LLM_CALL.c.skill)
    )
    costs = {row.skill: row.cost for row in transaction.execute(spent)}
    return {
        row.skill: Measured(attempts=row.attempts, seconds=row.seconds, cost=costs.get(row.skill, 0.0) / row.attempts)
        for row in transaction.execute(worked)
    }


def _of_newest(transaction: Transaction, since: datetime) -> datetime:
    """When the oldest of so many attempts as are enough ended, if there are as many."""
    newest = select(ATTEMPT.c.ended_at).where(IS_MEASURED, ATTEMPT.c.ended_at >= since)
    oldest = newest.order_by(ATTEMPT.c.ended_at.desc()).offset(NEWEST - 1).limit(1)
    return transaction.execute(oldest).scalar_one_or_none() or since
