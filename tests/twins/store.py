"""The database's twin: `domain.ports.Store` in memory, one transaction after the other, without threads.

It passes the store's contract (tests/contract), except for what only rows on a disk can show. Transactions never
overlap, so who waits for whom is left to the contract on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from domain.ports import Clock, UnitOfWork
from tests.twins import chats, control, dead
from tests.twins.rows import Database
from tests.twins.tasks import MemoryOutbox, MemoryTasks

T = TypeVar("T")


class MemoryUnitOfWork:
    """`domain.ports.UnitOfWork`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @cached_property
    def tasks(self) -> MemoryTasks:
        return MemoryTasks(self._database, self._clock)

    @cached_property
    def schedules(self) -> control.MemorySchedules:
        return control.MemorySchedules(self._database, self._clock)

    @cached_property
    def outbox(self) -> MemoryOutbox:
        return MemoryOutbox(self._database)

    @cached_property
    def inbox(self) -> chats.MemoryInbox:
        return chats.MemoryInbox(self._database, self._clock)

    @cached_property
    def deliveries(self) -> chats.MemoryDeliveries:
        return chats.MemoryDeliveries(self._database)

    @cached_property
    def registry(self) -> control.MemoryRegistry:
        return control.MemoryRegistry(self._database)

    @cached_property
    def cache(self) -> control.MemoryCache:
        return control.MemoryCache(self._database, self._clock)

    @cached_property
    def calls(self) -> control.MemoryCalls:
        return control.MemoryCalls(self._database)

    @cached_property
    def dead(self) -> dead.MemoryDeadLetters:
        return dead.MemoryDeadLetters(self._database)

    @cached_property
    def people(self) -> chats.MemoryPeople:
        return chats.MemoryPeople(self._database, self._clock)

    @cached_property
    def offers(self) -> chats.MemoryOffers:
        return chats.MemoryOffers(self._database)

    @cached_property
    def previews(self) -> chats.MemoryPreviews:
        return chats.MemoryPreviews(self._database, self._clock)

    @cached_property
    def posts(self) -> chats.MemoryPosts:
        return chats.MemoryPosts(self._database)

    @cached_property
    def leaders(self) -> chats.MemoryLeaders:
        return chats.MemoryLeaders(self._database)

    @cached_property
    def cursors(self) -> chats.MemoryCursors:
        return chats.MemoryCursors(self._database)


class MemoryStore:
    """One process at the database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        return self.transacted(work)

    def transacted(self, work: Callable[[UnitOfWork], T]) -> T:
        """The same at once."""
        try:
            result = work(MemoryUnitOfWork(self._database, self._clock))
        except BaseException:
            self._database.roll_back()
            raise
        self._database.commit()
        return result

    def tried(self, work: Callable[[UnitOfWork], T]) -> T:
        """What work returns that is taken back, as after a conflict."""
        try:
            return work(MemoryUnitOfWork(self._database, self._clock))
        finally:
            self._database.roll_back()

    async def close(self) -> None:
        """Nothing is held."""
