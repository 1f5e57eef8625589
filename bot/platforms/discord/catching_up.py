"""Taking messages in order, remembering how far each chat was read, and reading what was missed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol

import discord
import structlog

from bot.platforms.discord.errands import Lanes
from bot.platforms.discord.incoming import PLATFORM
from bot.platforms.discord.outcomes import meant
from domain.errors import Unavailable, XingshuError
from domain.ports import Clock
from domain.task import Place

log = structlog.get_logger()

MISSED = 200  # messages of one chat that are looked through, the newest: in a busy one most are for others
AT_ONCE = 4  # chats; together they stay below the 50 requests a second that Discord allows
AGAIN_S, LONGEST_S, TRIES = 2.0, 60.0, 15  # about ten minutes

Take = Callable[[discord.Message], Awaitable[bool]]
"""Takes one message, if it is for us; returns, once that is kept, whether it was."""


class Bookmarks(Protocol):
    """How far each chat was read; Discord keeps no queue for us."""

    async def seen(self, place: Place, message_id: str) -> None:
        """Everything up to this message was taken. Raises Unavailable when that cannot be kept now."""
        ...

    async def all(self) -> Mapping[str, str]:
        """The last message taken, by chat id. Raises Unavailable when nobody knows now."""
        ...


class Reading:
    """Takes messages of each chat one after another; those that were missed before those that come.

    Args:
        client: where missed ones are asked for.
        lanes: keeps the order.
        bookmarks: how far it got.
        clock: for trying again.
        take: what is done with each.
    """

    def __init__(self, client: discord.Client, lanes: Lanes, bookmarks: Bookmarks, clock: Clock, take: Take) -> None:
        self._client = client
        self._lanes = lanes
        self._bookmarks = bookmarks
        self._clock = clock
        self._take = take
        self._few = asyncio.Semaphore(AT_ONCE)
        self._sessions = 0

    def came(self, message: discord.Message) -> None:
        """A message arrived."""
        self._lanes.queue(str(message.channel.id), partial(self._taken, message))

    def changed(self, message: discord.Message, take: Take) -> None:
        """A message was edited: it is taken in its turn, too."""
        self._lanes.queue(str(message.channel.id), partial(_awaited, take, message))

    def pause(self) -> int:
        """A new session began: what came in between was not told. Nothing is taken until `catch_up` knows where to
        begin. Returns its number."""
        self._sessions += 1
        self._lanes.hold()
        return self._sessions

    async def catch_up(self, session: int) -> None:
        """Read what was missed before this session, before anything newer of the same chat is taken."""
        known = await self._known()
        if session != self._sessions:
            return
        for chat_id, last in known.items():
            self._lanes.queue_first(chat_id, partial(self._missed, int(chat_id), int(last)))
        self._lanes.release()

    async def _known(self) -> Mapping[str, str]:
        while True:
            try:
                return await self._bookmarks.all()
            except Unavailable as error:
                log.warning("discord_waits_for_store", error=str(error))
                await self._clock.sleep(AGAIN_S)

    async def _missed(self, chat_id: int, last: int) -> None:
        """Have what is newer than `last` in one chat taken before all that waits, oldest first."""
        missed = await self._history(chat_id, last)
        if len(missed) >= MISSED:
            log.warning("discord_missed_too_much", chat=chat_id, looked_at=len(missed))
        for message in missed:
            self._lanes.queue_first(str(chat_id), partial(self._taken, message))

    async def _history(self, chat_id: int, last: int) -> list[discord.Message]:
        """Newest first. As long as Discord has trouble the chat waits: what is newer must not be taken for read."""
        pause_s = AGAIN_S
        for _ in range(TRIES):
            try:
                async with self._few:
                    with meant(self._client):
                        return await self._since(chat_id, last)
            except Unavailable as error:
                log.warning("discord_missed_not_read", chat=chat_id, error=str(error))
                await self._clock.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_S)
            except XingshuError as error:
                log.info("discord_chat_not_read", chat=chat_id, error=str(error))
                return []
        log.error("discord_missed_given_up", chat=chat_id)
        return []

    async def _since(self, chat_id: int, last: int) -> list[discord.Message]:
        channel = self._client.get_channel(chat_id) or await self._client.fetch_channel(chat_id)
        if not isinstance(channel, discord.abc.Messageable):
            return []
        after = discord.Object(last)
        return [message async for message in channel.history(limit=MISSED, after=after, oldest_first=False)]

    async def _taken(self, message: discord.Message) -> None:
        if await self._take(message):
            await self._note(message)

    async def _note(self, message: discord.Message) -> None:
        place = Place(platform=PLATFORM, bot_id=str(self._bot_id), chat_id=str(message.channel.id))
        try:
            await self._bookmarks.seen(place, str(message.id))
        except Unavailable as error:  # the next one says the same
            log.warning("discord_bookmark_lost", chat=place.chat_id, error=str(error))

    @property
    def _bot_id(self) -> int:
        return self._client.user.id if self._client.user else 0


async def _awaited(take: Take, message: discord.Message) -> None:
    await take(message)
