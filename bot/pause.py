"""Waiting for a time or for news, whichever is first."""

from __future__ import annotations

import asyncio
import math

from domain.ports import Clock


async def pause(clock: Clock, seconds: float, news: asyncio.Event) -> None:
    """Return once `news` is set, or after `seconds` of the clock; `math.inf`: only on news."""
    if seconds <= 0 or news.is_set():
        await asyncio.sleep(0)
        return
    if seconds == math.inf:
        await news.wait()
        return
    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(clock.sleep(seconds)), group.create_task(_heard(news))]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


async def _heard(news: asyncio.Event) -> None:
    await news.wait()
