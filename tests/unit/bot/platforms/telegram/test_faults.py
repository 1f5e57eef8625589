from __future__ import annotations

import itertools

import httpx
import pytest
from telegram.error import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.platforms.telegram.faults import fault, has_no_text, is_markup, is_too_big, is_unchanged, is_unsent
from domain.errors import Flooded, MessageGone, Misconfigured, Refused, Unavailable, Unreachable


@pytest.mark.parametrize(
    ("error", "how"),
    [
        (Forbidden("Forbidden: bot was blocked by the user"), "blocked"),
        (Forbidden("Forbidden: user is deactivated"), "blocked"),
        (Forbidden("Forbidden: bot can't initiate conversation with a user"), "blocked"),
        (Forbidden("Forbidden: bot can't send messages to bots"), "blocked"),
        (Forbidden("Forbidden: bot was kicked from the supergroup chat"), "chat_gone"),
        (Forbidden("Forbidden: bot is not a member of the channel chat"), "chat_gone"),
        (Forbidden("Forbidden: the group chat was deleted"), "chat_gone"),
        (Forbidden("Forbidden: something new"), "not_allowed"),
        (BadRequest("Bad Request: chat not found"), "chat_gone"),
        (BadRequest("Bad Request: PEER_ID_INVALID"), "chat_gone"),
        (BadRequest("Bad Request: message thread not found"), "topic_closed"),
        (BadRequest("Bad Request: TOPIC_CLOSED"), "topic_closed"),
        (BadRequest("Bad Request: TOPIC_DELETED"), "topic_closed"),
        (BadRequest("Bad Request: not enough rights to send text messages to the chat"), "not_allowed"),
        (BadRequest("Bad Request: have no rights to send a message"), "not_allowed"),
        (BadRequest("Bad Request: need administrator rights in the channel chat"), "not_allowed"),
        (BadRequest("Bad Request: CHAT_WRITE_FORBIDDEN"), "not_allowed"),
    ],
)
def test_where_nothing_will_arrive(error: TelegramError, how: str):
    found = fault(error)
    assert isinstance(found, Unreachable)
    assert found.how == how
    assert found.say("zh")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequest("Bad Request: message to edit not found"), MessageGone),
        (BadRequest("Bad Request: message can't be edited"), MessageGone),
        (BadRequest("Bad Request: MESSAGE_ID_INVALID"), MessageGone),
        (BadRequest("Bad Request: message is too long"), Refused),
        (BadRequest("Bad Request: not enough rights to send documents to the chat"), Refused),
        (BadRequest("Bad Request: CHAT_SEND_DOCS_FORBIDDEN"), Refused),
        (NetworkError("Request Entity Too Large"), Refused),
        (InvalidToken("Unauthorized"), Misconfigured),
        (NetworkError("Bad Gateway"), Unavailable),
        (TimedOut(), Unavailable),
        (Conflict("Conflict: terminated by other getUpdates request"), Unavailable),
        (TelegramError("Invalid server response"), Unavailable),
    ],
)
def test_what_can_be_done_about_it(error: TelegramError, kind: type[Exception]):
    found = fault(error)
    assert type(found) is kind
    assert found.say("en")
    assert found.say("zh")


def test_a_flood_says_for_how_long():
    found = fault(RetryAfter(13))
    assert isinstance(found, Flooded)
    assert found.retry_after_s == 13.0


def test_the_token_is_in_no_sentence():
    assert "123:AAA" not in str(fault(InvalidToken("The token `123:AAA` was rejected by the server.")))


def test_what_is_asked_of_a_refusal():
    assert is_unchanged(BadRequest("Bad Request: message is not modified: specified new message content and ..."))
    assert is_markup(BadRequest("Bad Request: can't parse entities: unsupported start tag"))
    assert is_markup(BadRequest("Bad Request: ENTITY_BOUNDS_INVALID"))
    assert not is_markup(BadRequest("Bad Request: chat not found"))
    assert has_no_text(BadRequest("Bad Request: there is no text in the message to edit"))
    assert is_too_big(BadRequest("Bad Request: file is too big"))


def _chain(*errors: Exception) -> Exception:
    for outer, inner in itertools.pairwise(errors):
        outer.__cause__ = inner
    return errors[0]


@pytest.mark.parametrize(
    ("cause", "expected"),
    [(httpx.ConnectError("no"), True), (httpx.PoolTimeout("no"), True), (httpx.ReadTimeout("late"), False)],
)
def test_what_cannot_have_arrived(cause: Exception, expected: object):
    assert is_unsent(_chain(Unavailable("chat.platform_down", platform="x"), NetworkError("x"), cause)) is expected
