"""A Telegram bot as one of our platforms. python-telegram-bot polls and speaks the Bot API; what is here decides what
counts, and makes sure that nothing is lost or said twice."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from bot.governor import Governor
from bot.platform import Door, Traits
from bot.platforms.telegram.polling import DurableBot
from bot.platforms.telegram.presses import Presses
from bot.platforms.telegram.reading import PLATFORM, Albums
from bot.platforms.telegram.receiving import Parts, Receiving
from bot.platforms.telegram.sending import Sending
from bot.platforms.telegram.settings import TelegramSettings, checked
from bot.platforms.telegram.traits import traits_of
from bot.platforms.telegram.uploads import Downloads
from bot.platforms.telegram.voice import Voice
from bot.platforms.telegram.wording import Me
from bot.post import Post
from domain.ports import Clock
from domain.task import Place, Upload

log = structlog.get_logger()

# Below warnings these tell addresses, and so the token; what the library says above that the watch says in one line.
_LEVELS = {"httpx": logging.WARNING, "httpcore": logging.WARNING, "telegram": logging.CRITICAL}


class Telegram:
    """`bot.platform.Platform`.

    Args:
        settings: which bot.
        clock: the time.
        governor: whose turn it is to write; made with `TRAITS.pace`, and shared with whoever delivers.

    Raises Misconfigured when a setting cannot be right.
    """

    def __init__(self, settings: TelegramSettings, clock: Clock, governor: Governor) -> None:
        self._settings = checked(settings)
        self._traits = traits_of(settings)
        _keep_quiet()
        self._bot = bot = DurableBot(settings)
        self._downloads = Downloads(bot, settings)
        self._sending = sending = Sending(bot)
        voice = Voice(sending, governor, clock)
        presses = Presses(bot, settings.bot_id, voice, clock)
        self._parts = Parts(bot=bot, sending=sending, voice=voice, presses=presses, albums=Albums(), clock=clock)

    @property
    def name(self) -> str:
        """`platform` of its messages and places."""
        return PLATFORM

    @property
    def bot_id(self) -> str:
        """The bot's number, which its token begins with."""
        return self._settings.bot_id

    @property
    def traits(self) -> Traits:
        """What Telegram takes; a server of one's own may hand out larger files."""
        return self._traits

    async def run(self, door: Door) -> None:
        """Receive until cancelled, or until it turns out that nothing can come."""
        async with self._connected() as me:
            failure = await Receiving(self._parts, self._settings, door, me).run()
        raise failure

    async def send(self, place: Place, post: Post, nonce: str, *, is_repeat: bool = False) -> str:
        """Post a new message. Telegram knows no nonce, and no way to look for a message."""
        return await self._sending.send(place, post)

    async def edit(self, place: Place, message_id: str, post: Post) -> None:
        """Make a message of ours show this; a file takes the place of a text."""
        await self._sending.edit(place, message_id, post)

    async def busy(self, place: Place) -> None:
        """Show for some seconds that something is being written."""
        await self._sending.busy(place)

    async def fetch(self, upload: Upload, into: Path) -> None:
        """Write a file that somebody sent to `into`, whole or not at all."""
        await self._downloads.fetch(upload, into)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Me]:
        try:
            await self._bot.connect()
            self._tell_standing()
            yield Me(self._bot.id, self._bot.username)
        finally:
            await self._downloads.close()
            await self._bot.shutdown()

    def _tell_standing(self) -> None:
        log.info(
            "telegram_ready",
            username=self._bot.username,
            bot=self._bot.id,
            reads_all_group_messages=self._bot.can_read_all_group_messages,
            can_join_groups=self._bot.can_join_groups,
            way="webhook" if self._settings.webhook_url else "polling",
        )


def _keep_quiet() -> None:
    for name, level in _LEVELS.items():
        logger = logging.getLogger(name)
        logger.setLevel(max(level, logger.level))
