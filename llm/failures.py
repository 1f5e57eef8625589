"""What went wrong with one call, in a form that retries, breaker and fall-backs can decide on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from domain.errors import ModelDown

MAX_CAUSE = 160  # characters of a cause as a person is shown it
_RETRYABLE = frozenset({408, 409, 425, 429})
_SPENT = re.compile(r"insufficient[_ ](quota|balance|credits?)|billing_hard_limit")
_OVERFLOW = re.compile(r"context[_ ](length|window|size)|maximum context|(prompt|input) is too long")
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@|\b(?:sk|pk|rk|key)-[\w*.…-]+|(?<=[Bb]earer )\S+")


class Doubt(StrEnum):
    """What an unusable answer casts doubt on: what it was told to look like, to come in pieces, or its length."""

    FORM = "form"
    STREAM = "stream"
    LENGTH = "length"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why one call brought nothing usable.

    `cause` is short and free of secrets; `said` is what the server said, for finding the parameter it refuses,
    and is never shown. `is_outage` counts against the circuit breaker: the server, not the request, is at
    fault. `passes` says that waiting may help, as the server is gone, overloaded or left alone, and nobody has to mend
    anything.
    """

    cause: str
    is_retryable: bool = False
    is_outage: bool = False
    passes: bool = False
    retry_after_s: float | None = None
    http_code: int | None = None
    said: str = ""
    doubt: Doubt | None = None

    @property
    def is_overflow(self) -> bool:
        """Whether the question is too long for the model."""
        return bool(_OVERFLOW.search(self.said))

    def hiding(self, secret: str) -> Trouble:
        """Without the key, which a server may repeat."""
        return replace(self, cause=self.cause.replace(secret, "…")) if secret else self


class CallFailed(ModelDown):
    """One call to one model brought no usable answer."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__("error.model_down", detail=trouble.cause)
        self.trouble = trouble


def unusable(cause: str, doubt: Doubt | None = None) -> CallFailed:
    """An answer came with a good HTTP code and is none; the next try may be better."""
    return CallFailed(Trouble(cause=clean(cause), is_retryable=True, doubt=doubt))


def refused(code: int, body: Any, retry_after_s: float | None = None) -> Trouble:
    """A server's refusal: an HTTP code that is none of success, and the error it sent."""
    said = _said(body).casefold()
    is_final = bool(_SPENT.search(said) or _OVERFLOW.search(said))
    passes = not is_final and (code >= 500 or code in _RETRYABLE)
    return Trouble(
        cause=clean(f"HTTP {code} {_message(body)}"),
        is_retryable=passes,
        is_outage=code >= 500,
        passes=passes,
        retry_after_s=retry_after_s,
        http_code=code,
        said=said,
    )


def reported(error: Any) -> Trouble:
    """An error told in the body or in the stream of an answer that had begun well."""
    code = error.get("code") if isinstance(error, Mapping) else None
    if isinstance(code, int | str) and re.fullmatch("[45][0-9][0-9]", str(code)):
        return refused(int(code), error)
    return replace(refused(500, error), cause=clean(_message(error) or "an error was reported"), is_outage=False)


def _said(body: Any) -> str:
    """What names the parameter that is refused: the sentence, `param`, `code` and `type` of OpenAI's errors."""
    fields = [body.get(name) for name in ("param", "code", "type")] if isinstance(body, Mapping) else []
    return " ".join([_message(body), *(field for field in fields if isinstance(field, str))])


def _message(body: Any) -> str:
    """The server's own sentence when it is one; an HTML page is not. FastAPI's is a list of `loc` and `msg`."""
    said = body
    if isinstance(body, Mapping):
        said = body.get("message") or body.get("detail")
    if isinstance(said, list):
        said = "; ".join(_complaint(entry) for entry in said if isinstance(entry, Mapping))
    return said if isinstance(said, str) and "<" not in said else ""


def _complaint(entry: Mapping[str, Any]) -> str:
    place = entry.get("loc")
    where = ".".join(str(step) for step in place) if isinstance(place, list) else ""
    return f"{where} {entry.get('msg', '')}".strip()


def clean(text: str) -> str:
    """One short line without credentials: what a server said may repeat the key it was given."""
    line = " ".join(_CREDENTIALS.sub("…", text).split())
    line = "".join(char for char in line if char.isprintable())
    return line if len(line) <= MAX_CAUSE else line[: MAX_CAUSE - 1] + "…"
