"""A live pair of connections to RabbitMQ. Anything that breaks on it ends it as a whole; it is then made anew.

Connections and channels are those beneath aio_pika's objects, and messages go past even these (`wire.py`).
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from aio_pika.connection import make_url
from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    AuthenticationError,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from aiormq.abc import AbstractBase
from aiormq.channel import Channel
from aiormq.connection import Connection

from domain.errors import BrokerDown, Misconfigured, Unavailable
from messaging.rabbit.publishing import Outgoing
from messaging.rabbit.wire import Wire
from messaging.transport import Letter

HEARTBEAT_S = 10  # the default of 60 notices a dead peer after minutes
PATIENCE_S = 5.0  # the longest any single call may wait for the broker


@asynccontextmanager
async def patience() -> AsyncIterator[None]:
    """Bound a call to the broker, and turn every way it can fail into BrokerDown.

    A channel that breaks makes its waiting calls raise CancelledError although nobody cancelled them; one that is being
    opened or closed may swallow a cancellation that somebody meant.
    """
    cancelled_before = _cancellations()
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield
    except asyncio.CancelledError as error:
        if _cancellations():
            raise
        raise BrokerDown("error.broker_down") from error
    except CONNECTION_EXCEPTIONS as error:
        if _cancellations() == cancelled_before:
            raise BrokerDown("error.broker_down") from error
    if _cancellations() > cancelled_before:
        raise asyncio.CancelledError


def _cancellations() -> int:
    """How often this task was told to stop."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


@dataclass(frozen=True, slots=True)
class Line:
    """A connection that is up, and the stream beneath it."""

    connection: Connection
    wire: Wire


class Link:
    """One connection to consume on and one to publish on, so that a full pipe one way never blocks the other.

    Args:
        inbound, outbound: connections that are up.
        on_loss: called once, with the cause, when any of it ends without `close`.
    """

    def __init__(self, inbound: Line, outbound: Line, on_loss: Callable[[BaseException | None], None]) -> None:
        self._inbound = inbound
        self._outbound = outbound
        self._on_loss = on_loss
        self._confirmed: Outgoing
        self._unconfirmed: Outgoing
        self.is_over = False

    async def begin(self) -> None:
        """Open what is needed to publish."""
        wire = self._outbound.wire
        confirmed = await _channel(self._outbound, publisher_confirms=True)
        unconfirmed = await _channel(self._outbound, publisher_confirms=False)
        self._confirmed = Outgoing(confirmed, wire, PATIENCE_S)
        self._unconfirmed = Outgoing(unconfirmed, wire, PATIENCE_S)
        for part in (self._inbound.connection, self._outbound.connection, confirmed, unconfirmed):
            self.watch(part)

    def watch(self, part: AbstractBase) -> Future[Any]:
        """End with this part. Cancel what is returned before closing the part on purpose."""
        closing: Future[Any] = part.closing  # type: ignore[attr-defined] # every concrete part has it
        closing.add_done_callback(self._on_closing)
        return closing

    def end(self, cause: BaseException | None = None) -> None:
        """It is of no use any more."""
        if not self.is_over:
            self._stop()
            self._on_loss(cause)

    @property
    def server(self) -> str:
        """What the other side says it is."""
        told = cast(dict[str, Any], self._inbound.connection.server_properties)
        return f"{told.get('product', 'AMQP')} {told.get('version', '')}".strip()

    @asynccontextmanager
    async def spare(self) -> AsyncIterator[Channel]:
        """A channel to ask on; a refusal closes it and nothing else."""
        channel = await _channel(self._inbound, publisher_confirms=False)
        try:
            yield channel
        finally:
            with suppress(BrokerDown):
                async with patience():
                    await channel.close()

    @property
    def inbound(self) -> Wire:
        """What deliveries come on, and are acknowledged on."""
        return self._inbound.wire

    async def consuming_channel(self) -> Channel:
        """A channel for one consumer."""
        channel = await _channel(self._inbound, publisher_confirms=False)
        channel.on_consumer_cancel_callbacks.add(lambda _: self.end(LookupError("a queue was deleted")))
        return channel

    async def publish(self, letters: Sequence[Letter]) -> Sequence[Unavailable | None]:
        """Send all, then wait for the broker's word on each; without one it counts as not sent."""
        try:
            await self._ready()
            return await self._confirmed.publish(letters)
        except BrokerDown as error:
            return [error] * len(letters)

    async def send(self, letters: Sequence[Letter]) -> None:
        """Send and forget."""
        with suppress(BrokerDown):
            await self._ready()
            self._unconfirmed.send(letters)

    async def close(self) -> None:
        """Leave in good order, as far as that is possible."""
        self._stop()
        async with asyncio.TaskGroup() as group:
            for line in (self._inbound, self._outbound):
                group.create_task(_closed(line.connection))

    def _stop(self) -> None:
        self.is_over = True
        self._confirmed.end()

    async def _ready(self) -> None:
        """Not while the broker asks publishers to wait: what it does not read would pile up here."""
        if self.is_over:
            raise BrokerDown("error.broker_down")
        if self._outbound.wire.is_blocked:
            async with patience():
                await self._outbound.connection.ready()

    def _on_closing(self, closing: Future[Any]) -> None:
        if not closing.cancelled():
            self.end(closing.exception())


def checked(url: str) -> str:
    """The same URL. Raises Misconfigured when it cannot be a broker's, without quoting it: it holds a password."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"amqp", "amqps"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise Misconfigured("error.amqp_url")
    return url


async def open_link(url: str, name: str, on_loss: Callable[[BaseException | None], None]) -> Link:
    """Connect twice. Raises BrokerDown; Misconfigured when the broker refuses the login or the virtual host."""
    async with AsyncExitStack() as undo:
        lines = []
        for role in ("consume", "publish"):
            lines.append(await _connected(url, f"{name} {role}"))
            undo.push_async_callback(_closed, lines[-1].connection)
        link = Link(lines[0], lines[1], on_loss)
        async with patience():
            await link.begin()
        undo.pop_all()
    return link


@asynccontextmanager
async def visit(url: str, name: str) -> AsyncIterator[Link]:
    """A link for a moment. Raises as `open_link` does."""
    link = await open_link(url, name, lambda _: None)
    try:
        yield link
    finally:
        await link.close()


async def _connected(url: str, name: str) -> Line:
    wire = Wire()
    address = make_url(url, heartbeat=HEARTBEAT_S)
    connection = Connection(address, transport_factory=wire, client_properties={"connection_name": name})
    async with patience():
        try:
            await connection.connect()
        except (ProbableAuthenticationError, AuthenticationError, InvalidFrameError) as error:
            # aiormq calls the close frame of a broker that has no such virtual host an invalid one.
            raise Misconfigured("error.broker_login", host=address.host) from error
    return Line(connection, wire)


async def _closed(connection: Connection) -> None:
    with suppress(BrokerDown):
        async with patience():
            await connection.close()


async def _channel(line: Line, **options: bool) -> Channel:
    # Frames wait unbounded here because prefetch and confirms already bound them; a bound costs a switch each.
    channel = await line.connection.channel(frame_buffer_size=0, **options)
    return cast(Channel, channel)
