"""A process that stands still is worse than one that is gone: nobody takes over what it holds in its queues."""

from __future__ import annotations

import asyncio
import faulthandler
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

TIMES = 4  # that the loop shows up within the time it may stand still


@asynccontextmanager
async def standing_still_ends(after_s: float) -> AsyncIterator[None]:
    """End this process with a traceback of all its threads once its event loop has not come round for so long.

    Skills are foreign code: one that blocks the loop takes the worker's heartbeats and all its other steps along.
    Whoever started the process starts it again. A thread of C watches, which no Python code can hold up. 0: never.
    """
    if not after_s:
        yield
        return
    async with asyncio.TaskGroup() as group:
        showing_up = group.create_task(_show_up(after_s))
        try:
            yield
        finally:
            showing_up.cancel()
            faulthandler.cancel_dump_traceback_later()


async def _show_up(after_s: float) -> None:
    while True:
        faulthandler.dump_traceback_later(after_s, exit=True)
        await asyncio.sleep(after_s / TIMES)
