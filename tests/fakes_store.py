"""A tiny store in memory: what the planner and the response cache use of the port, with faults on demand."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from domain.agents import Worker
from domain.errors import StoreDown
from domain.task import Attempt, Scope, Task

T = TypeVar("T")


@dataclass
class FakeTasks:
    rows: dict[str, Task] = field(default_factory=dict)

    def add(self, task: Task) -> None:
        self.rows[task.id] = task

    def lock(self, ids: Iterable[str]) -> dict[str, Task]:
        return {name: self.rows[name] for name in ids if name in self.rows}

    def lock_received(self, now: datetime, limit: int) -> list[Task]:
        free = [
            task
            for task in self.rows.values()
            if task.plan is None
            and task.settled_at is None
            and (task.claimed_until is None or task.claimed_until <= now)
        ]
        return sorted(free, key=lambda task: task.created_at)[:limit]

    def put(self, task: Task, attempts: Sequence[Attempt] = ()) -> Task:
        self.rows[task.id] = replace(task, version=task.version + 1)
        return self.rows[task.id]


@dataclass
class FakeRegistry:
    workers: list[Worker] = field(default_factory=list)

    def alive(self, since: datetime) -> list[Worker]:
        return [worker for worker in self.workers if worker.last_seen >= since]


@dataclass
class FakeCache:
    rows: dict[tuple[Scope, str], tuple[str, datetime]] = field(default_factory=dict)

    def get(self, scope: Scope, key: str, now: datetime) -> str | None:
        text, expires_at = self.rows.get((scope, key), ("", now))
        return text if expires_at > now else None

    def put(self, scope: Scope, key: str, text: str, expires_at: datetime) -> None:
        self.rows[scope, key] = (text, expires_at)


@dataclass
class FakeStore:
    """`domain.ports.Store`. The next `downs` transactions raise StoreDown; one that raises changes nothing."""

    tasks: FakeTasks = field(default_factory=FakeTasks)
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    cache: FakeCache = field(default_factory=FakeCache)
    downs: int = 0

    async def transact(self, work: Callable[[Any], T]) -> T:
        if self.downs:
            self.downs -= 1
            raise StoreDown("error.store_down")
        before = (copy.copy(self.tasks.rows), copy.copy(self.cache.rows))
        try:
            return work(self)
        except Exception:
            self.tasks.rows, self.cache.rows = before
            raise

    async def close(self) -> None:
        pass
