"""What a dispatcher asks of the rows, turn after turn.

Each statement is made once: to make it costs more than to run it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, Select, TextClause, bindparam, exists, func, select, union

from domain.task import SubtaskState, TaskState
from storage.conditions import has_not_begun
from storage.dialects import AboutIds, IsOneOf
from storage.tables import (
    IS_EXPIRING,
    IS_IN_FLIGHT,
    IS_LEASED,
    IS_READY,
    IS_UNSETTLED,
    SUBTASK,
    TASK,
)

_NOW = bindparam("now", type_=TASK.c.created_at.type)
_LEASES_UNTIL = bindparam("leases_until", type_=TASK.c.created_at.type)
_LIMIT: BindParameter[int] = bindparam("limit")
_IS_DUE = SUBTASK.c.due_at.is_(None) | (SUBTASK.c.due_at <= _NOW)
_MOVES = (TASK.c.state != TaskState.WAITING.value) | TASK.c.question.is_not(None)

HEAD = select(TASK.c.id, TASK.c.version)
OLDEST = (TASK.c.created_at, TASK.c.id)


def _named(is_one_of: IsOneOf) -> Select[str, int]:
    return HEAD.where(is_one_of(TASK.c.id)).order_by(TASK.c.id).with_for_update(key_share=True)


def _ready_of(is_one_of: IsOneOf) -> Select[str, int]:
    has_ready = exists().where(SUBTASK.c.task_id == TASK.c.id, IS_READY, _IS_DUE)
    named = HEAD.where(is_one_of(TASK.c.id), _MOVES, has_ready).order_by(TASK.c.id)
    return named.with_for_update(skip_locked=True, key_share=True)


def _ready() -> Select[str, int]:
    ready = select(SUBTASK.c.task_id).where(IS_READY, _IS_DUE)
    place = func.row_number().over(partition_by=(TASK.c.tenant, TASK.c.owner), order_by=OLDEST)
    queued = select(TASK.c.id, place.label("place")).where(TASK.c.id.in_(ready), _MOVES).subquery()
    first = select(queued.c.id).order_by(queued.c.place, queued.c.id).limit(_LIMIT)
    return _free(TASK.c.id.in_(first))


def _overdue() -> Select[str, int]:
    overdue = union(
        select(TASK.c.id).where(IS_UNSETTLED, TASK.c.deadline_at <= _NOW),
        select(TASK.c.id).where(IS_EXPIRING, TASK.c.expires_at <= _NOW, has_not_begun()),
        select(SUBTASK.c.task_id).where(IS_IN_FLIGHT, SUBTASK.c.due_at <= _NOW),
        select(SUBTASK.c.task_id).where(IS_IN_FLIGHT, IS_LEASED, SUBTASK.c.lease_until <= _LEASES_UNTIL),
    )
    return _free(TASK.c.id.in_(overdue), IS_UNSETTLED)


def _free(*conditions: ColumnElement[bool] | TextClause) -> Select[str, int]:
    """The oldest that nobody else holds."""
    oldest = HEAD.where(*conditions).order_by(*OLDEST).limit(_LIMIT)
    return oldest.with_for_update(skip_locked=True, key_share=True)


def _next_due() -> Select[datetime, datetime, datetime, datetime, datetime]:
    return select(
        _next(SUBTASK.c.due_at, IS_READY),
        _next(SUBTASK.c.due_at, IS_IN_FLIGHT),
        _next(SUBTASK.c.lease_until, IS_LEASED),
        _next(TASK.c.deadline_at, IS_UNSETTLED),
        _next(TASK.c.expires_at, IS_EXPIRING),
    )


def _next(column: ColumnElement[datetime], condition: TextClause) -> ColumnElement[datetime]:
    return select(func.min(column)).where(condition, column > _NOW).scalar_subquery()


NAMED = AboutIds(_named)
"""The tasks of these `ids`, held; waits for whoever holds them."""

READY_OF = AboutIds(_ready_of)
"""Those of these `ids` with something to send at `now` that nobody else holds."""

READY = _ready()
"""Those with something to send at `now`: every user's oldest before anybody's next, at most `limit`. One in which all
that is ready waits for approval is passed over; one that waits for an answer may have begun already."""

OVERDUE = _overdue()
"""Those in which a time ran out at `now`, or a lease at `leases_until`, at most `limit`."""

NEXT_DUE = _next_due()
"""The next times after `now` at which something becomes due; what is due already is not news."""

IN_FLIGHT = (
    select(SUBTASK.c.tenant, SUBTASK.c.owner, func.count().label("many"))
    .where(IS_IN_FLIGHT)
    .group_by(SUBTASK.c.tenant, SUBTASK.c.owner)
)
"""Subtasks on their way or running, per user."""

UNPUBLISHED = (
    select(SUBTASK.c.task_id, SUBTASK.c.key, SUBTASK.c.attempt)
    .where(IS_IN_FLIGHT, SUBTASK.c.state == SubtaskState.DISPATCHED.value, SUBTASK.c.published_at.is_(None))
    .where(SUBTASK.c.dispatched_at <= bindparam("before", type_=SUBTASK.c.dispatched_at.type))
    .order_by(SUBTASK.c.dispatched_at, SUBTASK.c.task_id, SUBTASK.c.position)
    .limit(_LIMIT)
)
"""Dispatched at or before `before` and not confirmed, oldest first, at most `limit`."""
