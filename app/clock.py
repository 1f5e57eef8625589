"""The real time and real chance; everything else takes them as arguments."""

from __future__ import annotations

import asyncio
import random
import secrets
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 -- the one place where time enters

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)


class SystemEntropy:
    """The machine's chance."""

    def bits(self, count: int) -> int:
        """`count` random bits nobody can guess."""
        return secrets.randbits(count)

    def jitter(self) -> float:
        """A uniform number in [0, 1)."""
        return random.random()  # noqa: S311 -- spreads retries, guards nothing
