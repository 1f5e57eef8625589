"""Whether to try again, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.task import Failure

A_YEAR_S = 366 * 86_400.0  # beyond any deadline; keeps what an agent asks for within what a date can hold


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential backoff with full jitter
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).

    Args:
        max_attempts: tries that may cost something before giving up, at least 1.
        base_s: the ceiling of the first pause, in seconds.
        cap_s: the ceiling of any pause, in seconds.
    """

    max_attempts: int = 3
    base_s: float = 1.0
    cap_s: float = 300.0

    def pause_s(self, failures: int, jitter: float) -> float:
        """Seconds to wait after so many failures; `jitter` is a uniform random number in [0, 1)."""
        return jitter * min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, 32))

    def retry_at(self, failures: int, failure: Failure, now: datetime, jitter: float) -> datetime | None:
        """When to try again, or None to give up.

        Args:
            failures: tries that failed so far, this one included (from 1).
            failure: how this one failed; its `retry_after_s` is a lower bound on the pause.
            now: the time of the failure.
            jitter: a uniform random number in [0, 1).
        """
        if not failure.retryable or failures >= self.max_attempts:
            return None
        pause_s = max(self.pause_s(failures, jitter), failure.retry_after_s or 0.0)
        return now + timedelta(seconds=min(pause_s, A_YEAR_S))
