from __future__ import annotations

import logging

import pytest

from bot.governor import Governor
from bot.platforms.telegram import TRAITS, Telegram, TelegramSettings
from bot.platforms.telegram.settings import checked
from bot.platforms.telegram.traits import traits_of
from domain.errors import Misconfigured
from tests.fakes import FakeClock

TOKEN = "123456789:AAtest-token_of-no-value_0123456789"
SECRET = "a-secret-of-some-length"


@pytest.mark.parametrize(
    ("base_url", "methods", "files"),
    [
        ("", "https://api.telegram.org/bot", "https://api.telegram.org/file/bot"),
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081/bot", "http://127.0.0.1:8081/file/bot"),
        ("http://127.0.0.1:8081/", "http://127.0.0.1:8081/bot", "http://127.0.0.1:8081/file/bot"),
        (
            "https://proxy.example.org/tg/bot",
            "https://proxy.example.org/tg/bot",
            "https://proxy.example.org/tg/file/bot",
        ),
    ],
)
def test_methods_and_files_are_on_the_same_server(base_url: str, methods: str, files: str):
    settings = checked(TelegramSettings(token=TOKEN, base_url=base_url))
    assert (settings.methods_url, settings.files_url) == (methods, files)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"token": "hello"}, "TELEGRAM_BOT_TOKEN"),
        ({"token": "123:a/../b"}, "TELEGRAM_BOT_TOKEN"),
        ({"base_url": "127.0.0.1:8081"}, "TELEGRAM_API_BASE_URL"),
        ({"base_url": "file:///etc"}, "TELEGRAM_API_BASE_URL"),
        ({"webhook_url": "bot.example.org", "webhook_secret": SECRET}, "TELEGRAM_WEBHOOK_URL"),
        ({"webhook_url": "https://bot.example.org/t"}, "TELEGRAM_WEBHOOK_SECRET"),
        ({"webhook_url": "https://bot.example.org/t", "webhook_secret": "short"}, "TELEGRAM_WEBHOOK_SECRET"),
        ({"webhook_url": "https://bot.example.org/t", "webhook_secret": " " * 20}, "TELEGRAM_WEBHOOK_SECRET"),
        (
            {"webhook_url": "https://bot.example.org/t", "webhook_secret": SECRET, "webhook_listen": "8443"},
            "TELEGRAM_WEBHOOK_LISTEN",
        ),
        (
            {"webhook_url": "https://bot.example.org/t", "webhook_secret": SECRET, "webhook_listen": "::1:99999"},
            "TELEGRAM_WEBHOOK_LISTEN",
        ),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(wrong: dict[str, str], named: str):
    with pytest.raises(Misconfigured, match=named) as raised:
        checked(TelegramSettings(**{"token": TOKEN, **wrong}))
    assert not wrong.get("webhook_secret", "").strip() or wrong["webhook_secret"] not in str(raised.value)
    assert named in raised.value.say("zh")


def test_where_the_webhook_listens():
    assert TelegramSettings(token=TOKEN).listens_at == ("127.0.0.1", 8443)
    assert TelegramSettings(token=TOKEN, webhook_listen="[::1]:80").listens_at == ("::1", 80)


def test_nothing_secret_is_shown():
    shown = repr(TelegramSettings(token=TOKEN, webhook_secret=SECRET))
    assert TOKEN not in shown
    assert SECRET not in shown


async def test_who_it_is_is_known_from_the_token_and_libraries_keep_quiet():
    clock = FakeClock()
    telegram = Telegram(TelegramSettings(token=TOKEN), clock, Governor(TRAITS.pace, clock))
    assert (telegram.name, telegram.bot_id, telegram.traits) == ("telegram", "123456789", TRAITS)
    for name in ("httpx", "httpcore.connection", "telegram.ext.ExtBot"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)


def test_a_server_of_ones_own_hands_out_larger_files():
    own = traits_of(TelegramSettings(token=TOKEN, base_url="http://127.0.0.1:8081"))
    assert own.max_upload_bytes > TRAITS.max_upload_bytes
