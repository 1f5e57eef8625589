"""Many letters as one write.

aiormq's own `basic_publish` takes a task, two locks and a write for each message: three times the CPU, and a third
of the throughput. What it keeps of a channel's confirms is kept here, in the same places.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

from aio_pika.exceptions import PublishError
from aiormq.abc import ChannelFrame
from aiormq.channel import Channel
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.frame import marshal
from pamqp.header import ContentHeader

from domain.errors import BrokerDown, Unavailable, Unroutable
from messaging.transport import Letter

MAX_SHORT_STRING = 255  # bytes of a routing key or a message id (AMQP 0-9-1, 4.2.5.3)


@dataclass(slots=True, kw_only=True, eq=False)
class Sending:
    """A letter and what will hold the broker's word on it; None while it was not sent."""

    letter: Letter
    message_id: str
    confirmation: Future[Any] | None = None

    @property
    def fits(self) -> bool:
        """Whether its routing key can be one."""
        return _is_short(self.letter.key)

    def refusal(self) -> Unavailable | None:
        """Why the broker has not taken it; its silence is a no."""
        if not self.fits:
            return Unroutable("error.unroutable", queue=self.letter.key)
        if self.confirmation is None or not self.confirmation.done() or self.confirmation.cancelled():
            return BrokerDown("error.broker_down")
        match self.confirmation.exception():
            case None:
                return None
            case PublishError():  # returned: no queue is bound
                return Unroutable("error.unroutable", queue=self.letter.key)
            case _:
                return BrokerDown("error.broker_down")


class Outgoing:
    """Publishes on one channel, on which nobody else does: the broker and this side count its messages alike."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._numbers = count(1)

    async def send(self, letters: Sequence[Letter], *, is_mandatory: bool = False) -> list[Sending]:
        """Hand letters to the connection's writer; those with an impossible key are left out."""
        sendings = [Sending(letter=letter, message_id=self._message_id(letter)) for letter in letters]
        fitting = [sending for sending in sendings if sending.fits]
        frames = (frame for sending in fitting for frame in self._frames(sending, is_mandatory=is_mandatory))
        await write(self._channel, frames)
        return sendings

    async def publish(self, letters: Sequence[Letter]) -> list[Sending]:
        """Hand letters over; the broker will say of each whether it has it."""
        sendings = await self.send(letters, is_mandatory=True)
        # Nothing else runs between the writer taking the frames and this, so a cancelled call counted all or none.
        for sending in sendings:
            if sending.fits:
                sending.confirmation = self._expect(sending.message_id)
        return sendings

    def _message_id(self, letter: Letter) -> str:
        """The letter's own, or one that is new on this channel: by it a returned letter is known."""
        own = letter.message_id
        return own if own is not None and _is_short(own) else f"{next(self._numbers)}"

    def _frames(self, sending: Sending, *, is_mandatory: bool) -> Iterator[bytes]:
        channel, letter = self._channel, sending.letter
        yield _address(channel.number, letter.exchange, letter.key, is_mandatory=is_mandatory)
        properties = _properties(letter, sending.message_id)
        yield marshal(ContentHeader(properties=properties, body_size=len(letter.body)), channel.number)
        for start in range(0, len(letter.body), channel.max_content_size):
            yield marshal(ContentBody(letter.body[start : start + channel.max_content_size]), channel.number)

    def _expect(self, message_id: str) -> Future[Any]:
        channel = self._channel
        channel.delivery_tag += 1
        number = channel.delivery_tag
        confirmation: Future[Any] = channel.create_future()
        channel.confirmations[number] = confirmation
        channel.message_id_delivery_tag[message_id] = number
        confirmation.add_done_callback(lambda _: channel.message_id_delivery_tag.pop(message_id, None))
        return confirmation


async def words(sendings: Sequence[Sending], timeout_s: float) -> list[Unavailable | None]:
    """Wait for the broker's word on each, at most `timeout_s` for all; per letter None or why not."""
    confirmations = [sending.confirmation for sending in sendings if sending.confirmation is not None]
    if confirmations:
        await asyncio.wait(confirmations, timeout=timeout_s)
    return [sending.refusal() for sending in sendings]


async def write(channel: Channel, frames: Iterable[bytes]) -> None:
    """Have the connection send these frames together."""
    if payload := b"".join(frames):
        await channel.write_queue.put(ChannelFrame(payload=payload, should_close=False))


def _is_short(text: str) -> bool:
    try:
        return len(text.encode()) <= MAX_SHORT_STRING
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


@lru_cache(maxsize=4096)
def _address(channel: int, exchange: str, key: str, *, is_mandatory: bool) -> bytes:
    return marshal(Basic.Publish(exchange=exchange, routing_key=key, mandatory=is_mandatory), channel)


def _properties(letter: Letter, message_id: str) -> Basic.Properties:
    return Basic.Properties(
        content_type="application/json",
        headers=dict(letter.headers) or None,
        delivery_mode=2 if letter.is_persistent else 1,
        priority=letter.priority,
        expiration=None if letter.ttl_ms is None else str(letter.ttl_ms),
        message_id=message_id,
    )
