"""A process that ends lets all its workers finish at the same time."""

from __future__ import annotations

import asyncio

from app.roles import Performance


class Leaving:
    """A worker that has left once the others leave, too."""

    agent = "echo"
    name = "here-echo-1"

    def __init__(self, together: asyncio.Barrier) -> None:
        self._together = together

    async def drain(self) -> None:
        await self._together.wait()


async def test_workers_are_drained_together() -> None:
    """One after the other, a process of six agents would take six times its grace."""
    together = asyncio.Barrier(2)
    async with asyncio.TaskGroup() as group:
        performance = Performance(None, group)  # type: ignore[arg-type] # nothing of the house is needed to end
        performance._workers = [Leaving(together), Leaving(together)]  # type: ignore[list-item] # same
        async with asyncio.timeout(5):
            await performance.end()
