"""A live pair of connections to RabbitMQ. Anything that breaks on it ends it as a whole; it is then made anew.

Messages go through the AMQP channels beneath aio_pika's objects: wrapping each one costs 30 µs and adds nothing here.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, cast
from urllib.parse import urlsplit

from aio_pika import Connection
from aio_pika.connection import make_url
from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    AuthenticationError,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from aiormq.abc import AbstractBase, AbstractConnection
from aiormq.channel import Channel

from domain.errors import BrokerDown, Misconfigured, Unavailable
from messaging.rabbit.publishing import Outgoing, words
from messaging.transport import Letter

HEARTBEAT_S = 10  # the default of 60 notices a dead peer after minutes
PATIENCE_S = 5.0  # the longest any single call may wait for the broker


@asynccontextmanager
async def patience() -> AsyncIterator[None]:
    """Bound a call to the broker, and turn every way it can fail into BrokerDown.

    A channel that breaks makes its waiting calls raise CancelledError although nobody cancelled them.
    """
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield
    except asyncio.CancelledError as error:
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise
        raise BrokerDown("error.broker_down") from error
    except CONNECTION_EXCEPTIONS as error:
        raise BrokerDown("error.broker_down") from error


class Link:
    """One connection to consume on and one to publish on, so that a full pipe one way never blocks the other.

    Args:
        inbound, outbound: connections that are up.
        on_loss: called once, with the cause, when any of it ends without `close`.
    """

    def __init__(
        self, inbound: Connection, outbound: Connection, on_loss: Callable[[BaseException | None], None]
    ) -> None:
        self._inbound = inbound
        self._outbound = outbound
        self._on_loss = on_loss
        self._confirmed: Outgoing
        self._unconfirmed: Outgoing
        self.is_over = False

    async def begin(self) -> None:
        """Open what is needed to publish."""
        confirmed = await _channel(self._outbound, publisher_confirms=True, on_return_raises=True)
        unconfirmed = await _channel(self._outbound, publisher_confirms=False)
        self._confirmed, self._unconfirmed = Outgoing(confirmed), Outgoing(unconfirmed)
        for part in (_raw(self._inbound), _raw(self._outbound), confirmed, unconfirmed):
            self.watch(part)

    def watch(self, part: AbstractBase) -> Future[Any]:
        """End with this part. Cancel what is returned before closing the part on purpose."""
        closing: Future[Any] = part.closing  # type: ignore[attr-defined] # every concrete part has it
        closing.add_done_callback(self._on_closing)
        return closing

    def end(self, cause: BaseException | None = None) -> None:
        """It is of no use any more."""
        if not self.is_over:
            self.is_over = True
            self._on_loss(cause)

    @property
    def server(self) -> str:
        """What the other side says it is."""
        told = cast(dict[str, Any], _raw(self._inbound).server_properties)
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

    async def consuming_channel(self, prefetch: int) -> Channel:
        """A channel for one consumer."""
        channel = await _channel(self._inbound, publisher_confirms=False)
        await channel.basic_qos(prefetch_count=prefetch)
        channel.on_consumer_cancel_callbacks.add(lambda _: self.end(LookupError("a queue was deleted")))
        return channel

    async def publish(self, letters: Sequence[Letter]) -> Sequence[Unavailable | None]:
        """Send all, then wait for the broker's word on each; without one it counts as not sent."""
        try:
            async with patience():
                await self._ready()
                sendings = await self._confirmed.publish(letters)
        except BrokerDown as error:
            return [error] * len(letters)
        return await words(sendings, PATIENCE_S)

    async def send(self, letters: Sequence[Letter]) -> None:
        """Send and forget."""
        with suppress(BrokerDown):
            async with patience():
                await self._ready()
                await self._unconfirmed.send(letters)

    async def close(self) -> None:
        """Leave in good order, as far as that is possible."""
        self.is_over = True
        async with asyncio.TaskGroup() as group:
            for connection in (self._inbound, self._outbound):
                group.create_task(_closed(connection))

    async def _ready(self) -> None:
        """Not while the broker asks publishers to wait: what it does not read would pile up here."""
        if self.is_over:
            raise BrokerDown("error.broker_down")
        await _raw(self._outbound).ready()

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
        connections = []
        for role in ("consume", "publish"):
            connections.append(await _connected(url, f"{name} {role}"))
            undo.push_async_callback(_closed, connections[-1])
        link = Link(connections[0], connections[1], on_loss)
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


async def _connected(url: str, name: str) -> Connection:
    connection = Connection(make_url(url, heartbeat=HEARTBEAT_S), client_properties={"connection_name": name})
    async with AsyncExitStack() as undo:
        undo.push_async_callback(_closed, connection)
        async with patience():
            try:
                await connection.connect()
            except (ProbableAuthenticationError, AuthenticationError, InvalidFrameError) as error:
                # aiormq calls the close frame of a broker that has no such virtual host an invalid one.
                raise Misconfigured("error.broker_login", host=connection.url.host) from error
        undo.pop_all()
    return connection


async def _closed(connection: Connection) -> None:
    with suppress(BrokerDown):
        async with patience():
            await connection.close()


async def _channel(connection: Connection, **options: bool) -> Channel:
    # Frames wait unbounded here because prefetch and confirms already bound them; a bound costs a switch each.
    channel = await _raw(connection).channel(frame_buffer_size=0, **options)
    return cast(Channel, channel)


def _raw(connection: Connection) -> AbstractConnection:
    if connection.transport is None:
        raise BrokerDown("error.broker_down")
    return connection.transport.connection
