"""A server, a bot and a person who talk: where most tests begin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from telegram.error import TelegramError
from telegram.ext import ExtBot
from telegram.request import HTTPXRequest

from tests.fakes import FakeClock
from tests.telegram_server.flood import UNLIMITED
from tests.telegram_server.model import Chat, User
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.violations import Code
from tests.telegram_server.world import Rules


@dataclass(frozen=True)
class Scene:
    """`chat` is the private chat of `ada`; time stands still until `advance`."""

    telegram: TelegramServer
    bot: ExtBot[Any]
    clock: FakeClock
    ada: User
    chat: Chat

    @property
    def codes(self) -> list[str]:
        """What the bot did wrong, link previews left aside."""
        return [str(violation.code) for violation in self.telegram.transcript.violations(without=[Code.LINK_PREVIEW])]

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)

    @contextmanager
    def refused(self, words: str, kind: type[TelegramError] = TelegramError) -> Iterator[None]:
        """The library raises, and the server said these words, which are Telegram's."""
        with pytest.raises(kind):
            yield
        failed = [call for call in self.telegram.transcript.calls(ok=False) if call.status]
        assert words in failed[-1].description


def bot_of(telegram: TelegramServer, token: str | None = None) -> ExtBot[Any]:
    """The real library, pointed at the server. Reading the certificates of the world takes 0.1 s: not here."""
    without = {"verify": False}
    return ExtBot(
        token or telegram.token,
        base_url=telegram.base_url,
        base_file_url=telegram.base_file_url,
        request=HTTPXRequest(httpx_kwargs=without),
        get_updates_request=HTTPXRequest(connection_pool_size=1, httpx_kwargs=without),
    )


@asynccontextmanager
async def playing(rules: Rules | None = None) -> AsyncIterator[Scene]:
    """A scene; without `rules` there is no flood control."""
    clock = FakeClock()
    rules = rules or Rules(limits=UNLIMITED)
    async with TelegramServer(clock=clock, rules=rules) as telegram, bot_of(telegram) as bot:
        ada = telegram.people.user("Ada", language_code="zh")
        yield Scene(telegram, bot, clock, ada, telegram.people.private(ada))
