"""A Telegram bot of ours before a strict server, with a door that remembers."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.governor import Governor
from bot.platform import Pace, Press, Say
from bot.platforms.telegram import Telegram, TelegramSettings
from bot.reply import Accepted, Reply
from domain.chat import ChatMessage
from tests.telegram_server import UNLIMITED, Rules, TelegramServer
from tests.virtual_time import LoopClock, virtually

RULES = Rules(limits=UNLIMITED)
UNHURRIED = Pace()


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test whose pauses take no time."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        virtually(lambda: test(*args, **kwargs))

    return run


def server(rules: Rules = RULES) -> TelegramServer:
    """A server that lives in the loop's time."""
    return TelegramServer(clock=LoopClock(), rules=rules)


@dataclass
class RememberingDoor:
    """Takes everything; `before` runs first and may wait or raise; `answer` says what is replied."""

    changed: Callable[[], None] = lambda: None
    before: Callable[[ChatMessage | Press], Awaitable[None]] | None = None
    answer: Callable[[ChatMessage | Press], Reply | None] = lambda _what: None
    messages: list[ChatMessage] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)

    @property
    def taken(self) -> list[ChatMessage]:
        return self.messages

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]

    async def take(self, message: ChatMessage, say: Say) -> Accepted | None:
        await self._do(message, say)
        self.messages.append(message)
        self.changed()
        return None

    async def pressed(self, press: Press, say: Say) -> None:
        await self._do(press, say)
        self.presses.append(press)
        self.changed()

    async def suggest(self, platform: str, user_id: str, typed: str) -> list[tuple[str, str]]:
        return []

    async def suggest_schedules(self, platform: str, user_id: str, typed: str) -> list[tuple[str, str]]:
        return []

    async def _do(self, what: ChatMessage | Press, say: Say) -> None:
        if self.before is not None:
            await self.before(what)
        reply = self.answer(what)
        if reply is not None:
            await say(reply)


def bot_of(telegram: TelegramServer, *, pace: Pace = UNHURRIED, **settings: str) -> Telegram:
    """A bot that speaks to this server."""
    configured = TelegramSettings(**{"token": telegram.token, "base_url": telegram.url, **settings})
    return Telegram(configured, LoopClock(), Governor(pace, LoopClock()))


@asynccontextmanager
async def running(bot: Telegram, door: RememberingDoor) -> AsyncIterator[asyncio.Task[None]]:
    """The bot receives while the block lasts; the task ends with how receiving ended."""
    task = asyncio.ensure_future(bot.run(door))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()


@dataclass
class Here:
    """Everything a test needs."""

    telegram: TelegramServer
    door: RememberingDoor
    bot: Telegram
    task: asyncio.Task[None]

    async def heard(self, count: int) -> list[ChatMessage]:
        """The messages, once there are so many."""
        await self.telegram.until(lambda: len(self.door.messages) >= count, 60)
        return self.door.messages


@asynccontextmanager
async def here(rules: Rules = RULES, **settings: str) -> AsyncIterator[Here]:
    """A server, and a bot that polls it."""
    async with server(rules) as telegram:
        door = RememberingDoor(changed=telegram.world.changed)
        bot = bot_of(telegram, **settings)
        async with running(bot, door) as task:
            yield Here(telegram, door, bot, task)
