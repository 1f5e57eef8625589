"""What `doctor` is told."""

from __future__ import annotations

import pytest

from bot.platforms.telegram import TelegramSettings, probe
from domain.errors import Misconfigured, Unavailable
from tests.integration.telegram_bot import here, server, virtual
from tests.telegram_server import UNLIMITED, Code, Rules


def settings_of(url: str, token: str) -> TelegramSettings:
    return TelegramSettings(token=token, base_url=url)


@virtual
async def test_who_it_is_and_what_waits():
    async with server(Rules(limits=UNLIMITED, has_privacy=False)) as telegram:
        ada = telegram.people.user()
        telegram.people.say(telegram.people.private(ada), ada, "waiting")
        settings = settings_of(telegram.url, telegram.token)
        told = await probe(settings)
        assert told == (
            "@xingshu_test_bot (id 123456789), by polling, 1 update(s) waiting; in groups it reads everything, and "
            "passes over what is not addressed to it"
        )
        telegram.world.webhook.url = "https://bot.example.org/secret-path"
        telegram.world.webhook.last_error_at = telegram.world.now()
        telegram.world.webhook.last_error = "Connection refused"
        told = await probe(settings, "zh")
        assert "Webhook" in told
        assert "bot.example.org" in told
        assert "secret-path" not in told
        assert "Connection refused" in told


@virtual
async def test_it_disturbs_nobody_who_polls():
    async with here() as on:
        await on.telegram.until(lambda: on.telegram.updates.is_polled)
        assert "what is addressed to it" in await probe(settings_of(on.telegram.url, on.telegram.token))
        assert on.telegram.updates.is_polled
        assert on.telegram.transcript.violations(Code.TWO_POLLERS) == []


@virtual
async def test_what_is_wrong_is_named():
    async with server() as telegram:
        with pytest.raises(Misconfigured, match="TELEGRAM_BOT_TOKEN") as raised:
            await probe(settings_of(telegram.url, "123456789:AAnother-token_of-no-value_0123456789"))
        assert "AAnother" not in f"{raised.value!r} {raised.value.__context__!r}"
        url = telegram.url
    with pytest.raises(Unavailable, match="Telegram"):
        await probe(settings_of(url, telegram.token))
