"""Getting rid of a message that cannot even be received.

A property that is not UTF-8, or a time past the year 9999, makes the AMQP codec give up on the whole connection. The
broker then delivers the message again, to the next connection: one such message would stop a consumer for ever.
"""

from __future__ import annotations

import structlog
from aio_pika.exceptions import InvalidFrameError
from aiormq.channel import Channel
from pamqp.commands import Basic

from domain.errors import BrokerDown
from messaging.rabbit.link import patience, visit

log = structlog.get_logger()

NAME = "xingshu quarantine"


async def discard_unreadable(url: str, queue: str, depth: int) -> None:
    """Drop the first message of a queue that cannot be received, if there is one among the first `depth`.

    It is looked for, and dropped, on connections of their own; what stands before it goes back as redelivered.
    Raises BrokerDown, Misconfigured.
    """
    ahead = await _readable(url, queue, depth)
    if ahead is not None:
        log.warning("message_unreadable", queue=queue)
        await _readable(url, queue, ahead, drops_next=True)


async def _readable(url: str, queue: str, limit: int, *, drops_next: bool = False) -> int | None:
    """Receive and hold up to `limit` messages: how many came before the unreadable one, None without one.

    With `drops_next` the one after them is received as acknowledged, so that it is gone whatever becomes of us.
    """
    held = 0
    try:
        async with visit(url, NAME) as link, patience(), link.spare() as channel:
            while held < limit and await _was_received(channel, queue):
                held += 1
            if drops_next:
                await channel.basic_get(queue, no_ack=True)
    except BrokerDown as error:
        if isinstance(error.__cause__, InvalidFrameError):
            return held
        raise
    return None


async def _was_received(channel: Channel, queue: str) -> bool:
    delivered = await channel.basic_get(queue)
    return not isinstance(delivered.delivery, Basic.GetEmpty)
