"""Whether to try again, and when."""

from __future__ import annotations

import math

import pytest

from domain.retry import RetryPolicy
from domain.task import Failure
from tests.unit.domain.build import at

NOW = at(0)
MAY_WORK = Failure(code="unavailable", retryable=True)


def pause_s(failures: int, jitter: float, failure: Failure = MAY_WORK, **policy: float) -> float | None:
    again = RetryPolicy(**{"max_attempts": 100, **policy}).retry_at(failures, failure, NOW, jitter)
    return None if again is None else (again - NOW).total_seconds()


@pytest.mark.parametrize(("failures", "ceiling"), [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (50, 300), (99, 300)])
def test_the_ceiling_doubles_up_to_the_cap(failures: int, ceiling: float) -> None:
    assert pause_s(failures, 0.5) == ceiling / 2
    assert pause_s(failures, 0.0) == 0


def test_the_numbers_can_be_chosen() -> None:
    assert pause_s(3, 0.5, base_s=10, cap_s=30) == 15


@pytest.mark.parametrize(("max_attempts", "failures"), [(1, 1), (3, 3), (3, 4)])
def test_after_the_last_try_comes_none(max_attempts: int, failures: int) -> None:
    assert pause_s(failures, 0.5, max_attempts=max_attempts) is None
    assert pause_s(failures - 1, 0.5, max_attempts=max_attempts) is not None or failures == 4


def test_what_cannot_work_later_is_not_tried_again() -> None:
    assert pause_s(1, 0.5, Failure(code="refused")) is None


@pytest.mark.parametrize(("asked", "expected"), [(0.1, 0.5), (7.0, 7.0), (-5.0, 0.5), (None, 0.5), (math.nan, 0.5)])
def test_what_the_agent_asks_for_is_a_lower_bound(asked: float | None, expected: float) -> None:
    assert pause_s(1, 0.5, Failure(code="busy", retryable=True, retry_after_s=asked)) == expected


@pytest.mark.parametrize("asked", [1e12, 1e300, math.inf])
def test_no_request_is_too_long_to_compute(asked: float) -> None:
    pause = pause_s(1, 0.5, Failure(code="busy", retryable=True, retry_after_s=asked))
    assert pause is not None
    assert pause >= 365 * 86_400
