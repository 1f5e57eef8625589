"""The books: every call to a language model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, case, func, insert, select

from domain.model import Purpose
from domain.ports import Call, Spend
from domain.task import Scope
from storage.fields import Values
from storage.mapping import MAX_INTEGER, owner_values
from storage.tables import LLM_CALL
from storage.transaction import Transaction

_CALL = LLM_CALL.c


class SqlCalls:
    """`domain.ports.Calls` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, calls: Sequence[Call]) -> None:
        """Write calls down."""
        if calls:
            self._transaction.execute(insert(LLM_CALL), [_values(call) for call in calls])

    def spent(self, scope: Scope, since: datetime) -> list[Spend]:
        """What a user's calls since then took."""
        return self._spent(_SPENT_SINCE, scope, {"since": since})

    def spent_on(self, scope: Scope, task_id: str) -> list[Spend]:
        """What one task of this user took."""
        return self._spent(_SPENT_ON, scope, {"of_task": task_id})

    def _spent(self, summed: Select[Any], scope: Scope, given: Values) -> list[Spend]:
        return [_spend_of(row) for row in self._transaction.execute(summed, given | owner_values(scope))]


_IS_ASKED = _CALL.is_hit.is_(False)
# No price is known where something was used that cost nothing.
_IS_UNPRICED = (_CALL.cost == 0) & (_CALL.prompt_tokens + _CALL.completion_tokens > 0)


def _sum(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.sum(case((_IS_ASKED, column), else_=0))


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


_SUMS = (
    _count(_IS_ASKED).label("calls"),
    _count(_CALL.is_hit.is_(True)).label("hits"),
    _count(_IS_ASKED & (_CALL.failed != "")).label("failures"),
    _sum(_CALL.prompt_tokens).label("prompt_tokens"),
    _sum(_CALL.completion_tokens).label("completion_tokens"),
    _sum(_CALL.cost).label("cost"),
    _count(_IS_ASKED & (_CALL.is_estimated | _IS_UNPRICED)).label("estimates"),
)


def _spent(condition: ColumnElement[bool]) -> Select[Any]:
    by = (_CALL.purpose, _CALL.model)
    theirs = (_CALL.tenant == bindparam("tenant"), _CALL.owner == bindparam("owner"))
    return select(*by, *_SUMS).where(*theirs, condition).group_by(*by).order_by(*by)


_SPENT_SINCE = _spent(_CALL.at >= bindparam("since"))
_SPENT_ON = _spent(_CALL.task_id == bindparam("of_task"))


def _values(call: Call) -> Values:
    usage = call.usage
    return {
        **owner_values(call.scope),
        "task_id": call.task_id,
        "purpose": call.purpose.value,
        "skill": call.skill,
        "model": usage.model,
        "prompt_tokens": min(usage.prompt_tokens, MAX_INTEGER),
        "completion_tokens": min(usage.completion_tokens, MAX_INTEGER),
        "cached_tokens": min(usage.cached_tokens, MAX_INTEGER),
        "cost": usage.cost,
        "seconds": usage.seconds,
        "is_estimated": usage.is_estimated,
        "is_hit": call.is_hit,
        "failed": usage.failed,
        "at": call.at,
    }


def _spend_of(row: Row[Any]) -> Spend:
    return Spend(
        purpose=Purpose(row.purpose),
        model=row.model,
        calls=row.calls,
        hits=row.hits,
        failures=row.failures,
        prompt_tokens=int(row.prompt_tokens),
        completion_tokens=int(row.completion_tokens),
        cost=float(row.cost),
        is_estimated=row.estimates > 0,
    )
