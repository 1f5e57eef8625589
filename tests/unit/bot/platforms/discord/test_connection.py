"""Tokens, intents, and what the library is not to remember."""

from __future__ import annotations

import pytest

from bot.platforms.discord.connection import Connection, DiscordSettings, bot_id_of, intents
from domain.errors import Misconfigured


def test_the_bot_is_known_by_its_token() -> None:
    assert bot_id_of("MTAwMDAwMDAwMDAwMDAwMDAwMQ.test.token") == "1000000000000000001"
    assert bot_id_of(" MTIz.x.y") == "123"


@pytest.mark.parametrize("token", ["", "no token", "MTIzYWJj.x.y", "123:telegram", "é.x.y", "////.a.b"])
def test_what_is_no_token_is_said(token: str) -> None:
    with pytest.raises(Misconfigured):
        bot_id_of(token)


def test_a_token_is_not_shown() -> None:
    assert "secret" not in repr(DiscordSettings(token="secret"))


def test_only_what_is_needed_is_asked_for() -> None:
    assert intents(has_content=False).value == (1 << 0) | (1 << 9) | (1 << 12)
    assert intents(has_content=True).value == intents(has_content=False).value | (1 << 15)


async def test_nothing_is_kept_and_nobody_is_pinged() -> None:
    connection = Connection(intents(has_content=True))
    assert list(connection.cached_messages) == []
    assert connection.allowed_mentions is not None
    assert connection.allowed_mentions.to_dict() == {"parse": []}
