"""The Discord bot: one `bot.platform.Platform`."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import discord
import structlog
from discord import app_commands

from bot.drawing.discord_markdown import discord_length
from bot.governor import Governor
from bot.platform import Door, Pace, Traits
from bot.platforms.discord.answering import Voice
from bot.platforms.discord.catching_up import Bookmarks, Reading
from bot.platforms.discord.connection import Connection, DiscordSettings, bot_id_of, intents
from bot.platforms.discord.errands import Errands, Lanes
from bot.platforms.discord.files import fetch
from bot.platforms.discord.incoming import PLATFORM, Edits
from bot.platforms.discord.outcomes import down
from bot.platforms.discord.outgoing import MAX_CONTENT, Writing
from bot.platforms.discord.reception import Reception
from bot.platforms.discord.slash import Line, Slash, plant, synced
from bot.post import Post
from domain.errors import XingshuError
from domain.ports import Clock
from domain.task import Place, Upload

log = structlog.get_logger()

_KEPT = 1_000  # interactions
MIB = 2**20

TRAITS = Traits(
    measure=discord_length,
    max_text=MAX_CONTENT,
    max_caption=MAX_CONTENT,
    max_file_bytes=10 * MIB,
    max_upload_bytes=50 * MIB,
    columns=40,
    pace=Pace(private_s=1.2, group_s=1.5, overall_per_s=45.0),
    sends_once=True,
    has_forms=True,
)
"""What Discord takes. Its limits are told in headers, which the library obeys; the pace keeps edits from using them up
(5 messages in 5 s and channel is usual), 45 a second stay below the 50 of all routes together."""


class Discord:
    """One bot on Discord.

    Args:
        settings: its token, and where Discord is.
        clock: the time.
        governor: the pace, shared with whoever else writes for this bot.
        bookmarks: how far each chat was read.

    Raises Misconfigured when the token is none.
    """

    name = PLATFORM
    traits = TRAITS

    def __init__(self, settings: DiscordSettings, clock: Clock, governor: Governor, bookmarks: Bookmarks) -> None:
        self.bot_id = bot_id_of(settings.token)
        self._settings = settings
        self._clock = clock
        self._governor = governor
        self._bookmarks = bookmarks
        self._here: Connection | None = None

    async def run(self, door: Door) -> None:
        """Receive until cancelled. Without the privileged intent it goes on with what is addressed to it.

        Raises Misconfigured when the token is refused, Unavailable when Discord is away for good.
        """
        try:
            await self._receive(door, has_content=True)
        except discord.PrivilegedIntentsRequired:
            log.warning(
                "discord_without_message_content",
                hint="mentions, direct messages and slash commands work; replies that do not ring come empty",
            )
            await self._receive(door, has_content=False)

    async def send(self, place: Place, post: Post, nonce: str, *, is_repeat: bool = False) -> str:
        """See `bot.platform.Platform`."""
        return await self._writing().send(place, post, nonce, is_repeat=is_repeat)

    async def edit(self, place: Place, message_id: str, post: Post) -> None:
        """See `bot.platform.Platform`."""
        await self._writing().edit(place, message_id, post)

    async def busy(self, place: Place) -> None:
        """See `bot.platform.Platform`."""
        try:
            await self._writing().busy(place)
        except XingshuError as error:
            log.info("discord_typing_not_shown", error=str(error))

    async def fetch(self, upload: Upload, into: Path) -> None:
        """See `bot.platform.Platform`."""
        await fetch(self._connected(), upload, into, self.traits.max_upload_bytes)

    async def _receive(self, door: Door, *, has_content: bool) -> None:
        """One connection from its beginning to its end. An intent that is refused is raised as it is."""
        ended: XingshuError | discord.PrivilegedIntentsRequired | None = None
        async with Connection(intents(has_content=has_content)) as connection, asyncio.TaskGroup() as group:
            errands = Errands(group)
            try:
                await connection.log_in(self._settings)
                await self._attach(connection, door, errands)
                self._here = connection
                await connection.receive()
            except (XingshuError, discord.PrivilegedIntentsRequired) as error:
                ended = error
            finally:
                self._here = None
                errands.cancel()
        if ended is not None:
            raise ended

    async def _attach(self, connection: Connection, door: Door, errands: Errands) -> None:
        writing = Writing(connection, self._clock)
        voice = Voice(writing=writing, governor=self._governor, clock=self._clock, traits=self.traits)
        reception = Reception(door=door, voice=voice, clock=self._clock, bot_id=int(self.bot_id), edits=Edits())
        reading = Reading(connection, Lanes(errands), self._bookmarks, self._clock, reception.take)
        wiring = _Wiring(reception, reading, errands)
        tree = await plant(connection, wiring)
        wiring.attach(connection, partial(_sync, connection, tree))

    def _connected(self) -> Connection:
        """Raises Unavailable while there is no connection."""
        if self._here is None or self._here.is_closed():
            raise down()
        return self._here

    def _writing(self) -> Writing:
        return Writing(self._connected(), self._clock)


class _Wiring:
    """The library's events, each made an errand at once: the library owns none of our work, so that all of it ends with
    the connection. Events keep the order in which they came."""

    def __init__(self, reception: Reception, reading: Reading, errands: Errands) -> None:
        self._reception = reception
        self._reading = reading
        self._errands = errands
        self._known: OrderedDict[int, None] = OrderedDict()

    def attach(self, connection: Connection, sync: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Listen, and tell Discord the commands once it is there."""
        self._sync = sync
        for listener in (self.on_connect, self.on_message, self.on_raw_message_edit, self.on_interaction):
            connection.event(listener)

    async def on_connect(self) -> None:
        """A new session: of what came while there was none, only the history tells."""
        session = self._reading.pause()
        self._errands.start(partial(self._reading.catch_up, session))
        if session == 1:
            self._errands.start(self._sync)

    async def on_message(self, message: discord.Message) -> None:
        """A message, of whomever."""
        self._reading.came(message)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """A message that changed in some way."""
        self._reading.changed(payload.message, self._reception.take_edit)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """A button or a form; commands come through the tree."""
        if interaction.type is discord.InteractionType.component and self._is_new(interaction):
            self._errands.start(partial(self._reception.press, interaction))
        elif interaction.type is discord.InteractionType.modal_submit and self._is_new(interaction):
            self._errands.start(partial(self._reception.submit, interaction))

    async def perform(self, interaction: discord.Interaction, line: Line) -> None:
        """A command. The second arrival of the same one is none."""
        if self._is_new(interaction):
            self._errands.start(partial(self._reception.perform, interaction, line))

    async def complete(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """What is being typed into a command."""
        return await self._reception.complete(interaction, typed)

    async def complete_schedule(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """What is being typed behind /schedule."""
        return await self._reception.complete_schedule(interaction, typed)

    def _is_new(self, interaction: discord.Interaction) -> bool:
        if interaction.id in self._known:
            return False
        self._known[interaction.id] = None
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return True


async def _sync(connection: Connection, tree: Slash) -> None:
    await synced(connection, tree)
