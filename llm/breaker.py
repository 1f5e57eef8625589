"""A circuit breaker: a server that keeps failing is left alone for a while."""

from __future__ import annotations

from datetime import datetime, timedelta


class Breaker:
    """Opens after `failures` outages in a row; then admits one probe per `pause_s` until one succeeds."""

    def __init__(self, *, failures: int = 5, pause_s: float = 30.0) -> None:
        self._limit = failures
        self._pause = timedelta(seconds=pause_s)
        self._count = 0
        self._closed_until: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether no call may be made now."""
        return self._count >= self._limit and self._closed_until is not None and now < self._closed_until

    def rest_s(self, now: datetime) -> float:
        """Seconds until a call may be made."""
        return (self._closed_until - now).total_seconds() if self._closed_until and self.is_open(now) else 0.0

    def admits(self, now: datetime) -> bool:
        """Whether a call may be made now. Taking a probe starts the next pause, so a lost probe costs one."""
        if self.is_open(now):
            return False
        if self._count >= self._limit:
            self._closed_until = now + self._pause
        return True

    def record(self, now: datetime, *, is_outage: bool) -> None:
        """How a call ended. A refusal shows that the server is there."""
        self._count = self._count + 1 if is_outage else 0
        if self._count >= self._limit:
            self._closed_until = now + self._pause
