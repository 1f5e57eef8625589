"""One queue's deliveries across reconnects."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from aiormq.channel import Channel

from domain.errors import BrokerDown
from messaging.rabbit import frames
from messaging.rabbit.link import Link, patience
from messaging.rabbit.wire import Wire
from messaging.topology import Queue
from messaging.transport import Parcel
from messaging.waiting import Waiting

Arrive = Callable[[int, Parcel], None]
"""Takes what came, with its priority."""


class _Tag(NamedTuple):
    """A delivery's number is worth something on its own channel only."""

    intake: _Intake
    number: int


class _Intake:
    """A consumer on one link: its channel, and the deliveries the broker still wants to hear about, oldest first.

    `take` is shown the channel's frames: a delivery is one that says so, its properties, and its body in parts.
    """

    def __init__(self, channel: Channel, wire: Wire, closing: Future[Any], arrive: Arrive) -> None:
        self.channel = channel
        self.closing = closing
        self.name = ""
        self._consumer: str | None = None
        self.unsettled: dict[int, None] = {}
        self._wire = wire
        self._arrive = arrive
        self._delivery: frames.Delivery | None = None
        self._reason: str | None = None
        self._priority = 0
        self._parts: list[bytes] = []
        self._left = 0
        wire.taps[channel.number] = self.take

    async def consume(self, prefetch: int) -> None:
        """Take at most so many at once. A prefetch is a consumer's for life, so another takes the place of the one
        before; what that one brought stays with this channel, to be settled on it."""
        before = self._consumer
        await self.channel.basic_qos(prefetch_count=prefetch)
        self._consumer = (await self.channel.basic_consume(self.name, _untaken)).consumer_tag
        if before is not None:
            await self.channel.basic_cancel(before)

    def take(self, kind: int, payload: bytes) -> bool:
        """Whether a frame is part of a delivery."""
        if kind == frames.METHOD:
            if payload[:4] != frames.DELIVER:
                return False
            self._delivery = frames.delivery(payload)
            return True
        if self._delivery is None:
            return False
        if kind == frames.HEADER:
            self._left = frames.body_size(payload)
            self._reason = frames.death_reason(payload)
            self._priority = frames.priority(payload)
        else:
            self._parts.append(payload)
            self._left -= len(payload)
        if self._left <= 0:
            self._complete(self._delivery)
        return True

    def settle(self, numbers: set[int], frame: Callable[..., bytes]) -> None:
        """Tell the broker in one write: one frame for all up to the first that stays open, one each for the rest."""
        numbers = numbers.intersection(self.unsettled)
        last = _all_up_to(self.unsettled, numbers)
        for number in numbers:
            del self.unsettled[number]
        channel = self.channel.number
        told = [frame(channel, last, multiple=True)] if last else []
        told += [frame(channel, number, multiple=False) for number in sorted(numbers) if number > last]
        with suppress(BrokerDown):
            self._wire.write(b"".join(told))

    def leave(self) -> None:
        """The channel is closed; another may have its number by now."""
        if self._wire.taps.get(self.channel.number) == self.take:
            del self._wire.taps[self.channel.number]

    def _complete(self, delivery: frames.Delivery) -> None:
        self.unsettled[delivery.number] = None
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        tag = _Tag(self, delivery.number)
        parcel = Parcel(delivery.key, body, delivery.is_redelivered, self._reason, tag)
        self._delivery, self._parts = None, []
        self._arrive(self._priority, parcel)


class RabbitSource:
    """See Source. `revive` returns when the transport has attached every source to a new link."""

    def __init__(self, queue: Queue, prefetch: int, revive: Callable[[], Awaitable[None]]) -> None:
        self.queue = queue
        self.prefetch = prefetch
        self._revive = revive
        self._intake: _Intake | None = None
        self._arrived: Waiting[Parcel] = Waiting()
        self._changed = asyncio.Event()
        self._is_closed = False

    async def batch(self, limit: int) -> Sequence[Parcel]:
        """See Source."""
        while not self._arrived:
            if self._is_closed:
                raise BrokerDown("error.broker_down")
            if self._intake is None:
                await self._revive()
            else:
                self._changed.clear()
                await self._changed.wait()
        return self._arrived.take(limit)

    async def widen(self, prefetch: int) -> None:
        """See Source."""
        self.prefetch = prefetch
        if (intake := self._intake) is not None:
            with suppress(BrokerDown):
                async with patience():
                    await intake.consume(prefetch)

    async def ack(self, tags: Sequence[Any]) -> None:
        """See Source."""
        self._settle(tags, frames.ack)

    async def reject(self, tags: Sequence[Any]) -> None:
        """See Source."""
        self._settle(tags, frames.reject)

    async def attach(self, link: Link, name: str) -> None:
        """Begin to consume the queue `name` on this link."""
        channel = await link.consuming_channel()
        self._intake = intake = _Intake(channel, link.inbound, link.watch(channel), self._arrive)
        intake.name = name
        await intake.consume(self.prefetch)

    def detach(self) -> None:
        """The link is gone: what arrived on it comes again."""
        self._intake = None
        self._arrived.clear()
        self._changed.set()

    async def close(self) -> None:
        """Stop consuming; the broker takes back what is unsettled."""
        self._is_closed = True
        intake, self._intake = self._intake, None
        self.detach()
        if intake is not None:
            intake.closing.cancel()
            with suppress(BrokerDown):
                async with patience():
                    await intake.channel.close()
            intake.leave()

    def _arrive(self, priority: int, parcel: Parcel) -> None:
        if self._intake is parcel.tag.intake:
            self._arrived.add(priority, parcel)
            self._changed.set()

    def _settle(self, tags: Iterable[_Tag], frame: Callable[..., bytes]) -> None:
        if (intake := self._intake) is not None:
            intake.settle({tag.number for tag in tags if tag.intake is intake}, frame)


async def _untaken(_delivered: Any) -> None:
    """What aiormq calls for a delivery; ours are taken before."""


def _all_up_to(unsettled: Iterable[int], settled: set[int]) -> int:
    """The last number such that it and everything older is settled; 0 when the oldest is not."""
    last = 0
    for number in unsettled:
        if number not in settled:
            break
        last = number
    return last
