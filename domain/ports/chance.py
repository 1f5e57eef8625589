"""Time and chance, as arguments."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock."""
        ...


class Entropy(Protocol):
    """Where chance comes from."""

    def bits(self, count: int) -> int:
        """`count` random bits nobody can guess."""
        ...

    def jitter(self) -> float:
        """A uniform number in [0, 1)."""
        ...
