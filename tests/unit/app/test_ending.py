"""A process that ends lets all its workers finish at the same time."""

from __future__ import annotations

import asyncio

import pytest

from app import roles
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


async def test_a_work_that_swallows_its_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "CANCEL_AGAIN_S", 0.01)
    cancelled: list[str] = []

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("once")
        await asyncio.Event().wait()

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        performance = Performance(None, group)  # type: ignore[arg-type] # nothing of the house is needed to end
        performance._keep("stubborn", stubborn)
        await asyncio.sleep(0)
        await performance.end()
    assert cancelled == ["once"]
