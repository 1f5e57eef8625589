"""What Discord's refusals mean to us.

Codes: https://docs.discord.com/developers/topics/opcodes-and-status-codes#json.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import discord

from domain.errors import Flooded, MessageGone, Misconfigured, Refused, Unavailable, Unreachable, XingshuError

NAME = "Discord"
SETTING = "DISCORD_BOT_TOKEN"
INVALID_BODY = 50035
ARCHIVED = 50083
ACKNOWLEDGED = 40060
UNKNOWN_INTERACTION = 10062
GONE_TOKENS = frozenset({50027, 10015})  # of an interaction: 15 minutes are over
LOST = (aiohttp.ClientError, OSError)  # the connection, or the time (TimeoutError is an OSError)
TROUBLE = (discord.DiscordException, *LOST)

_LONG_S = 60.0  # to wait after a 429 that does not say how long: Cloudflare's, which must be taken seriously
_HOW = {
    10003: "chat_gone",
    10004: "chat_gone",
    50001: "chat_gone",
    50007: "blocked",
    50013: "not_allowed",
    160002: "not_allowed",
    ARCHIVED: "topic_closed",
    160005: "topic_closed",
}
_MESSAGE_GONE = frozenset({10008, 50005})
_TOO_LARGE = 40005


def meaning(error: Exception) -> XingshuError:
    """The error as `bot.platform.Platform` promises it."""
    if isinstance(error, XingshuError):
        return error
    if isinstance(error, discord.RateLimited):
        return Flooded("chat.flooded", retry_after_s=error.retry_after, platform=NAME)
    if isinstance(error, discord.LoginFailure):
        return token_refused()
    if isinstance(error, discord.HTTPException):
        return _refusal(error)
    return down()


@contextmanager
def meant(client: discord.Client, *, passing: int = -1) -> Iterator[None]:
    """What Discord raises inside, as `meaning` says; but a refusal with the code `passing` as it is."""
    try:
        yield
    except TROUBLE as error:
        if isinstance(error, discord.HTTPException) and error.code == passing:
            raise
        raise meaning(error) from error
    except RuntimeError as error:  # so says the library underneath when its session was closed meanwhile
        if not client.is_closed():
            raise
        raise down() from error


def down() -> Unavailable:
    """Discord is away."""
    return Unavailable("chat.platform_down", platform=NAME)


def token_refused() -> Misconfigured:
    """The token does not count."""
    return Misconfigured("chat.token_refused", platform=NAME, setting=SETTING)


def _refusal(error: discord.HTTPException) -> XingshuError:
    if error.status == 429:
        return Flooded("chat.flooded", retry_after_s=_wait_s(error), platform=NAME)
    if error.status == 401:
        return token_refused()
    return down() if error.status >= 500 else _for_ever(error)


def _for_ever(error: discord.HTTPException) -> XingshuError:
    """What another try does not change."""
    if error.code in _MESSAGE_GONE:
        return MessageGone("chat.message_gone")
    if error.code == _TOO_LARGE or error.status == 413:
        return Refused("discord.too_large")
    if error.code in _HOW or error.status in (403, 404):
        return Unreachable(_HOW.get(error.code, "not_allowed" if error.status == 403 else "chat_gone"))
    return Refused("discord.refused")


def _wait_s(error: discord.HTTPException) -> float:
    try:
        return max(1.0, float(error.response.headers.get("Retry-After", _LONG_S)))
    except ValueError:  # it may be a date
        return _LONG_S
