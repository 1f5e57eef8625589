"""One queue's deliveries across reconnects."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from pamqp.base import Frame
from pamqp.commands import Basic
from pamqp.frame import marshal

from domain.errors import BrokerDown
from messaging.rabbit.link import Link, patience
from messaging.rabbit.publishing import write
from messaging.topology import Queue
from messaging.transport import Parcel


@dataclass(slots=True, kw_only=True, eq=False)
class _Intake:
    """A consumer on one link: its channel, and the deliveries the broker still wants to hear about, oldest first."""

    channel: Channel
    closing: Future[Any]
    unsettled: dict[int, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Tag:
    """A delivery's number is worth something on its own channel only."""

    intake: _Intake
    number: int


class RabbitSource:
    """See Source. `revive` returns when the transport has attached every source to a new link."""

    def __init__(self, queue: Queue, prefetch: int, revive: Callable[[], Awaitable[None]]) -> None:
        self.queue = queue
        self.prefetch = prefetch
        self._revive = revive
        self._intake: _Intake | None = None
        self._arrived: deque[Parcel] = deque()
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
        return [self._arrived.popleft() for _ in range(min(limit, len(self._arrived)))]

    async def ack(self, tags: Sequence[Any]) -> None:
        """See Source."""
        await self._settle(tags, Basic.Ack)

    async def reject(self, tags: Sequence[Any]) -> None:
        """See Source."""
        await self._settle(tags, partial(Basic.Nack, requeue=False))

    async def attach(self, link: Link, name: str) -> None:
        """Begin to consume the queue `name` on this link."""
        channel = await link.consuming_channel(self.prefetch)
        intake = _Intake(channel=channel, closing=link.watch(channel))
        self._intake = intake
        await channel.basic_consume(name, lambda delivered: self._take(intake, delivered))  # type: ignore[arg-type,return-value] # aiormq takes plain functions too

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

    def _take(self, intake: _Intake, delivered: DeliveredMessage) -> None:
        number = delivered.delivery_tag
        if self._intake is not intake or number is None:
            return
        intake.unsettled[number] = None
        headers = delivered.header.properties.headers or {}
        reason = headers.get("x-first-death-reason")
        self._arrived.append(
            Parcel(
                key=delivered.routing_key or "",
                body=delivered.body,
                is_redelivered=bool(delivered.redelivered),
                reason=None if reason is None else str(reason),
                tag=_Tag(intake, number),
            )
        )
        self._changed.set()

    async def _settle(self, tags: Iterable[_Tag], frame: Callable[..., Frame]) -> None:
        """Tell the broker in one write: one frame for all up to the first that stays open, one each for the rest."""
        if (intake := self._intake) is None:
            return
        numbers = {tag.number for tag in tags if tag.intake is intake}.intersection(intake.unsettled)
        last = _all_up_to(intake.unsettled, numbers)
        frames = [frame(delivery_tag=last, multiple=True)] if last else []
        frames += [frame(delivery_tag=number) for number in sorted(numbers) if number > last]
        for number in numbers:
            del intake.unsettled[number]
        with suppress(BrokerDown):
            async with patience():
                await write(intake.channel, (marshal(one, intake.channel.number) for one in frames))


def _all_up_to(unsettled: Iterable[int], settled: set[int]) -> int:
    """The last number such that it and everything older is settled; 0 when the oldest is not."""
    last = 0
    for number in unsettled:
        if number not in settled:
            break
        last = number
    return last
