"""What the adapter must be told, and what follows from it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from domain.errors import Misconfigured

TOKEN_SETTING = "TELEGRAM_BOT_TOKEN"  # noqa: S105 -- its name
API_URL = "https://api.telegram.org"
LISTEN = "127.0.0.1:8443"

_TOKEN = re.compile(r"\d+:[\w-]+", re.ASCII)  # https://core.telegram.org/bots/api#authorizing-your-bot
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")  # https://core.telegram.org/bots/api#setwebhook allows 1-256


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramSettings:
    """Which bot, and how it is reached.

    Args:
        token: as BotFather gave it out.
        base_url: a Bot API server of one's own, with or without `/bot` at its end; empty: Telegram's.
        webhook_url: the https address where Telegram posts updates; empty: they are polled.
        webhook_secret: what Telegram sends along, so that nobody else can post any.
        webhook_listen: HOST:PORT where this process waits for them.
    """

    token: str = field(repr=False)
    base_url: str = ""
    webhook_url: str = ""
    webhook_secret: str = field(default="", repr=False)
    webhook_listen: str = LISTEN

    @property
    def bot_id(self) -> str:
        """The number in front of the token's colon."""
        return self.token.partition(":")[0]

    @property
    def methods_url(self) -> str:
        """What the token is appended to for a method."""
        return f"{self._root}/bot"

    @property
    def files_url(self) -> str:
        """What the token is appended to for a file; a library left to itself would ask Telegram's own server."""
        return f"{self._root}/file/bot"

    @property
    def listens_at(self) -> tuple[str, int]:
        """Host and port of `webhook_listen`."""
        host, _, port = self.webhook_listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def _root(self) -> str:
        return (self.base_url or API_URL).rstrip("/").removesuffix("/bot")


def checked(settings: TelegramSettings) -> TelegramSettings:
    """The settings as they are. Raises Misconfigured, naming the one that is wrong; never its value."""
    if not _TOKEN.fullmatch(settings.token):
        raise Misconfigured("chat.token_refused", platform="Telegram", setting=TOKEN_SETTING)
    if not _is_url(settings.methods_url, {"http", "https"}):
        raise Misconfigured("telegram.bad_base_url")
    if settings.webhook_url:
        _check_webhook(settings)
    return settings


def _check_webhook(settings: TelegramSettings) -> None:
    """Whoever knows the address could speak as anybody if there were no secret: then there is no webhook."""
    if not _is_url(settings.webhook_url, {"http", "https"}):
        raise Misconfigured("telegram.bad_webhook_url")
    if not _SECRET.fullmatch(settings.webhook_secret):
        raise Misconfigured("telegram.weak_webhook_secret")
    host, _, port = settings.webhook_listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise Misconfigured("telegram.bad_webhook_listen")


def _is_url(text: str, schemes: set[str]) -> bool:
    parts = urlsplit(text)
    return parts.scheme in schemes and bool(parts.hostname)
