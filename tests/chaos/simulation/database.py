"""A database that fails: before a commit, after it, in the middle of the work, or for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from domain.errors import StoreDown
from domain.ports import Clock, UnitOfWork
from domain.task import Task
from tests.chaos.simulation.life import Life
from tests.twins.rows import Database
from tests.twins.store import MemoryStore

T = TypeVar("T")

DOWN, CONFLICT, UNSURE = 0.01, 0.01, 0.005

Saw = Callable[[Task | None, Task], None]


class WatchedDatabase(Database):
    """Tells somebody about every task that a commit changed: as it was, as it is."""

    saw: Saw
    is_up: bool = True

    def commit(self) -> None:
        before: dict[str, Task | None] = {}
        for change in self.journal:
            if change.rows is self.tasks:
                before.setdefault(change.key, change.before)
        super().commit()
        for task_id, task in before.items():
            self.saw(task, self.tasks[task_id])


class Gate:
    """One process's way to the database: `domain.ports.Store`."""

    def __init__(self, database: WatchedDatabase, life: Life, clock: Clock) -> None:
        self._database = database
        self._store = MemoryStore(database, clock)
        self._life = life

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        await self._life.point()
        chance = self._life.chance
        if not self._database.is_up or chance.goes_wrong(DOWN):
            raise StoreDown("error.store_down")
        if chance.goes_wrong(CONFLICT):
            self._store.tried(work)
        result = self._store.transacted(work)
        if chance.goes_wrong(UNSURE):
            raise StoreDown("error.store_down")
        await self._life.point()
        return result

    async def close(self) -> None:
        """It ends with its process."""
