"""Conditions on tasks that several queries share."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, FromClause, TextClause, exists

from domain.ends import UNBEGUN
from domain.task import FINAL_TASK, Place, Scope, TaskState
from storage.tables import IS_UNFINISHED, SUBTASK, TASK

Condition = ColumnElement[bool] | TextClause
Moment = datetime | BindParameter[datetime]


def is_of(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    """Whose it is."""
    return TASK.c.tenant == scope.tenant, TASK.c.owner == scope.owner


def is_in(place: Place) -> tuple[ColumnElement[bool], ...]:
    """Where it was asked, and which bot took it."""
    return *is_in_chat(place), TASK.c.bot_id == place.bot_id


def is_in_chat(place: Place) -> tuple[ColumnElement[bool], ...]:
    """Whichever bot took it: a terminal is a new one every time, and the person goes on talking."""
    return TASK.c.platform == place.platform, TASK.c.chat_id == place.chat_id, TASK.c.thread_id == place.thread_id


def is_one_of(states: Collection[TaskState]) -> list[Condition]:
    """Where it stands; anywhere, if no states are given. What is not over has an index, and there is little of it."""
    if not states:
        return []
    is_in_state = TASK.c.state.in_(sorted(state.value for state in states))
    return [is_in_state] if FINAL_TASK & set(states) else [is_in_state, IS_UNFINISHED]


def is_unclaimed(now: Moment, task: FromClause = TASK) -> ColumnElement[bool]:
    """Whether nobody holds it."""
    return task.c.claimed_until.is_(None) | (task.c.claimed_until <= now)


def has_come(now: Moment, task: FromClause = TASK) -> ColumnElement[bool]:
    """Whether it may begin as far as the time goes."""
    return task.c.run_at.is_(None) | (task.c.run_at <= now)


def has_not_begun() -> ColumnElement[bool]:
    """Whether no agent ever began anything of it, nor can it be over (`domain.ends.has_begun`)."""
    is_unbegun = SUBTASK.c.state.in_(sorted(UNBEGUN)) & (SUBTASK.c.failures == 0)
    return ~exists().where(SUBTASK.c.task_id == TASK.c.id, ~is_unbegun)
