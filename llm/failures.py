"""What went wrong with one call, in a form that retries, breaker and fall-backs can decide on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import openai

from domain.errors import ModelDown

_RETRYABLE = frozenset({408, 409, 425, 429})
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@|\b(?:sk|pk|rk|key)-[\w*.…-]+|(?<=[Bb]earer )\S+")
MAX_CAUSE = 160  # characters of a cause as a person is shown it


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why one call brought nothing usable.

    `cause` is short and free of secrets; `said` is all the server said, for finding the parameter it refuses,
    and is never shown. `is_outage` counts against the circuit breaker: the server, not the request, is at
    fault.
    """

    cause: str
    is_retryable: bool = False
    is_outage: bool = False
    retry_after_s: float | None = None
    http_code: int | None = None
    said: str = ""

    def hiding(self, secret: str) -> Trouble:
        """Without the key, which a server may repeat."""
        return replace(self, cause=self.cause.replace(secret, "…")) if secret else self


class CallFailed(ModelDown):
    """One call to one model brought no usable answer."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__("error.model_down", detail=trouble.cause)
        self.trouble = trouble


def unusable(cause: str) -> CallFailed:
    """An answer came with a good HTTP code and is none; the next try may be better."""
    return CallFailed(Trouble(cause=clean(cause), is_retryable=True))


def timed_out(seconds: float) -> Trouble:
    """Nothing complete came in time."""
    return Trouble(cause=f"no answer within {seconds:.0f} s", is_retryable=True, is_outage=True)


def trouble_of(error: openai.OpenAIError, now: datetime, timeout_s: float) -> Trouble:
    """Classify what the client library raised.

    Args:
        error: what it raised.
        now: to turn a Retry-After date into a pause.
        timeout_s: how long the call was allowed to take, for the sentence.
    """
    if isinstance(error, openai.APITimeoutError):
        return timed_out(timeout_s)
    if isinstance(error, openai.APIConnectionError):
        return Trouble(cause="the connection failed", is_retryable=True, is_outage=True)
    if isinstance(error, openai.APIStatusError):
        return _refused(error, now)
    return Trouble(cause=clean(str(error)))


def _refused(error: openai.APIStatusError, now: datetime) -> Trouble:
    code = error.status_code
    return Trouble(
        cause=clean(f"HTTP {code} {_message(error.body)}"),
        is_retryable=code >= 500 or (code in _RETRYABLE and "insufficient_quota" not in (error.code, error.type)),
        is_outage=code >= 500,
        retry_after_s=_retry_after_s(error.response.headers, now),
        http_code=code,
        said=f"{error} {error.body} {error.param or ''}",
    )


def _message(body: Any) -> str:
    """The server's own sentence when it is one; an HTML page is not."""
    said = body.get("message") if isinstance(body, dict) else body
    return said if isinstance(said, str) and "<" not in said else ""


def _retry_after_s(headers: Any, now: datetime) -> float | None:
    """`retry-after-ms`, else Retry-After in seconds or as a date (RFC 9110, section 10.2.3)."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        return _pause_s(headers["retry-after"], now)
    except (KeyError, ValueError):
        return None


def _pause_s(value: str, now: datetime) -> float:
    try:
        return max(0.0, float(value))
    except ValueError:
        at = parsedate_to_datetime(value)
        return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())


def clean(text: str) -> str:
    """One short line without credentials: what a server said may repeat the key it was given."""
    line = " ".join(_CREDENTIALS.sub("…", text).split())
    line = "".join(char for char in line if char.isprintable())
    return line if len(line) <= MAX_CAUSE else line[: MAX_CAUSE - 1] + "…"
