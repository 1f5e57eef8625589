"""The real time and real chance; everything else takes them as arguments."""

from __future__ import annotations

import asyncio
import math
import random
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LOCALTIME = Path("/etc/localtime")


SET_BACK_S = 1.0  # what a clock may be set right by; more is a jump


class SystemClock:
    """The machine's clock, as long as it is not set back: then the process goes on in its own time, which differs by
    that much until it ends, but never stands still. Set forward, or after a sleep of the machine, it follows."""

    def __init__(self) -> None:
        self._offset_s = -math.inf  # of the wall clock from the one that only runs

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        running_s = time.monotonic()
        offset_s = time.time() - running_s
        if offset_s > self._offset_s - SET_BACK_S:
            self._offset_s = offset_s
        return datetime.fromtimestamp(running_s + self._offset_s, UTC)

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


def zone_of(configured: str, localtime: Path = LOCALTIME) -> str:
    """The IANA name of the time zone that people's times are read in: as configured, else the machine's, else UTC."""
    return configured or _named(localtime) or "UTC"


def _named(localtime: Path) -> str:
    """The zone that a link into the time zone database points at; empty when it cannot be told."""
    name = str(localtime.resolve()).rpartition("zoneinfo/")[2]
    try:
        return ZoneInfo(name.removeprefix("posix/").removeprefix("Etc/")).key
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a file of its own, or none
        return ""
