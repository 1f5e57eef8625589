"""A tiny store in memory: what stages and the response cache use of the port, with faults on demand."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from domain.agents import Worker
from domain.errors import StoreDown
from domain.model import Usage
from domain.ports import Call, Clock, Measured, Spend
from domain.task import Attempt, Exchange, Place, Route, Scope, Task, TaskState
from tests.fakes import FakeClock

T = TypeVar("T")


@dataclass
class FakeTasks:
    """`took` is what `measured` says."""

    rows: dict[str, Task] = field(default_factory=dict)
    took: dict[str, Measured] = field(default_factory=dict)

    def add(self, task: Task) -> None:
        self.rows[task.id] = task

    def lock(self, ids: Iterable[str]) -> dict[str, Task]:
        return {name: self.rows[name] for name in ids if name in self.rows}

    def lock_received(self, now: datetime, limit: int) -> list[Task]:
        return [task for task in self._free(now) if task.model_away is None][:limit]

    def lock_postponed(self, now: datetime, limit: int) -> list[Task]:
        return [task for task in self._free(now) if task.model_away is not None][:limit]

    def _free(self, now: datetime) -> list[Task]:
        free = [
            task
            for task in self.rows.values()
            if task.state in (TaskState.RECEIVED, TaskState.PLANNING)
            and task.settled_at is None
            and (task.claimed_until is None or task.claimed_until <= now)
        ]
        return sorted(free, key=lambda task: task.created_at)

    def put(self, task: Task, attempts: Sequence[Attempt] = ()) -> Task:
        self.rows[task.id] = replace(task, version=task.version + 1)
        return self.rows[task.id]

    def find(self, scope: Scope, task_id: str) -> Task | None:
        found = self.rows.get(task_id)
        return found if found is not None and found.scope == scope else None

    def peek(self, task_id: str) -> Task | None:
        return self.rows.get(task_id)

    def asking(self, scope: Scope, route: Route) -> str | None:
        waiting = [
            task
            for task in self.rows.values()
            if (task.scope, task.route.place, task.state) == (scope, route.place, TaskState.WAITING) and task.question
        ]
        return max(waiting, key=lambda task: task.created_at).id if waiting else None

    def conversation(self, task: Task, since: datetime, limit: int) -> list[Exchange]:
        earlier = [
            other
            for other in self.rows.values()
            if (other.scope, _chat(other.route)) == (task.scope, _chat(task.route))
            and since <= other.created_at < task.created_at
        ]
        answered = sorted((other for other in earlier if other.answer), key=lambda other: other.created_at)
        return [Exchange(said=one.request, reply=one.answer.text) for one in answered[-limit:] if one.answer]

    def measured(self, since: datetime) -> Mapping[str, Measured]:
        return self.took


def _chat(route: Route) -> Place:
    return replace(route.place, bot_id="")


@dataclass
class FakeRegistry:
    workers: list[Worker] = field(default_factory=list)

    def alive(self, since: datetime) -> list[Worker]:
        return [worker for worker in self.workers if worker.last_seen >= since]


@dataclass(frozen=True)
class Kept:
    """A row of the cache: a text, a lease, or both."""

    kind: str = ""
    text: str | None = None
    expires_at: datetime | None = None
    holder: str | None = None
    held_until: datetime | None = None


@dataclass
class FakeCache:
    clock: Clock = field(default_factory=FakeClock)
    rows: dict[tuple[Scope, str], Kept] = field(default_factory=dict)

    def get(self, scope: Scope, key: str, now: datetime) -> str | None:
        row = self.rows.get((scope, key), Kept())
        return row.text if row.expires_at is not None and row.expires_at > now else None

    def put(self, scope: Scope, key: str, kind: str, text: str, expires_at: datetime) -> None:
        self.rows[scope, key] = Kept(kind=kind, text=text, expires_at=expires_at)

    def lead(self, scope: Scope, key: str, holder: str, until: datetime) -> bool:
        row = self.rows.get((scope, key), Kept())
        if row.holder not in (None, holder) and row.held_until is not None and row.held_until > self.clock.now():
            return False
        self.rows[scope, key] = replace(row, holder=holder, held_until=until)
        return True

    def leave(self, scope: Scope, key: str, holder: str) -> None:
        row = self.rows.get((scope, key), Kept())
        if row.holder == holder:
            self.rows[scope, key] = replace(row, holder=None, held_until=None)

    def purge(self, scope: Scope) -> int:
        theirs = [place for place, row in self.rows.items() if place[0] == scope and row.text is not None]
        for place in theirs:
            del self.rows[place]
        return len(theirs)


@dataclass
class FakeCalls:
    rows: list[Call] = field(default_factory=list)

    def add(self, calls: Sequence[Call]) -> None:
        self.rows.extend(calls)

    def spent(self, scope: Scope, since: datetime) -> list[Spend]:
        return _summed([call for call in self.rows if call.scope == scope and call.at >= since])

    def spent_on(self, scope: Scope, task_id: str) -> list[Spend]:
        return _summed([call for call in self.rows if (call.scope, call.task_id) == (scope, task_id)])


def _summed(calls: Sequence[Call]) -> list[Spend]:
    groups = sorted({(call.purpose, call.usage.model) for call in calls})
    return [_spend([one for one in calls if (one.purpose, one.usage.model) == group]) for group in groups]


def _spend(calls: Sequence[Call]) -> Spend:
    asked = [call.usage for call in calls if not call.is_hit]
    return Spend(
        purpose=calls[0].purpose,
        model=calls[0].usage.model,
        calls=len(asked),
        hits=len(calls) - len(asked),
        failures=sum(usage.failed != "" for usage in asked),
        prompt_tokens=sum(usage.prompt_tokens for usage in asked),
        completion_tokens=sum(usage.completion_tokens for usage in asked),
        cost=sum(usage.cost for usage in asked),
        is_estimated=any(usage.is_estimated or _is_unpriced(usage) for usage in asked),
    )


def _is_unpriced(usage: Usage) -> bool:
    return usage.cost == 0 and usage.prompt_tokens + usage.completion_tokens > 0


@dataclass
class FakeStore:
    """`domain.ports.Store`. The next `downs` transactions raise StoreDown; one that raises changes nothing."""

    tasks: FakeTasks = field(default_factory=FakeTasks)
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    cache: FakeCache = field(default_factory=FakeCache)
    calls: FakeCalls = field(default_factory=FakeCalls)
    downs: int = 0

    async def transact(self, work: Callable[[Any], T]) -> T:
        if self.downs:
            self.downs -= 1
            raise StoreDown("error.store_down")
        before = (copy.copy(self.tasks.rows), copy.copy(self.cache.rows), copy.copy(self.calls.rows))
        try:
            return work(self)
        except Exception:
            self.tasks.rows, self.cache.rows, self.calls.rows = before
            raise

    async def close(self) -> None:
        pass
