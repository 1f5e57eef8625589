"""Tasks and what hangs on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from domain.ends import has_begun
from domain.ids import SubtaskId
from domain.messages import KEPT
from domain.people import Load
from domain.ports import Clock, Measured, TaskLine
from domain.steering import is_fetching
from domain.task import (
    FINAL,
    FINAL_TASK,
    IN_FLIGHT,
    Attempt,
    Exchange,
    Outcome,
    Place,
    Route,
    Scope,
    Subtask,
    SubtaskState,
    Task,
    TaskState,
)
from tests.twins.rows import Database, Shown

UNPLANNED = (TaskState.RECEIVED, TaskState.PLANNING)


class MemoryTasks:
    """`domain.ports.Tasks`. Transactions come one after the other, so a lock only says what may be put."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._rows = database.tasks
        self._clock = clock
        self._held: set[str] = set()

    def add(self, task: Task) -> None:
        if task.id in self._rows:
            raise KeyError(task.id)
        self._rows.put(task.id, task)
        self._database.shown.put(task.id, Shown())
        self._held.add(task.id)

    def lock(self, ids: Iterable[str]) -> dict[str, Task]:
        there = [task_id for task_id in dict.fromkeys(ids) if task_id in self._rows]
        self._held.update(there)
        return {task_id: self._rows[task_id] for task_id in there}

    def lock_received(self, now: datetime, limit: int) -> list[Task]:
        return self._lock(limit, lambda task: _is_unplanned(task) and task.model_away is None and _is_free(task, now))

    def lock_postponed(self, now: datetime, limit: int) -> list[Task]:
        return self._lock(
            limit, lambda task: _is_unplanned(task) and task.model_away is not None and _is_unclaimed(task, now)
        )

    def lock_settled(self, now: datetime, limit: int) -> list[Task]:
        return self._lock(
            limit,
            lambda task: task.settled_at is not None and task.answer is None and _is_unclaimed(task, now),
        )

    def lock_ready(self, now: datetime, limit: int) -> list[Task]:
        queues: Counter[Scope] = Counter()
        turns: list[tuple[int, str]] = []
        for task in self._oldest(lambda task: True):
            if _moves(task, now):
                queues[task.scope] += 1
                turns.append((queues[task.scope], task.id))
        first = {task_id for _, task_id in sorted(turns)[:limit]}
        return self._lock(limit, lambda task: task.id in first)

    def lock_ready_of(self, ids: Collection[str], now: datetime) -> list[Task]:
        named = [self._rows[task_id] for task_id in sorted(set(ids)) if task_id in self._rows]
        ready = [task for task in named if _moves(task, now)]
        self._held.update(task.id for task in ready)
        return ready

    def lock_overdue(self, now: datetime, leases_until: datetime, limit: int) -> list[Task]:
        def is_overdue(task: Task) -> bool:
            if task.settled_at is not None:
                return False
            is_expired = task.expires_at is not None and task.expires_at <= now and not has_begun(task)
            is_late = any(_is_late(sub, now, leases_until) for sub in task.subtasks.values())
            return task.deadline_at <= now or is_expired or is_late

        return self._lock(limit, is_overdue)

    def put(self, task: Task, attempts: Sequence[Attempt] = ()) -> Task:
        if task.id not in self._held or task.version != self._rows[task.id].version:
            raise KeyError(task.id)
        if task is self._rows[task.id] and not attempts:
            return task
        raised = replace(task, version=task.version + 1)
        self._rows.put(task.id, raised)
        if attempts:
            self._database.attempts.put(task.id, (*self.attempts(task.id), *attempts))
        return raised

    def in_flight(self) -> Mapping[Scope, int]:
        counted: Counter[Scope] = Counter()
        for task in self._rows.values():
            if many := sum(sub.state in IN_FLIGHT for sub in task.subtasks.values()):
                counted[task.scope] += many
        return counted

    def next_due(self) -> datetime | None:
        now = self._clock.now()
        times = (time for task in self._rows.values() for time in _times(task))
        return min((time for time in times if time > now), default=None)

    def find(self, scope: Scope, task_id: str) -> Task | None:
        found = self._rows.get(task_id)
        return found if found is not None and found.scope == scope else None

    def peek(self, task_id: str) -> Task | None:
        return self._rows.get(task_id)

    def recent(
        self, scope: Scope | None, limit: int, offset: int = 0, states: Collection[TaskState] = ()
    ) -> list[TaskLine]:
        wanted = self._newest(lambda task: scope in (None, task.scope) and (not states or task.state in states))
        return [_line(task) for task in wanted[offset : offset + limit]]

    def load(self, scope: Scope, since: datetime) -> Load:
        theirs = [task for task in self._rows.values() if task.scope == scope]
        received = [task.created_at for task in theirs if task.created_at >= since]
        now = self._clock.now()
        is_open = [
            task.state not in FINAL_TASK and task.answered_at is None and _has_come(task, now) for task in theirs
        ]
        return Load(open=sum(is_open), received=len(received), oldest_at=min(received, default=None))

    def gathering(self, scope: Scope, place: Place, now: datetime) -> str | None:
        def may_grow(task: Task) -> bool:
            is_untouched = task.plan is None and task.claimed_by is None and task.settled_at is None
            is_held = task.claimed_until is not None and task.claimed_until > now
            is_here = (task.scope, task.route.place) == (scope, place)
            return is_here and is_untouched and is_held and task.state is TaskState.RECEIVED and task.run_at is None

        return self._newest_id(may_grow)

    def fetching(self, platform: str, bot_id: str, limit: int) -> list[str]:
        def lacks_files(task: Task) -> bool:
            is_theirs = (task.route.platform, task.route.bot_id) == (platform, bot_id)
            return is_theirs and task.settled_at is None and is_fetching(task.uploads)

        return [task.id for task in self._oldest(lacks_files)[:limit]]

    def ahead(self, ids: Collection[str]) -> Mapping[str, int]:
        now, asked = self._clock.now(), set(ids)
        received = self._oldest(lambda task: _is_unplanned(task) and task.state is TaskState.RECEIVED)
        ahead, counted = 0, {}
        for task in received:
            if task.id in asked and _has_come(task, now):
                counted[task.id] = ahead
            ahead += _is_free(task, now)
        return counted

    def starting(self, since: datetime, until: datetime) -> list[str]:
        times = [
            (task.run_at, task.id)
            for task in self._rows.values()
            if task.run_at is not None and task.settled_at is None and since < task.run_at <= until
        ]
        return [task_id for _, task_id in sorted(times)]

    def attempts(self, task_id: str) -> list[Attempt]:
        ended = self._database.attempts.get(task_id) or ()
        return sorted(ended, key=lambda attempt: attempt.ended_at)

    def asking(self, scope: Scope, route: Route) -> str | None:
        def asks(task: Task) -> bool:
            is_here = (task.scope, task.route.place) == (scope, route.place)
            return is_here and task.question is not None and task.state is TaskState.WAITING

        return self._newest_id(asks)

    def conversation(self, task: Task, since: datetime, limit: int) -> list[Exchange]:
        def was_before(other: Task) -> bool:
            is_here = other.scope == task.scope and _chat(other.route) == _chat(task.route)
            return is_here and other.answer is not None and since <= other.created_at < task.created_at

        newest = self._newest(was_before)[:limit]
        return [Exchange(said=one.request, reply=one.answer.text) for one in reversed(newest) if one.answer]

    def measured(self, since: datetime) -> Mapping[str, Measured]:
        took: dict[str, list[float]] = {}
        for attempts in self._database.attempts.values():
            for one in attempts:
                if one.ended_at >= since and (seconds := _worked_s(one)) is not None:
                    took.setdefault(one.skill, []).append(seconds)
        costs: Counter[str] = Counter()
        for call in self._database.calls.values():
            if call.at >= since and not call.is_hit and call.skill:
                costs[call.skill] += call.usage.cost  # type: ignore[assignment] # a counter of dollars
        return {
            skill: Measured(attempts=len(all_s), seconds=sum(all_s) / len(all_s), cost=costs[skill] / len(all_s))
            for skill, all_s in took.items()
        }

    # --- which ones ---------------------------------------------------------------------------------------------------

    def _lock(self, limit: int, condition: Callable[[Task], bool]) -> list[Task]:
        found = self._oldest(condition)[:limit]
        self._held.update(task.id for task in found)
        return found

    def _oldest(self, condition: Callable[[Task], bool]) -> list[Task]:
        return sorted(filter(condition, self._rows.values()), key=lambda task: (task.created_at, task.id))

    def _newest(self, condition: Callable[[Task], bool]) -> list[Task]:
        return self._oldest(condition)[::-1]

    def _newest_id(self, condition: Callable[[Task], bool]) -> str | None:
        return next((task.id for task in self._newest(condition)), None)


