"""What Telegram's refusals mean, by what can be done about them.

The words are those of the Bot API server (tdlib/telegram-bot-api, `Client.cpp`) and of the errors that it hands through
from Telegram itself (https://core.telegram.org/api/errors); there are no codes finer than 400 and 403.
"""

from __future__ import annotations

import os

import httpx
from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter, TelegramError

from bot.platforms.telegram.settings import TOKEN_SETTING
from domain.errors import Flooded, MessageGone, Misconfigured, Refused, Unavailable, Unreachable, XingshuError

# The library's only switch for telling times as such; without it every 429 is accompanied by a warning on stderr.
os.environ.setdefault("PTB_TIMEDELTA", "true")  # noqa: TID251 -- no setting of ours

_UNREACHABLE = {
    "blocked": (
        "bot was blocked",
        "user is deactivated",
        "initiate conversation",
        "user_deactivated",
        "can't send messages to",
    ),
    "topic_closed": ("topic_closed", "thread not found", "topic_deleted", "topic_id_invalid", "topic not found"),
    "chat_gone": (
        "chat not found",
        "was kicked",
        "not a member",
        "was deleted",
        "was deactivated",
        "peer_id_invalid",
        "channel_private",
        "upgraded to a supergroup",
    ),
    "not_allowed": (
        "not enough rights",
        "have no rights",
        "need administrator rights",
        "forbidden",  # CHAT_WRITE_FORBIDDEN, CHAT_SEND_PLAIN_FORBIDDEN, …
        "chat_restricted",
        "chat_admin_required",
    ),
}
_MESSAGE_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid", "message_edit_time")
_FILES = ("send documents", "send_docs", "send media", "send_media")
_MARKUP = ("can't parse entities", "entity", "entities")
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def fault(error: TelegramError) -> XingshuError:
    """What to raise instead."""
    if isinstance(error, RetryAfter):
        return Flooded("chat.flooded", platform="Telegram", retry_after_s=seconds_of(error))
    if isinstance(error, InvalidToken):
        return token_refused()
    if isinstance(error, Forbidden):
        return Unreachable(_way(error) or "not_allowed")
    if isinstance(error, BadRequest):
        return _bad(error)
    if _has(error, ("request entity too large",)):  # 413, which is no 400 to the library
        return Refused("telegram.refused", detail=error.message)
    return Unavailable("chat.platform_down", platform="Telegram")


def token_refused() -> Misconfigured:
    """The token does not count, or not any more."""
    return Misconfigured("chat.token_refused", platform="Telegram", setting=TOKEN_SETTING)


def seconds_of(error: RetryAfter) -> float:
    """How long Telegram wants to be left alone."""
    wait = error.retry_after
    return float(wait) if isinstance(wait, int | float) else wait.total_seconds()


def is_unchanged(error: BadRequest) -> bool:
    """A message shows already what an edit wants it to."""
    return _has(error, ("message is not modified",))


def is_markup(error: BadRequest) -> bool:
    """The styling is what was refused; the same text without it may pass."""
    return _has(error, _MARKUP)


def has_no_text(error: BadRequest) -> bool:
    """A message with a file was edited as one without."""
    return _has(error, ("there is no text in the message",))


def is_too_big(error: BadRequest) -> bool:
    """A file is larger than bots may fetch or send."""
    return _has(error, ("file is too big",))


def is_unsent(error: BaseException) -> bool:
    """The request cannot have reached Telegram, so that repeating it shows nothing twice."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _UNSENT):
            return True
        cause = cause.__cause__
    return False


def _bad(error: BadRequest) -> XingshuError:
    if _has(error, _MESSAGE_GONE):
        return MessageGone("chat.message_gone")
    way = None if _has(error, _FILES) else _way(error)  # words may be welcome where files are not
    return Unreachable(way) if way else Refused("telegram.refused", detail=error.message)


def _way(error: TelegramError) -> str | None:
    return next((way for way, signs in _UNREACHABLE.items() if _has(error, signs)), None)


def _has(error: TelegramError, signs: tuple[str, ...]) -> bool:
    said = error.message.casefold()
    return any(sign in said for sign in signs)
