"""What the client library raises, classified."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import openai

from domain.ports import Clock
from llm.failures import CallFailed, Trouble, clean, refused

_LOST = Trouble(cause="the connection failed", is_retryable=True, is_outage=True, passes=True)
_UNREACHED = Trouble(cause="no connection in time", is_retryable=True, is_outage=True, passes=True)


@contextmanager
def classified(clock: Clock) -> Iterator[None]:
    """Turn whatever asking a server raises into CallFailed; `clock` turns a Retry-After date into a pause."""
    try:
        yield
    except openai.OpenAIError as error:
        raise CallFailed(_trouble_of(error, clock.now())) from error
    except UnicodeEncodeError as error:
        raise CallFailed(Trouble(cause="the question is not valid text")) from error
    except Exception as error:  # the transport's own, which the library passes on as they are
        raise CallFailed(_LOST) from error


def _trouble_of(error: openai.OpenAIError, now: datetime) -> Trouble:
    if isinstance(error, openai.APITimeoutError):
        return _UNREACHED
    if isinstance(error, openai.APIConnectionError):
        return _LOST
    if isinstance(error, openai.APIStatusError):
        return refused(error.status_code, error.body, _retry_after_s(error.response.headers, now))
    return Trouble(cause=clean(str(error)))


def _retry_after_s(headers: Any, now: datetime) -> float | None:
    """`retry-after-ms`, else Retry-After in seconds or as a date (RFC 9110, section 10.2.3)."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        return _pause_s(headers["retry-after"], now)
    except (KeyError, ValueError, OverflowError):
        return None


def _pause_s(value: str, now: datetime) -> float:
    try:
        return max(0.0, float(value))
    except ValueError:
        at = parsedate_to_datetime(value)
        return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
