"""Queries about tasks that are not over: how many there are, what they wait for, who is before whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from domain.task import FINAL_TASK, Place, Scope, TaskState
from storage.conditions import has_come, is_in, is_of, is_unclaimed
from storage.tables import IS_DELAYED, IS_FETCHING, IS_UNFINISHED, IS_UNPLANNED, TASK

_NOW = bindparam("now", type_=TASK.c.created_at.type)
_IS_RECEIVED = TASK.c.state == TaskState.RECEIVED.value
_IS_OVER = TASK.c.state.in_([state.value for state in sorted(FINAL_TASK)])


def _load() -> Select[Any]:
    is_theirs = (TASK.c.tenant == bindparam("tenant"), TASK.c.owner == bindparam("owner"))
    open_ones = select(func.count()).select_from(TASK).where(IS_UNFINISHED, ~_IS_OVER, has_come(_NOW), *is_theirs)
    received = (func.count().label("received"), func.min(TASK.c.created_at).label("oldest_at"))
    recent = select(open_ones.scalar_subquery().label("open"), *received)
    return recent.where(TASK.c.created_at >= bindparam("since"), *is_theirs)


def gathering_in(scope: Scope, place: Place, now: datetime) -> Select[str]:
    """The newest task of a user in a place that nobody may plan yet, nor has planned before."""
    is_untouched = (_IS_RECEIVED, TASK.c.plan_hash.is_(None), TASK.c.claimed_by.is_(None), TASK.c.settled_at.is_(None))
    return (
        select(TASK.c.id)
        .where(IS_UNFINISHED, *is_untouched, TASK.c.claimed_until > now, TASK.c.run_at.is_(None))
        .where(*is_of(scope), *is_in(place))
        .order_by(TASK.c.created_at.desc(), TASK.c.id.desc())
        .limit(1)
    )


def fetching_by(platform: str, bot_id: str, limit: int) -> Select[str]:
    """A bot's tasks whose files are on their way, oldest first."""
    return (
        select(TASK.c.id)
        .where(IS_FETCHING, TASK.c.platform == platform, TASK.c.bot_id == bot_id)
        .order_by(TASK.c.created_at, TASK.c.id)
        .limit(limit)
    )


def _ahead() -> Select[str, int]:
    """Each is counted for itself: for a few that is faster than to number the whole line."""
    other = TASK.alias("other")
    is_older = (other.c.created_at < TASK.c.created_at) | (other.c.id < TASK.c.id)
    before = (
        select(func.count())
        .select_from(other)
        .where(IS_UNPLANNED, other.c.state == TaskState.RECEIVED.value)
        .where(is_unclaimed(_NOW, other), has_come(_NOW, other))
        .where(other.c.created_at <= TASK.c.created_at, is_older)
    )
    is_waiting = (IS_UNPLANNED, _IS_RECEIVED, has_come(_NOW), TASK.c.id.in_(bindparam("ids", expanding=True)))
    return select(TASK.c.id, before.scalar_subquery().label("ahead")).where(*is_waiting)


def _conversation() -> Select[Any]:
    given = ("tenant", "owner", "platform", "chat_id", "thread_id")
    return (
        select(TASK.c.request, TASK.c.answer)
        .where(*(TASK.c[name] == bindparam(name) for name in given), TASK.c.answer.is_not(None))
        .where(TASK.c.created_at >= bindparam("since"), TASK.c.created_at < bindparam("before"))
        .order_by(TASK.c.created_at.desc(), TASK.c.id.desc())
        .limit(bindparam("most"))
    )


CONVERSATION = _conversation()
"""What a user asked in a chat, whichever bot took it, and what was answered; the newest first."""

LOAD = _load()
"""One row: `open`, `received` since `since` and `oldest_at` of a user (`tenant`, `owner`), at `now`."""

AHEAD = _ahead()
"""Tasks to plan by `id`, of those with these `ids`, and how many are `ahead` of each at `now`; one that is held back
holds nobody up."""


def starting_in(since: datetime, until: datetime) -> Select[str]:
    """Tasks whose time came after `since` and not after `until`."""
    return select(TASK.c.id).where(IS_DELAYED, TASK.c.run_at > since, TASK.c.run_at <= until).order_by(TASK.c.run_at)
