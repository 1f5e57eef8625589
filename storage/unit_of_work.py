"""One transaction with its repositories."""

from __future__ import annotations

from functools import cached_property

from storage.answers import Room, SqlAnswerCache
from storage.calls import SqlCalls
from storage.deliveries import SqlDeliveries
from storage.inbox import SqlInbox
from storage.outbox import SqlOutbox
from storage.registry import SqlRegistry
from storage.tasks import SqlTasks
from storage.transaction import Transaction


class SqlUnitOfWork:
    """`domain.ports.UnitOfWork` in SQL."""

    def __init__(self, transaction: Transaction, room: Room) -> None:
        self._transaction = transaction
        self._room = room

    @cached_property
    def tasks(self) -> SqlTasks:
        """Tasks with their plan and progress."""
        return SqlTasks(self._transaction)

    @cached_property
    def outbox(self) -> SqlOutbox:
        """What was dispatched and not confirmed."""
        return SqlOutbox(self._transaction)

    @cached_property
    def inbox(self) -> SqlInbox:
        """Updates already taken."""
        return SqlInbox(self._transaction)

    @cached_property
    def deliveries(self) -> SqlDeliveries:
        """What chats have been shown."""
        return SqlDeliveries(self._transaction)

    @cached_property
    def registry(self) -> SqlRegistry:
        """Who is alive."""
        return SqlRegistry(self._transaction)

    @cached_property
    def cache(self) -> SqlAnswerCache:
        """Kept plans, answers and results."""
        return SqlAnswerCache(self._transaction, self._room)

    @cached_property
    def calls(self) -> SqlCalls:
        """What language models were asked."""
        return SqlCalls(self._transaction)
