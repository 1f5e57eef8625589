"""Making sure that exchanges and queues stand as the topology says, and saying the exact fix when they do not."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aio_pika.exceptions import ChannelClosed, ChannelNotFoundEntity, ChannelPreconditionFailed
from aiormq.channel import Channel
from aiormq.exceptions import ChannelAccessRefused, ChannelLockedResource

from domain.backlog import Depth
from domain.errors import Misconfigured, Taken
from messaging.rabbit.link import Link, patience
from messaging.topology import Queue

T = TypeVar("T")

# RabbitMQ's words since 3.0 (rabbit_misc:assert_field_equivalence).
_DIFFERS = re.compile(
    r"inequivalent arg '(?P<argument>[^']+)' for (?P<kind>\w+) '(?P<name>[^']*)' in vhost '.*': "
    r"received (?P<ours>.+) but current is (?P<theirs>.+)"
)


async def declare_exchange(link: Link, name: str) -> None:
    """Make sure that a durable topic exchange stands. Raises BrokerDown, Misconfigured."""

    async def active(channel: Channel) -> None:
        await channel.exchange_declare(name, exchange_type="topic", durable=True)

    async def passive(channel: Channel) -> None:
        await channel.exchange_declare(name, passive=True)

    await _declared(link, name, active, passive)


async def declare_queue(link: Link, queue: Queue) -> str:
    """Make sure that a queue stands and is bound; returns its name.

    Raises BrokerDown, Misconfigured; Taken for an exclusive one that another connection has."""

    async def active(channel: Channel) -> str:
        declared = await channel.queue_declare(
            queue.name,
            durable=not queue.is_exclusive,
            exclusive=queue.is_exclusive,
            auto_delete=queue.is_exclusive,
            arguments=dict(queue.arguments),
        )
        name = str(declared.queue)
        for binding in queue.bindings:
            await channel.queue_bind(name, binding.exchange, binding.key)
        return name

    async def passive(channel: Channel) -> str:
        await channel.queue_declare(queue.name, passive=True)
        return queue.name

    return await _declared(link, queue.name, active, passive)


async def has_queue(link: Link, name: str) -> bool:
    """Whether the broker has a queue of this name. Raises BrokerDown."""
    return await depth_of(link, name) is not None


async def depth_of(link: Link, name: str) -> Depth | None:
    """What waits in a queue, None when there is none of this name. Raises BrokerDown."""
    async with patience():
        try:
            async with link.spare() as channel:
                found = await channel.queue_declare(name, passive=True)
        except ChannelNotFoundEntity:
            return None
        return Depth(messages=found.message_count or 0, consumers=found.consumer_count or 0)


async def _declared(
    link: Link,
    name: str,
    active: Callable[[Channel], Awaitable[T]],
    passive: Callable[[Channel], Awaitable[T]],
) -> T:
    """Declare; where this user may only look (least privilege), see that somebody else has."""
    async with patience():
        try:
            async with link.spare() as channel:
                return await active(channel)
        except ChannelPreconditionFailed as error:
            raise _mismatch(name, error) from error
        except ChannelLockedResource as error:
            raise Taken("error.queue_taken", name=name) from error
        except ChannelAccessRefused:
            pass
        try:
            async with link.spare() as channel:
                return await passive(channel)
        except ChannelNotFoundEntity as error:
            raise Misconfigured("error.broker_missing", name=name) from error


def _mismatch(name: str, error: ChannelClosed) -> Misconfigured:
    text = str(error)
    found = _DIFFERS.search(text)
    if found is None:
        return Misconfigured("error.broker_differs", kind="", name=name, argument="", ours="", theirs=text)
    return Misconfigured("error.broker_differs", **found.groupdict())
