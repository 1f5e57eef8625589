"""Fakes of the ports that tests share: time that only moves when told, chance without chance."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


class FakeClock:
    """Time stands still until `advance`; sleepers wake in order."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._numbers), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Move time on, waking every sleeper on the way and letting it run."""
        end = self._now + timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= end:
            self._now, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
            for _ in range(20):
                await asyncio.sleep(0)
        self._now = end
        for _ in range(20):
            await asyncio.sleep(0)


class CountingEntropy:
    """Different bits each time, the same in every run; jitter as given."""

    def __init__(self, jitter: float = 0.5) -> None:
        self._count = 0
        self._jitter = jitter

    def bits(self, count: int) -> int:
        self._count += 1
        return (self._count * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**count

    def jitter(self) -> float:
        return self._jitter
