"""A broker that keeps no promise but one: what it confirmed it has, until it loses everything.

The queues are those of the in-process transport; between them and each process lies a line that loses, repeats, delays
and breaks. What a line does about that is what `messaging.rabbit` does: it comes back, makes sure of its queues, and
takes up its subscriptions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from domain.errors import BrokerDown, Taken, Unavailable
from domain.ports import Clock, Connection
from messaging.memory import MemoryTransport
from messaging.memory_queue import Consumer, MemoryQueue, Message
from messaging.topology import Queue
from messaging.transport import Letter, Parcel, Source
from tests.chaos.simulation.chance import Chance
from tests.chaos.simulation.life import Life

log = structlog.get_logger()

LOST, UNCONFIRMED, DOUBLED, BROKEN, SHUFFLED = 0.03, 0.05, 0.02, 0.003, 0.1
LATE_S = (0.5, 10.0)  # how much later an unconfirmed letter may still arrive


class Broker(MemoryTransport):
    """The queues."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        super().__init__(clock)
        self.chance = chance
        self.is_up = True
        self.lines: list[Line] = []
        self._timer: asyncio.TimerHandle | None = None

    def goes_down(self) -> None:
        """Everybody is cut off, what is transient is gone, and any message may have been delivered before."""
        log.info("broker_down")
        self.is_up = False
        for line in tuple(self.lines):
            line.breaks()
        self._queues.pop(self.topology.heartbeats.name, None)
        self._routes.clear()
        for queue in self._queues.values():
            for level in queue._levels.values():
                for message in level:
                    message.is_redelivered |= self.chance.happens(0.7)

    def comes_up(self, *, empty: bool) -> None:
        """Start again, perhaps from an empty disk."""
        log.info("broker_up", empty=empty)
        self.is_up = True
        if empty:
            self._queues.clear()
            self._routes.clear()
        for line in self.lines:
            line.comes_back_soon()

    def loses_a_queue(self) -> None:
        """One of the durable queues is deleted, with all that is in it; its consumers have to come again."""
        durable = [queue for queue in self._queues.values() if not queue.queue.is_exclusive]
        if not durable:
            return
        lost = self.chance.choice(durable)
        log.info("queue_lost", queue=lost.queue.name)
        self._forget(lost)
        for line in tuple(self.lines):
            if line.consumes(lost):
                line.breaks_for_a_while()

    def put(self, letter: Letter) -> Unavailable | None:
        """Have a letter in its queues."""
        return self._refusal(letter, self._clock.now())

    def has(self, queue: Queue) -> bool:
        return queue.name in self._queues

    def is_taken(self, queue: Queue) -> bool:
        """Whether somebody consumes it."""
        return queue.name in self._queues and bool(self._queues[queue.name].consumers)

    def opened(self, queue: Queue) -> MemoryQueue:
        """The queue, made if it is not there."""
        return self._declared(queue)

    def left(self, queue: MemoryQueue, consumer: Consumer) -> None:
        """A consumer is gone; what it held comes again."""
        queue.consumers.remove(consumer)
        queue.put_back(consumer.leave())
        if queue not in self._queues.values():
            return
        if queue.queue.is_exclusive and not queue.consumers:
            self._forget(queue)
        else:
            self.turn(queue)

    def _wake_all(self) -> None:
        """One alarm for everybody, instead of everybody's own."""
        if self._timer is not None:
            self._timer.cancel()
        assert self._alarm_at is not None
        due_s = max(0.0, (self._alarm_at - self._clock.now()).total_seconds())
        self._timer = asyncio.get_running_loop().call_later(due_s + 0.001, self.turn_all)


