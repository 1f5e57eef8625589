"""When to ask the same model again, and how long to wait before: the one place that retries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from domain.ports import Clock, Entropy
from llm.failures import CallFailed
from llm.models import RetryLimits


def retrying(limits: RetryLimits, clock: Clock, entropy: Entropy, until: datetime) -> AsyncRetrying:
    """Retry failed calls that may work later, until there is no time left for a pause before `until`.

    The last failure is raised as it is.
    """
    return AsyncRetrying(
        sleep=clock.sleep,
        retry=retry_if_exception(lambda error: isinstance(error, CallFailed) and error.trouble.is_retryable),
        wait=_pause(limits, entropy),
        stop=_no_more(limits, clock, until),
        reraise=True,
    )


def _pause(limits: RetryLimits, entropy: Entropy) -> Callable[[RetryCallState], float]:
    """Exponential backoff with full jitter, but never less than the server asked for."""

    def pause_s(state: RetryCallState) -> float:
        ceiling = min(limits.cap_s, limits.base_s * 2.0 ** (state.attempt_number - 1))
        error = state.outcome.exception() if state.outcome else None
        asked_s = error.trouble.retry_after_s if isinstance(error, CallFailed) else None
        return max(entropy.jitter() * ceiling, asked_s or 0.0)

    return pause_s


def _no_more(limits: RetryLimits, clock: Clock, until: datetime) -> Callable[[RetryCallState], bool]:
    """Enough attempts, or the pause (tenacity computes it first) would outlast the budget."""

    def is_over(state: RetryCallState) -> bool:
        resumes_at = clock.now() + timedelta(seconds=state.upcoming_sleep)
        return state.attempt_number >= limits.attempts or resumes_at >= until

    return is_over
