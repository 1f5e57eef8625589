"""What a well-behaved client must not do, and the errors the server answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """Kinds of violations, for tests to filter."""

    FLOOD_IGNORED = "flood_ignored"  # called again before retry_after had passed
    TEXT_EMPTY = "text_empty"
    TEXT_TOO_LONG = "text_too_long"
    CAPTION_TOO_LONG = "caption_too_long"
    BAD_MARKUP = "bad_markup"  # parse_mode with text that cannot be parsed
    BAD_ENTITY = "bad_entity"  # out of bounds, splits a surrogate pair, unknown type
    BAD_NESTING = "bad_nesting"  # Telegram would silently show something else
    TOO_MANY_ENTITIES = "too_many_entities"  # Telegram silently drops those behind the hundredth
    BAD_BUTTON = "bad_button"  # callback_data that is not 1-64 bytes, a button without an action
    KEYBOARD_TOO_BIG = "keyboard_too_big"
    UNKNOWN_METHOD = "unknown_method"
    UNKNOWN_PARAMETER = "unknown_parameter"
    BAD_PARAMETER = "bad_parameter"
    MISSING_PARAMETER = "missing_parameter"
    NOT_MODIFIED = "not_modified"  # an edit that changes nothing
    NOT_EDITABLE = "not_editable"  # somebody else's message, or no text in it
    UNANSWERED = "unanswered"  # a callback query that got no answer in time
    LATE_ANSWER = "late_answer"
    ANSWERED_TWICE = "answered_twice"
    ANSWER_TOO_LONG = "answer_too_long"
    LINK_PREVIEW = "link_preview"  # not switched off
    TWO_POLLERS = "two_pollers"
    POLLED_WITH_WEBHOOK = "polled_with_webhook"
    REFUSED_AGAIN = "refused_again"  # went on after the same chat, topic, message or token had been refused for good
    FILE_TOO_BIG = "file_too_big"
    BAD_FILE = "bad_file"
    BAD_COMMAND = "bad_command"


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """One thing that must not happen. `method` and `chat_id` may be unknown."""

    code: Code
    at: datetime
    detail: str
    method: str = ""
    chat_id: int | None = None


class ApiError(Exception):
    """An answer with ok=false. `code` is recorded as a violation; `told` is what the client may not try again."""

    def __init__(
        self,
        status: int,
        description: str,
        *,
        code: Code | None = None,
        parameters: Mapping[str, Any] | None = None,
        told: tuple[Any, ...] | None = None,
    ) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.code = code
        self.parameters = parameters
        self.told = told


def bad_request(reason: str, code: Code | None = None, told: tuple[Any, ...] | None = None) -> ApiError:
    """400 as Telegram words it."""
    return ApiError(400, f"Bad Request: {reason}", code=code, told=told)


def forbidden(reason: str, told: tuple[Any, ...] | None = None) -> ApiError:
    """403 as Telegram words it."""
    return ApiError(403, f"Forbidden: {reason}", told=told)


def too_many(retry_after: int, code: Code | None = None) -> ApiError:
    """429 as Telegram words it."""
    return ApiError(
        429,
        f"Too Many Requests: retry after {retry_after}",
        code=code,
        parameters={"retry_after": retry_after},
    )