class Line:
    """One process's connection to the broker: `messaging.transport.Transport`."""

    def __init__(self, broker: Broker, life: Life, clock: Clock) -> None:
        self.broker = broker
        self.life = life
        self.topology = broker.topology
        self._clock = clock
        self._chance = broker.chance
        self._since: datetime | None = None
        self._generation = 0
        self._kept: dict[str, Queue] = {}
        self._sources: list[LineSource] = []
        broker.lines.append(self)
        life.on_end.append(self._ends)
        self._comes_back()

    # --- Transport ----------------------------------------------------------------------------------------------------

    def connection(self) -> Connection:
        return Connection(since=self._since, generation=self._generation)

    async def declare(self, queues: Iterable[Queue]) -> None:
        wanted = {queue.name: queue for queue in sorted(queues, key=lambda queue: queue.name)}
        self._kept |= wanted
        await self.life.point()
        if self._since is None:
            raise BrokerDown("error.broker_down")
        for queue in wanted.values():
            self.declared(queue)

    async def publish(self, letters: Sequence[Letter]) -> Sequence[Unavailable | None]:
        await self.life.point()
        refusals = [self._published(letter) for letter in letters]
        await self.life.point()
        return refusals

    async def send(self, letters: Sequence[Letter]) -> None:
        await self.life.point()
        for letter in letters:
            if self._since is not None and not self._chance.goes_wrong(LOST):
                self.broker.put(letter)

    @asynccontextmanager
    async def consume(self, queue: Queue, prefetch: int) -> AsyncIterator[Source]:
        await self.life.point()
        if queue.is_exclusive and self.broker.is_taken(queue):
            raise Taken("error.queue_taken", name=queue.name)
        source = LineSource(self, queue, prefetch)
        self._sources.append(source)
        if self._since is not None:
            source.attach()
        try:
            yield source
        finally:
            self._sources.remove(source)
            source.close()

    async def close(self) -> None:
        """It ends with its process."""

    # --- what happens to it -------------------------------------------------------------------------------------------

    @property
    def is_there(self) -> bool:
        return self._since is not None

    def breaks(self) -> None:
        """The connection is lost."""
        self._since = None
        for source in self._sources:
            source.detach()

    def consumes(self, queue: MemoryQueue) -> bool:
        return any(source.takes_from(queue) for source in self._sources)

    def breaks_for_a_while(self) -> None:
        self.breaks()
        self.comes_back_soon()

    def comes_back_soon(self) -> None:
        asyncio.get_running_loop().call_later(self._chance.between(0.05, 2.0), self._comes_back)

    def declared(self, queue: Queue) -> MemoryQueue:
        """Make sure that a queue stands; a broker without `queue.star` is not the one that had it."""
        if queue.name == self.topology.star.name and not self.broker.has(queue):
            self._generation += 1
            log.info("broker_found_empty", process=self.life.name)
        return self.broker.opened(queue)

    def _comes_back(self) -> None:
        if self.life.is_over or self._since is not None or not self.broker.is_up:
            return
        if self.life.is_frozen:
            self.comes_back_soon()
            return
        self._since = self._clock.now()
        for queue in self._kept.values():
            self.declared(queue)
        for source in self._sources:
            source.attach()

    def _ends(self) -> None:
        self.breaks()
        self.broker.lines.remove(self)

    def _published(self, letter: Letter) -> Unavailable | None:
        self.life.may_end()
        if self._since is not None and self._chance.goes_wrong(BROKEN):
            self.breaks_for_a_while()
        if self._since is None or self._chance.goes_wrong(LOST):
            return BrokerDown("error.broker_down")
        if self._chance.goes_wrong(UNCONFIRMED):
            loop, late_s = asyncio.get_running_loop(), self._chance.between(*LATE_S)
            loop.call_later(late_s if self._chance.happens(0.5) else 0.0, self._arrives_late, letter)
            return BrokerDown("error.broker_down")
        if self._chance.goes_wrong(DOUBLED):
            self.broker.put(letter)
        return self.broker.put(letter)

    def _arrives_late(self, letter: Letter) -> None:
        if self.broker.is_up:
            self.broker.put(letter)


@dataclass(frozen=True, slots=True)
class _Tag:
    """A delivery is worth something to its own consumer only."""

    consumer: Consumer
    message: Message


class LineSource:
    """One subscription, across reconnects."""

    def __init__(self, line: Line, queue: Queue, prefetch: int) -> None:
        self._line = line
        self._queue = queue
        self._prefetch = prefetch
        self._changed = asyncio.Event()
        self._held: MemoryQueue | None = None
        self._consumer: Consumer | None = None
        self._is_closed = False

    async def batch(self, limit: int) -> Sequence[Parcel]:
        await self._line.life.point()
        while (consumer := self._consumer) is None or not consumer.arrived:
            if self._is_closed:
                raise BrokerDown("error.broker_down")
            self._changed.clear()
            await self._changed.wait()
            await self._line.life.point()
        chance = self._line.broker.chance
        taken = consumer.arrived.take(min(limit, chance.choice((1, 3, 1000))))
        if len(taken) > 1 and chance.goes_wrong(SHUFFLED):
            taken = [taken[-1], *taken[:-1]]
        return [_parcel(consumer, message) for message in taken]

    async def widen(self, prefetch: int) -> None:
        await self._line.life.point()
        self._prefetch = prefetch
        if self._held is not None and self._consumer is not None:
            self._consumer.prefetch = prefetch
            self._line.broker.turn(self._held)

    async def ack(self, tags: Sequence[_Tag]) -> None:
        await self._line.life.point()
        self._settled(tags)
        if self._held is not None:
            self._line.broker.turn(self._held)

    async def reject(self, tags: Sequence[_Tag]) -> None:
        await self._line.life.point()
        if self._held is not None:
            self._line.broker.turn(self._held, self._settled(tags))

    def takes_from(self, queue: MemoryQueue) -> bool:
        return self._held is queue

    def attach(self) -> None:
        """The line is there."""
        held, consumer = self._line.declared(self._queue), Consumer(self._prefetch)
        consumer.changed = self._changed
        held.consumers.append(consumer)
        self._held, self._consumer = held, consumer
        self._line.broker.turn(held)

    def detach(self) -> None:
        """The line is gone."""
        if self._held is not None and self._consumer is not None:
            self._line.broker.left(self._held, self._consumer)
        self._held = self._consumer = None
        self._changed.set()

    def close(self) -> None:
        self._is_closed = True
        self.detach()

    def _settled(self, tags: Iterable[_Tag]) -> list[Message]:
        current = self._consumer
        return current.settle([tag.message for tag in tags if tag.consumer is current]) if current else []


def _parcel(consumer: Consumer, message: Message) -> Parcel:
    tag: Any = _Tag(consumer, message)
    return Parcel(
        key=message.key, body=message.body, is_redelivered=message.is_redelivered, reason=message.reason, tag=tag
    )
