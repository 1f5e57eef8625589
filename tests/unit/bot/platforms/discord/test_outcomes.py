"""Discord's refusals as ours."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from bot.platforms.discord.outcomes import meaning, meant
from domain.errors import Flooded, MessageGone, Misconfigured, Refused, StoreDown, Unavailable, Unreachable
from domain.texts import CATALOGUE
from tests.unit.bot.platforms.discord import discord


def refused(status: int, code: int = 0, **headers: str) -> discord.HTTPException:
    response: Any = SimpleNamespace(status=status, reason="no", headers=headers)
    return discord.HTTPException(response, {"code": code, "message": "no"})


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (50007, "blocked"),
        (50001, "chat_gone"),
        (10003, "chat_gone"),
        (50013, "not_allowed"),
        (160002, "not_allowed"),
        (50083, "topic_closed"),
        (160005, "topic_closed"),
    ],
)
def test_a_place_that_cannot_be_reached_is_named(code: int, how: str) -> None:
    error = meaning(refused(400 if code in {50083, 160002} else 403, code))
    assert isinstance(error, Unreachable)
    assert error.how == how
    assert error.key in CATALOGUE


def test_unknown_refusals_have_a_name_by_their_status() -> None:
    found = {status: meaning(refused(status)) for status in (403, 404, 400)}
    assert isinstance(found[403], Unreachable)
    assert found[403].how == "not_allowed"
    assert isinstance(found[404], Unreachable)
    assert found[404].how == "chat_gone"
    assert type(found[400]) is Refused


@pytest.mark.parametrize("code", [10008, 50005])
def test_a_message_that_cannot_be_edited_is_gone(code: int) -> None:
    assert isinstance(meaning(refused(404, code)), MessageGone)


@pytest.mark.parametrize("error", [refused(503), aiohttp.ServerDisconnectedError(), TimeoutError(), OSError(104, "x")])
def test_trouble_on_the_way_passes(error: Exception) -> None:
    assert type(meaning(error)) is Unavailable


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (discord.RateLimited(45.5), 45.5),
        (refused(429, **{"Retry-After": "7"}), 7.0),
        (refused(429, **{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), 60.0),
        (refused(429), 60.0),
    ],
)
def test_a_flood_says_how_long(error: Exception, seconds: float) -> None:
    flooded = meaning(error)
    assert isinstance(flooded, Flooded)
    assert flooded.retry_after_s == seconds


@pytest.mark.parametrize("error", [refused(401), discord.LoginFailure("no")])
def test_a_token_that_does_not_count_is_a_setting(error: Exception) -> None:
    assert isinstance(meaning(error), Misconfigured)


def test_ours_stay_as_they_are() -> None:
    error = StoreDown("error.store_down")
    assert meaning(error) is error


class Client:
    """`is_closed` of a client, nothing else."""

    def __init__(self, *, is_closed: bool) -> None:
        self._is_closed = is_closed

    def is_closed(self) -> bool:
        return self._is_closed


def meant_by(error: Exception, *, is_closed: bool = False, passing: int = -1) -> None:
    client: Any = Client(is_closed=is_closed)
    with meant(client, passing=passing):
        raise error


def test_a_session_that_was_closed_meanwhile_is_an_outage_and_a_bug_is_a_bug() -> None:
    with pytest.raises(Unavailable):
        meant_by(RuntimeError("Session is closed"), is_closed=True)
    with pytest.raises(RuntimeError):
        meant_by(RuntimeError("a bug"))


def test_one_code_may_pass() -> None:
    with pytest.raises(discord.HTTPException):
        meant_by(refused(400, 50035), passing=50035)
