"""What a call to the broker may end in, whatever the library beneath makes of a cancellation."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from aio_pika.exceptions import ChannelInvalidStateError

from domain.errors import BrokerDown
from messaging.rabbit.link import patience


async def cancelled_in(swallowing: type[BaseException] | None) -> asyncio.Future[None]:
    """A task cancelled inside a patient call that makes something else of it; over when this returns."""
    goes_on = asyncio.Event()

    async def calling() -> None:
        with suppress(BrokerDown):
            async with patience():
                try:
                    await goes_on.wait()
                except asyncio.CancelledError:
                    if swallowing is not None:
                        raise swallowing("broken") from None
        await asyncio.Event().wait()  # what a loop does next: wait for more

    task = asyncio.ensure_future(calling())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=1)
    return task


@pytest.mark.parametrize("swallowing", [None, ChannelInvalidStateError, ConnectionError, asyncio.CancelledError])
async def test_a_cancellation_gets_through(swallowing: type[BaseException] | None):
    task = await cancelled_in(swallowing)
    is_over = task.cancelled()
    task.cancel()
    assert is_over


@pytest.mark.parametrize("trouble", [ChannelInvalidStateError, ConnectionError, asyncio.CancelledError])
async def test_what_breaks_by_itself_is_the_broker(trouble: type[BaseException]):
    with pytest.raises(BrokerDown):
        async with patience():
            raise trouble("broken")


async def test_a_cleanup_may_fail_behind_a_cancellation():
    """Its task is cancelled already: what breaks while it tidies up is no second cancellation."""
    tidied = asyncio.Event()

    async def calling() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            with suppress(BrokerDown):
                async with patience():
                    raise ConnectionError("broken")
            tidied.set()

    task = asyncio.ensure_future(calling())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=1)
    assert task.cancelled()
    assert tidied.is_set()
