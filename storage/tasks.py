"""Tasks by intent: which to work on, what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, TextClause, case, func, select, union

from domain.ports import Measured, TaskLine
from domain.task import FINAL, Attempt, Exchange, Route, Scope, Task, TaskState
from storage.dialects import among
from storage.mapping import attempt_of, exchange_of, line_of
from storage.tables import (
    ATTEMPT,
    IS_ASKING,
    IS_IN_FLIGHT,
    IS_LEASED,
    IS_MEASURED,
    IS_OF_AGENT,
    IS_READY,
    IS_UNANSWERED,
    IS_UNPLANNED,
    IS_UNSETTLED,
    LLM_CALL,
    SUBTASK,
    TASK,
)
from storage.transaction import Transaction

Condition = ColumnElement[bool] | TextClause

_HEAD = select(TASK.c.id, TASK.c.version)
_OLDEST = (TASK.c.created_at, TASK.c.id)


class SqlTasks:
    """`domain.ports.Tasks` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._tasks = transaction.tasks

    def add(self, task: Task) -> None:
        """Insert a new task, held from now on. Raises KeyError when the id is taken."""
        self._tasks.add(task)

    def lock(self, ids: Iterable[str]) -> dict[str, Task]:
        """The tasks of these ids, held for change; waits for whoever holds them."""
        wanted = list(dict.fromkeys(ids))
        fresh = [task_id for task_id in wanted if not self._tasks.held([task_id])]
        if fresh:
            is_wanted = among(self._transaction.connection, TASK.c.id, fresh)
            self._hold(_HEAD.where(is_wanted).order_by(TASK.c.id).with_for_update())
        return self._tasks.held(wanted)

    def lock_received(self, now: datetime, limit: int) -> list[Task]:
        """Tasks to plan."""
        return self._lock_free(limit, IS_UNPLANNED, _is_unclaimed(now))

    def lock_settled(self, now: datetime, limit: int) -> list[Task]:
        """Tasks to answer."""
        return self._lock_free(limit, IS_UNANSWERED, _is_unclaimed(now))

    def lock_ready(self, now: datetime, limit: int) -> list[Task]:
        """Tasks with something to send, every user's oldest before anybody's next. One in which all that is ready
        waits for approval is passed over; one that waits for an answer may have begun already."""
        is_due = SUBTASK.c.due_at.is_(None) | (SUBTASK.c.due_at <= now)
        ready = select(SUBTASK.c.task_id).where(IS_READY, is_due)
        place = func.row_number().over(partition_by=(TASK.c.tenant, TASK.c.owner), order_by=TASK.c.created_at)
        moves = (TASK.c.state != TaskState.WAITING.value) | TASK.c.question.is_not(None)
        queued = select(TASK.c.id, place.label("place")).where(TASK.c.id.in_(ready), moves)
        in_turn = queued.subquery()
        first = select(in_turn.c.id).order_by(in_turn.c.place, in_turn.c.id).limit(limit)
        return self._lock_free(limit, TASK.c.id.in_(first))

    def lock_overdue(self, now: datetime, leases_until: datetime, limit: int) -> list[Task]:
        """Tasks in which a time ran out."""
        overdue = union(
            select(TASK.c.id).where(IS_UNSETTLED, TASK.c.deadline_at <= now),
            select(SUBTASK.c.task_id).where(IS_IN_FLIGHT, SUBTASK.c.due_at <= now),
            select(SUBTASK.c.task_id).where(IS_IN_FLIGHT, IS_LEASED, SUBTASK.c.lease_until <= leases_until),
        )
        return self._lock_free(limit, TASK.c.id.in_(overdue), IS_UNSETTLED)

    def put(self, task: Task, attempts: Sequence[Attempt] = ()) -> Task:
        """Save what changed in a held task; one in which nothing did is returned as it is."""
        return self._tasks.put(task, attempts)

    def in_flight(self) -> Mapping[Scope, int]:
        """Subtasks on their way or running, per user."""
        owner = (SUBTASK.c.tenant, SUBTASK.c.owner)
        counted = select(*owner, func.count().label("many")).where(IS_IN_FLIGHT).group_by(*owner)
        return {Scope(tenant=row.tenant, owner=row.owner): row.many for row in self._transaction.execute(counted)}

    def next_due(self) -> datetime | None:
        """The next time at which something becomes due; what is due already is not news."""
        now = self._transaction.clock.now()
        times = (
            _next(SUBTASK.c.due_at, now, IS_READY),
            _next(SUBTASK.c.due_at, now, IS_IN_FLIGHT),
            _next(SUBTASK.c.lease_until, now, IS_LEASED),
            _next(TASK.c.deadline_at, now, IS_UNSETTLED),
        )
        found = self._transaction.execute(select(*(time.scalar_subquery() for time in times))).one()
        return min((time for time in found if time is not None), default=None)

    def find(self, scope: Scope, task_id: str) -> Task | None:
        """One task of this user."""
        return self._read_one(_HEAD.where(TASK.c.id == task_id, *_is_of(scope)))

    def peek(self, task_id: str) -> Task | None:
        """One task, whoever owns it."""
        return self._read_one(_HEAD.where(TASK.c.id == task_id))

    def recent(self, scope: Scope | None, limit: int) -> list[TaskLine]:
        """The newest tasks with their progress."""
        columns = (TASK.c.id, TASK.c.state, TASK.c.request, TASK.c.created_at)
        newest = (
            select(*columns)
            .where(*(_is_of(scope) if scope else ()))
            .order_by(TASK.c.created_at.desc(), TASK.c.id.desc())
            .limit(limit)
            .subquery()
        )
        is_final = SUBTASK.c.state.in_([state.value for state in sorted(FINAL)])
        counted = (
            select(newest, func.count(case((is_final, 1))).label("done"), func.count(SUBTASK.c.key).label("total"))
            .outerjoin(SUBTASK, SUBTASK.c.task_id == newest.c.id)
            .group_by(*newest.c)
            .order_by(newest.c.created_at.desc(), newest.c.id.desc())
        )
        return [line_of(row) for row in self._transaction.execute(counted)]

    def attempts(self, task_id: str) -> list[Attempt]:
        """The ended attempts of a task."""
        ended = select(ATTEMPT).where(ATTEMPT.c.task_id == task_id).order_by(ATTEMPT.c.ended_at, ATTEMPT.c.id)
        return [attempt_of(row) for row in self._transaction.execute(ended)]

    def asking(self, scope: Scope, route: Route) -> str | None:
        """The newest task of this user in this chat that waits for the answer to its question."""
        waiting = (
            select(TASK.c.id)
            .where(IS_ASKING, TASK.c.state == TaskState.WAITING.value, *_is_of(scope), *_is_in(route))
            .order_by(TASK.c.created_at.desc(), TASK.c.id.desc())
            .limit(1)
        )
        found: str | None = self._transaction.execute(waiting).scalar_one_or_none()
        return found

    def conversation(self, task: Task, since: datetime, limit: int) -> list[Exchange]:
        """What this user asked in this chat before, and what was answered; oldest first."""
        newest = (
            select(TASK.c.request, TASK.c.answer)
            .where(*_is_of(task.scope), *_is_in_chat(task.route), TASK.c.answer.is_not(None))
            .where(TASK.c.created_at >= since, TASK.c.created_at < task.created_at)
            .order_by(TASK.c.created_at.desc(), TASK.c.id.desc())
            .limit(limit)
        )
        return [exchange_of(row) for row in self._transaction.execute(newest)][::-1]

    def measured(self, since: datetime) -> Mapping[str, Measured]:
        """What each skill took since then."""
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
        costs = {row.skill: row.cost for row in self._transaction.execute(spent)}
        return {
            row.skill: Measured(
                attempts=row.attempts, seconds=row.seconds, cost=costs.get(row.skill, 0.0) / row.attempts
            )
            for row in self._transaction.execute(worked)
        }

    def _lock_free(self, limit: int, *conditions: Condition) -> list[Task]:
        """The oldest tasks that nobody else holds."""
        oldest = _HEAD.where(*conditions).order_by(*_OLDEST).limit(limit)
        ids = self._hold(oldest.with_for_update(skip_locked=True))
        return list(self._tasks.held(ids).values())

    def _hold(self, locking: Select[str, int]) -> list[str]:
        versions = {row.id: row.version for row in self._transaction.execute(locking)}
        self._tasks.hold(versions)
        return list(versions)

    def _read_one(self, heads: Select[str, int]) -> Task | None:
        versions = {row.id: row.version for row in self._transaction.execute(heads)}
        return next(iter(self._tasks.read(versions)), None)


def _is_unclaimed(now: datetime) -> ColumnElement[bool]:
    return TASK.c.claimed_until.is_(None) | (TASK.c.claimed_until <= now)


def _is_of(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    return TASK.c.tenant == scope.tenant, TASK.c.owner == scope.owner


def _is_in(route: Route) -> tuple[ColumnElement[bool], ...]:
    return *_is_in_chat(route), TASK.c.bot_id == route.bot_id


def _is_in_chat(route: Route) -> tuple[ColumnElement[bool], ...]:
    """Whichever bot took it: a terminal is a new one every time, and the person goes on talking."""
    return TASK.c.platform == route.platform, TASK.c.chat_id == route.chat_id


def _next(column: ColumnElement[datetime], now: datetime, condition: Condition) -> Select[datetime]:
    return select(func.min(column)).where(condition, column > now)
