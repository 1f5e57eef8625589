"""Tasks by intent: which to work on, what became of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Select, bindparam, case, func, select

from domain.people import Load
from domain.ports import Measured, TaskLine
from domain.task import FINAL, Attempt, Exchange, Place, Route, Scope, Task, TaskState
from storage import turns
from storage.conditions import (
    Condition,
    has_come,
    is_in,
    is_of,
    is_one_of,
    is_unclaimed,
)
from storage.fields import Values
from storage.history import measured
from storage.mapping import attempt_of, exchange_of, line_of, owner_values, place_values
from storage.queues import AHEAD, CONVERSATION, LOAD, fetching_by, gathering_in, starting_in
from storage.tables import (
    ATTEMPT,
    IS_ASKING,
    IS_POSTPONED,
    IS_UNANSWERED,
    IS_UNPLANNED,
    SUBTASK,
    TASK,
)
from storage.transaction import Transaction
from storage.turns import HEAD, OLDEST

_PEEK = HEAD.where(TASK.c.id == bindparam("of_task"))


class SqlTasks:
    """`domain.ports.Tasks` in SQL.

    Who holds a task lets others add rows that refer to it, such as posts, and is not passed over while they do
    (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS).
    """

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
            self._hold(turns.NAMED.of(self._transaction.connection), {"ids": fresh})
        return self._tasks.held(wanted)

    def lock_received(self, now: datetime, limit: int) -> list[Task]:
        """Tasks to plan."""
        return self._lock_free(limit, IS_UNPLANNED, TASK.c.model_away.is_(None), is_unclaimed(now), has_come(now))

    def lock_postponed(self, now: datetime, limit: int) -> list[Task]:
        """Tasks to plan, now that a model can be asked again."""
        return self._lock_free(limit, IS_POSTPONED, is_unclaimed(now))

    def lock_settled(self, now: datetime, limit: int) -> list[Task]:
        """Tasks to answer."""
        return self._lock_free(limit, IS_UNANSWERED, is_unclaimed(now))

    def lock_ready(self, now: datetime, limit: int) -> list[Task]:
        """Tasks with something to send, every user's oldest before anybody's next."""
        return self._held(self._hold(turns.READY, {"now": now, "limit": limit}))

    def lock_ready_of(self, ids: Collection[str], now: datetime) -> list[Task]:
        """Those of these tasks with something to send."""
        named = turns.READY_OF.of(self._transaction.connection)
        return self._held(self._hold(named, {"ids": list(ids), "now": now})) if ids else []

    def lock_overdue(self, now: datetime, leases_until: datetime, limit: int) -> list[Task]:
        """Tasks in which a time ran out."""
        given = {"now": now, "leases_until": leases_until, "limit": limit}
        return self._held(self._hold(turns.OVERDUE, given))

    def put(self, task: Task, attempts: Sequence[Attempt] = ()) -> Task:
        """Save what changed in a held task; one in which nothing did is returned as it is."""
        return self._tasks.put(task, attempts)

    def in_flight(self) -> Mapping[Scope, int]:
        """Subtasks on their way or running, per user."""
        counted = self._transaction.execute(turns.IN_FLIGHT)
        return {Scope(tenant=row.tenant, owner=row.owner): row.many for row in counted}

    def next_due(self) -> datetime | None:
        """The next time at which something becomes due; what is due already is not news."""
        found = self._transaction.execute(turns.NEXT_DUE, {"now": self._transaction.clock.now()}).one()
        return min((time for time in found if time is not None), default=None)

    def find(self, scope: Scope, task_id: str) -> Task | None:
        """One task of this user."""
        return self._read_one(HEAD.where(TASK.c.id == task_id, *is_of(scope)))

    def peek(self, task_id: str) -> Task | None:
        """One task, whoever owns it."""
        return self._read_one(_PEEK, {"of_task": task_id})

    def recent(
        self, scope: Scope | None, limit: int, offset: int = 0, states: Collection[TaskState] = ()
    ) -> list[TaskLine]:
        """The newest tasks with their progress."""
        columns = (TASK.c.id, TASK.c.state, TASK.c.request, TASK.c.created_at)
        newest = (
            select(*columns)
            .where(*(is_of(scope) if scope else ()), *is_one_of(states))
            .order_by(TASK.c.created_at.desc(), TASK.c.id.desc())
            .limit(limit)
            .offset(offset)
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

    def load(self, scope: Scope, since: datetime) -> Load:
        """What a user has asked for."""
        given = owner_values(scope) | {"since": since, "now": self._transaction.clock.now()}
        found = self._transaction.execute(LOAD, given).one()
        return Load(open=found.open, received=found.received, oldest_at=found.oldest_at)

    def gathering(self, scope: Scope, place: Place, now: datetime) -> str | None:
        """The newest task of this user in this place that more may be added to."""
        return self._first_id(gathering_in(scope, place, now))

    def fetching(self, platform: str, bot_id: str, limit: int) -> list[str]:
        """Tasks with files to fetch."""
        return list(self._transaction.execute(fetching_by(platform, bot_id, limit)).scalars())

    def starting(self, since: datetime, until: datetime) -> list[str]:
        """Tasks whose time came between these two."""
        return list(self._transaction.execute(starting_in(since, until)).scalars())

    def ahead(self, ids: Collection[str]) -> Mapping[str, int]:
        """How many are to be planned before each of these."""
        if not ids:
            return {}
        given = {"ids": list(ids), "now": self._transaction.clock.now()}
        return {row.id: row.ahead for row in self._transaction.execute(AHEAD, given)}

    def attempts(self, task_id: str) -> list[Attempt]:
        """The ended attempts of a task."""
        ended = select(ATTEMPT).where(ATTEMPT.c.task_id == task_id).order_by(ATTEMPT.c.ended_at, ATTEMPT.c.id)
        return [attempt_of(row) for row in self._transaction.execute(ended)]

    def asking(self, scope: Scope, route: Route) -> str | None:
        """The newest task of this user in this chat that waits for the answer to its question."""
        waiting = (
            select(TASK.c.id)
            .where(IS_ASKING, TASK.c.state == TaskState.WAITING.value, *is_of(scope), *is_in(route.place))
            .order_by(TASK.c.created_at.desc(), TASK.c.id.desc())
            .limit(1)
        )
        return self._first_id(waiting)

    def conversation(self, task: Task, since: datetime, limit: int) -> list[Exchange]:
        """What this user asked in this chat before, and what was answered; oldest first."""
        where = {name: value for name, value in place_values(task.route.place).items() if name != "bot_id"}
        given = {**owner_values(task.scope), **where, "since": since, "before": task.created_at, "most": limit}
        return [exchange_of(row) for row in self._transaction.execute(CONVERSATION, given)][::-1]

    def measured(self, since: datetime) -> Mapping[str, Measured]:
        """What each skill took since then."""
        return measured(self._transaction, since)

    def _lock_free(self, limit: int, *conditions: Condition) -> list[Task]:
        """The oldest tasks that nobody else holds."""
        oldest = HEAD.where(*conditions).order_by(*OLDEST).limit(limit)
        return self._held(self._hold(oldest.with_for_update(skip_locked=True, key_share=True)))

    def _held(self, ids: Iterable[str]) -> list[Task]:
        return list(self._tasks.held(ids).values())

    def _hold(self, locking: Select[str, int], given: Values | None = None) -> list[str]:
        versions = {row.id: row.version for row in self._transaction.execute(locking, given)}
        self._tasks.hold(versions)
        return list(versions)

    def _first_id(self, ids: Select[str]) -> str | None:
        found: str | None = self._transaction.execute(ids).scalar_one_or_none()
        return found

    def _read_one(self, heads: Select[str, int], given: Values | None = None) -> Task | None:
        versions = {row.id: row.version for row in self._transaction.execute(heads, given)}
        return next(iter(self._tasks.read(versions)), None)
