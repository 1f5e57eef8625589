"""One transaction with its repositories."""

from __future__ import annotations

from functools import cached_property

from storage.answers import Room, SqlAnswerCache
from storage.calls import SqlCalls
from storage.cursors import SqlCursors
from storage.dead import SqlDeadLetters
from storage.deliveries import SqlDeliveries
from storage.inbox import SqlInbox
from storage.leaders import SqlLeaders
from storage.offers import SqlOffers
from storage.outbox import SqlOutbox
from storage.people import SqlPeople
from storage.posts import SqlPosts
from storage.previews import SqlPreviews
from storage.registry import SqlRegistry
from storage.retention import SqlRetention
from storage.schedules import SqlSchedules
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
    def schedules(self) -> SqlSchedules:
        """What is handed in again and again, or later."""
        return SqlSchedules(self._transaction)

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

    @cached_property
    def dead(self) -> SqlDeadLetters:
        """Letters that died."""
        return SqlDeadLetters(self._transaction)

    @cached_property
    def retention(self) -> SqlRetention:
        """Old rows."""
        return SqlRetention(self._transaction)

    @cached_property
    def people(self) -> SqlPeople:
        """Who is known."""
        return SqlPeople(self._transaction)

    @cached_property
    def offers(self) -> SqlOffers:
        """What was shown to be approved."""
        return SqlOffers(self._transaction)

    @cached_property
    def previews(self) -> SqlPreviews:
        """Plans that were only shown."""
        return SqlPreviews(self._transaction)

    @cached_property
    def posts(self) -> SqlPosts:
        """Messages of ours."""
        return SqlPosts(self._transaction)

    @cached_property
    def leaders(self) -> SqlLeaders:
        """Who speaks for which token."""
        return SqlLeaders(self._transaction)

    @cached_property
    def cursors(self) -> SqlCursors:
        """How far chats were read."""
        return SqlCursors(self._transaction)
