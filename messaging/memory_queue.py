"""One queue of the in-process broker, with the rules of a classic RabbitMQ queue and no clock of its own."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from messaging.topology import Queue
from messaging.waiting import Waiting


@dataclass(slots=True, kw_only=True, eq=False)
class Message:
    """A letter inside the broker. `order` is its place in its queue, to which it comes back when it is redelivered."""

    key: str
    body: bytes
    priority: int = 0
    expires_at: datetime | None = None
    reason: str | None = None
    is_redelivered: bool = False
    order: int = 0

    def __lt__(self, other: Message) -> bool:
        return self.order < other.order


class Consumer:
    """Whoever takes from a queue: what it was given and has not fetched, and what it has not settled.

    `changed` is set when there is something new for it to look at.
    """

    def __init__(self, prefetch: int) -> None:
        self.prefetch = prefetch
        self.changed = asyncio.Event()
        self.is_gone = False
        self.arrived: Waiting[Message] = Waiting()
        self.unsettled: set[Message] = set()

    @property
    def has_room(self) -> bool:
        """Whether it may be given another one."""
        return len(self.unsettled) < self.prefetch

    def give(self, message: Message) -> None:
        """Hand over one message."""
        self.unsettled.add(message)
        self.arrived.add(message.priority, message)
        self.changed.set()

    def settle(self, messages: Iterable[Message]) -> list[Message]:
        """Forget those; return the ones that were still to be settled."""
        known = [message for message in messages if message in self.unsettled]
        self.unsettled.difference_update(known)
        return known

    def leave(self) -> list[Message]:
        """Take nothing more; return what was not settled."""
        self.is_gone = True
        self.arrived.clear()
        self.changed.set()
        return self.settle(tuple(self.unsettled))


class MemoryQueue:
    """Messages in order of priority, then of arrival, pushed to consumers in turn."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.consumers: deque[Consumer] = deque()
        self._levels: dict[int, list[Message]] = {}
        self._count = 0
        self._max_priority = int(queue.arguments.get("x-max-priority", 0))
        self._max_length = queue.arguments.get("x-max-length")
        self._ttl_ms = queue.arguments.get("x-message-ttl")

    @property
    def dead_letters_to(self) -> tuple[str, str] | None:
        """Exchange and key for what dies here."""
        exchange = self.queue.arguments.get("x-dead-letter-exchange")
        return None if exchange is None else (str(exchange), str(self.queue.arguments["x-dead-letter-routing-key"]))

    @property
    def waiting(self) -> int:
        """How many messages are here that no consumer was given."""
        return sum(map(len, self._levels.values()))

    def put(self, message: Message, now: datetime) -> list[Message]:
        """Add a message at its place. Returns those that no longer fit."""
        self._count += 1
        message.order = self._count
        message.priority = min(message.priority, self._max_priority)
        if self._ttl_ms is not None:
            own = message.expires_at
            limit = now + timedelta(milliseconds=int(self._ttl_ms))
            message.expires_at = limit if own is None else min(own, limit)
        self._push(message)
        return self._surplus()

    def put_back(self, messages: Iterable[Message]) -> None:
        """Return messages that were given and not settled to where they were."""
        for message in messages:
            message.is_redelivered = True
            self._push(message)

    def deliver(self) -> None:
        """Give what waits to consumers with room, in turn."""
        while self._levels and (consumer := self._next_consumer()) is not None:
            consumer.give(self._pop(max(self._levels)))

    def expired(self, now: datetime) -> list[Message]:
        """Take out what is past its time. Only what would be delivered next can leave, as on RabbitMQ 3.10."""
        gone = []
        while (due := self.next_expiry()) is not None and due <= now:
            gone.append(self._pop(max(self._levels)))
        return gone

    def next_expiry(self) -> datetime | None:
        """When the message that would be delivered next is past its time."""
        return self._levels[max(self._levels)][0].expires_at if self._levels else None

    def _push(self, message: Message) -> None:
        heapq.heappush(self._levels.setdefault(message.priority, []), message)

    def _pop(self, priority: int) -> Message:
        level = self._levels[priority]
        message = heapq.heappop(level)
        if not level:
            del self._levels[priority]
        return message

    def _surplus(self) -> list[Message]:
        if self._max_length is None:
            return []
        surplus = self.waiting - int(self._max_length)
        return [self._pop(min(self._levels)) for _ in range(surplus)]

    def _next_consumer(self) -> Consumer | None:
        for _ in range(len(self.consumers)):
            self.consumers.rotate(-1)
            if self.consumers[-1].has_room:
                return self.consumers[-1]
        return None
