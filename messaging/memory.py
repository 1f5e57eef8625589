"""RabbitMQ's twin inside this process: the same semantics, no server, nothing kept when the process ends.

Nothing runs in the background: whoever waits for a message also waits for the moment the next one expires.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from domain.backlog import Depth
from domain.errors import BrokerDown, Unavailable, Unroutable
from domain.ports import Clock, Connection
from messaging.memory_queue import Consumer, MemoryQueue, Message
from messaging.topology import Queue, Topology
from messaging.transport import Letter, Parcel, Source

MAX_ROUTES = 10_000  # remembered; past that they are worked out anew


class MemoryTransport:
    """A whole broker. Every bus of a process shares one.

    Args:
        clock: decides when messages expire.
    """

    def __init__(self, clock: Clock) -> None:
        self.topology = Topology()
        self._clock = clock
        self._since = clock.now()
        self._generation = 0
        self._numbers = count(1)
        self._queues: dict[str, MemoryQueue] = {}
        self._routes: dict[tuple[str, str], list[MemoryQueue]] = {}
        self._alarm_at: datetime | None = None

    def connection(self) -> Connection:
        """See Transport. It stands from the beginning."""
        return Connection(since=self._since, generation=self._generation)

    async def declare(self, queues: Iterable[Queue]) -> None:
        """See Transport."""
        for queue in queues:
            self._declared(queue)

    async def publish(self, letters: Sequence[Letter]) -> Sequence[Unavailable | None]:
        """See Transport."""
        now = self._clock.now()
        return [self._refusal(letter, now) for letter in letters]

    async def send(self, letters: Sequence[Letter]) -> None:
        """See Transport."""
        await self.publish(letters)

    @asynccontextmanager
    async def consume(self, queue: Queue, prefetch: int) -> AsyncIterator[Source]:
        """See Transport."""
        held = self._declared(queue)
        consumer = Consumer(prefetch)
        held.consumers.append(consumer)
        self.turn(held)
        try:
            yield _MemorySource(self, held, consumer)
        finally:
            held.consumers.remove(consumer)
            held.put_back(consumer.leave())
            if queue.is_exclusive and not held.consumers:
                self._forget(held)
            self.turn(held)

    async def depth(self, name: str) -> Depth | None:
        """See Transport."""
        self.turn_all()
        queue = self._queues.get(name)
        return None if queue is None else Depth(messages=queue.waiting, consumers=len(queue.consumers))

    async def close(self) -> None:
        """Nothing is held outside this process, and other buses may still use it."""

    def turn(self, queue: MemoryQueue, rejected: Iterable[Message] = ()) -> None:
        """After anything changed in a queue: bury what died, let the next ones out, see when the alarm is due."""
        self._bury(queue, rejected, "rejected")
        self._bury(queue, queue.expired(self._clock.now()), "expired")
        queue.deliver()
        expiry = queue.next_expiry()
        if expiry is not None and (self._alarm_at is None or expiry < self._alarm_at):
            self._alarm_at = expiry
            self._wake_all()

    def turn_all(self) -> None:
        """After time passed."""
        self._alarm_at = None
        for queue in tuple(self._queues.values()):
            self.turn(queue)

    async def wait(self, changed: asyncio.Event) -> None:
        """Return when `changed` is set, or time has come to look again."""
        if self._alarm_at is None:
            await changed.wait()
        elif (seconds := (self._alarm_at - self._clock.now()).total_seconds()) > 0:
            async with asyncio.TaskGroup() as group:
                alarm = group.create_task(self._alarm(seconds))
                await changed.wait()
                alarm.cancel()
        else:
            self.turn_all()

    async def _alarm(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self.turn_all()
        self._wake_all()

    def _wake_all(self) -> None:
        for queue in self._queues.values():
            for consumer in queue.consumers:
                consumer.changed.set()

    def _declared(self, queue: Queue) -> MemoryQueue:
        name = queue.name or f"amq.gen-{next(self._numbers)}"
        if name not in self._queues:
            self._generation += name == self.topology.star.name
            self._queues[name] = MemoryQueue(queue)
            self._routes.clear()
        return self._queues[name]

    def _forget(self, queue: MemoryQueue) -> None:
        self._queues = {name: other for name, other in self._queues.items() if other is not queue}
        self._routes.clear()

    def _refusal(self, letter: Letter, now: datetime) -> Unroutable | None:
        expires_at = None if letter.ttl_ms is None else now + timedelta(milliseconds=letter.ttl_ms)
        queues = self._reached_by(letter.exchange, letter.key)
        for queue in queues:
            self._put(
                queue, Message(key=letter.key, body=letter.body, priority=letter.priority, expires_at=expires_at), now
            )
        return None if queues else Unroutable("error.unroutable", queue=letter.key)

    def _put(self, queue: MemoryQueue, message: Message, now: datetime) -> None:
        self._bury(queue, queue.put(message, now), "maxlen")
        self.turn(queue)

    def _bury(self, queue: MemoryQueue, dead: Iterable[Message], reason: str) -> None:
        if (address := queue.dead_letters_to) is None:
            return
        exchange, key = address
        for message in dead:
            for grave in self._reached_by(exchange, key):
                self._put(
                    grave, Message(key=key, body=message.body, reason=message.reason or reason), self._clock.now()
                )

    def _reached_by(self, exchange: str, key: str) -> list[MemoryQueue]:
        if (exchange, key) not in self._routes:
            if len(self._routes) >= MAX_ROUTES:
                self._routes.clear()
            self._routes[exchange, key] = self._worked_out(exchange, key)
        return self._routes[exchange, key]

    def _worked_out(self, exchange: str, key: str) -> list[MemoryQueue]:
        if not exchange:
            return [self._queues[key]] if key in self._queues else []
        words = key.split(".")
        return [
            queue
            for queue in self._queues.values()
            if any(b.exchange == exchange and matches(b.key.split("."), words) for b in queue.queue.bindings)
        ]


class _MemorySource:
    """One consumer's end of a queue."""

    def __init__(self, transport: MemoryTransport, queue: MemoryQueue, consumer: Consumer) -> None:
        self._transport = transport
        self._queue = queue
        self._consumer = consumer

    async def batch(self, limit: int) -> Sequence[Parcel]:
        """See Source."""
        self._transport.turn_all()
        arrived = self._consumer.arrived
        while not arrived:
            if self._consumer.is_gone:
                raise BrokerDown("error.broker_down")
            self._consumer.changed.clear()
            await self._transport.wait(self._consumer.changed)
        return [_parcel(message) for message in arrived.take(limit)]

    async def widen(self, prefetch: int) -> None:
        """See Source."""
        self._consumer.prefetch = prefetch
        self._transport.turn(self._queue)

    async def ack(self, tags: Sequence[Any]) -> None:
        """See Source."""
        self._consumer.settle(tags)
        self._transport.turn(self._queue)

    async def reject(self, tags: Sequence[Any]) -> None:
        """See Source."""
        self._transport.turn(self._queue, self._consumer.settle(tags))


def _parcel(message: Message) -> Parcel:
    return Parcel(
        key=message.key,
        body=message.body,
        is_redelivered=message.is_redelivered,
        reason=message.reason,
        tag=message,
    )


def matches(pattern: Sequence[str], words: Sequence[str]) -> bool:
    """Whether a binding key reaches a routing key, both split at their dots."""
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(matches(pattern[1:], words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and matches(pattern[1:], words[1:])


def memory_transport(clock: Clock) -> MemoryTransport:
    """A broker inside this process; share it among its buses."""
    return MemoryTransport(clock)