class MemoryOutbox:
    """`domain.ports.Outbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unpublished(self, dispatched_before: datetime, limit: int) -> list[tuple[SubtaskId, int]]:
        waiting = [
            (sub.dispatched_at, task_id, place, (SubtaskId(task_id, sub.key), sub.attempt))
            for task_id, task in self._database.tasks.items()
            for place, sub in enumerate(task.subtasks.values())
            if sub.state is SubtaskState.DISPATCHED
            and (SubtaskId(task_id, sub.key), sub.attempt) not in self._database.published
            and sub.dispatched_at is not None
            and sub.dispatched_at <= dispatched_before
        ]
        return [sent for *_, sent in sorted(waiting)[:limit]]

    def confirm(self, sent: Collection[tuple[SubtaskId, int]], at: datetime) -> None:
        for name, attempt in sent:
            task = self._database.tasks.get(name.task)
            sub = task.subtasks.get(name.key) if task else None
            if sub is not None and sub.attempt == attempt:
                self._database.published.put((name, attempt), at)

    def forget(self) -> None:
        for name, attempt in [sent for sent, _ in self._database.published.items()]:
            if self._database.tasks[name.task].subtasks[name.key].state is SubtaskState.DISPATCHED:
                self._database.published.pop((name, attempt))


def _is_unplanned(task: Task) -> bool:
    return task.state in UNPLANNED and task.settled_at is None


def _is_unclaimed(task: Task, now: datetime) -> bool:
    return task.claimed_until is None or task.claimed_until <= now


def _has_come(task: Task, now: datetime) -> bool:
    return task.run_at is None or task.run_at <= now


def _is_free(task: Task, now: datetime) -> bool:
    return _is_unclaimed(task, now) and _has_come(task, now)


def _moves(task: Task, now: datetime) -> bool:
    return _has_ready(task, now) and (task.state is not TaskState.WAITING or task.question is not None)


def _has_ready(task: Task, now: datetime) -> bool:
    return any(
        sub.state is SubtaskState.READY and (sub.due_at is None or sub.due_at <= now) for sub in task.subtasks.values()
    )


def _is_late(sub: Subtask, now: datetime, leases_until: datetime) -> bool:
    if sub.state not in IN_FLIGHT:
        return False
    return (sub.due_at is not None and sub.due_at <= now) or (sub.lease is not None and sub.lease.until <= leases_until)


def _times(task: Task) -> Iterator[datetime]:
    if task.settled_at is None:
        yield task.deadline_at
        if task.expires_at is not None:
            yield task.expires_at
    for sub in task.subtasks.values():
        if sub.due_at is not None and (sub.state in IN_FLIGHT or sub.state is SubtaskState.READY):
            yield sub.due_at
        if sub.lease is not None:
            yield sub.lease.until


def _chat(route: Route) -> Place:
    return replace(route.place, bot_id="")


def _line(task: Task) -> TaskLine:
    done = sum(sub.state in FINAL for sub in task.subtasks.values())
    return TaskLine(
        id=task.id,
        state=task.state,
        request=task.request,
        created_at=task.created_at,
        done=done,
        total=len(task.subtasks),
    )


def _worked_s(attempt: Attempt) -> float | None:
    if attempt.outcome is not Outcome.SUCCEEDED or attempt.started_at is None or attempt.agent == KEPT:
        return None
    return (attempt.ended_at - attempt.started_at).total_seconds()
