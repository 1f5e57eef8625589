"""The ground of Discord for the suite that judges every platform: the adapter before a strict server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.platform import Platform
from domain.chat import ChatMessage
from domain.task import Place
from tests.discord_server import BOT_ID, Channel, Message, Permission
from tests.integration.discord_stage import DiscordStage, FakeDoor, discord_stage
from tests.unit.bot.fakes import until


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A message of the bot as people see it; `looks` is everything it ever said, the last of it now."""

    id: str
    text: str
    looks: tuple[str, ...]
    labels: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...]
    rings: bool
    reply_to: str
    pings: bool


class DiscordGround:
    """Two chats, one private and one in a guild, and a person in both."""

    name = "discord"

    def __init__(self, stage: DiscordStage) -> None:
        self._stage = stage
        self._channels = {False: stage.server.people.dm(stage.alice), True: stage.channel}

    @property
    def platform(self) -> Platform:
        return self._stage.platform

    @property
    def door(self) -> FakeDoor:
        """What came in: `taken`, `presses`."""
        return self._stage.door

    @property
    def violations(self) -> list[str]:
        """Rules of Discord that were broken."""
        return self._stage.server.codes

    def place(self, *, is_group: bool = False) -> Place:
        return self._stage.place(self._channels[is_group])

    # --- what can be seen -----------------------------------------------------------------------------------------

    def shown(self, place: Place) -> list[Shown]:
        """The bot's messages there, oldest first; deleted ones are not."""
        return [_shown(one) for one in self._channel(place).visible if one.author.id == BOT_ID and not one.is_loading]

    # --- what people do -------------------------------------------------------------------------------------------

    async def says(self, place: Place, text: str, *, files: tuple[tuple[str, bytes], ...] = ()) -> ChatMessage:
        """Somebody says something to the bot; what the door got of it."""
        channel, count = self._channel(place), len(self.door.taken)
        words = text if channel.guild_id is None else f"<@{BOT_ID}> {text}"
        self._stage.server.people.say(channel, self._stage.alice, words, files=list(files))
        await until(lambda: len(self.door.taken) > count)
        return self.door.taken[-1]

    async def edits(self, message: ChatMessage, text: str) -> ChatMessage:
        """The same person changes their message; what the door got of it."""
        channel, count = self._stage.server.world.channels[int(message.chat_id)], len(self.door.taken)
        words = text if channel.guild_id is None else f"<@{BOT_ID}> {text}"
        self._stage.server.people.edit(channel.messages[int(message.message_id)], words)
        await until(lambda: len(self.door.taken) > count)
        return self.door.taken[-1]

    async def presses(self, place: Place, message_id: str, label: str) -> None:
        """Somebody presses a button of a message; returns once the door has it."""
        people, count = self._stage.server.people, len(self.door.presses)
        message = self._channel(place).messages[int(message_id)]
        people.press(message, self._stage.alice, people.label(message, label))
        await until(lambda: len(self.door.presses) > count)

    def deletes(self, place: Place, message_id: str) -> None:
        """A message disappears."""
        self._stage.server.people.delete(self._channel(place).messages[int(message_id)])

    def shuts(self, place: Place) -> str:
        """The bot cannot write there any more; the named state that this has."""
        channel = self._channel(place)
        if channel.guild_id is None:
            self._stage.alice.takes_dms = False
            return "blocked"
        self._stage.server.people.deny(channel, Permission.SEND_MESSAGES)
        return "not_allowed"

    # --- what goes wrong ------------------------------------------------------------------------------------------

    def loses_answer(self) -> None:
        """The next message arrives, but its sender does not hear of it."""
        self._stage.server.faults.add("reset_after", "POST /channels/*/messages")

    def is_down(self) -> None:
        """The next message does not arrive."""
        self._stage.server.faults.add("reset", "POST /channels/*/messages")

    def floods(self, seconds: float) -> None:
        """The next message is one too many. Discord's library tells of no wait below half a minute."""
        self._stage.server.faults.add("429", "POST /channels/*/messages", seconds=seconds)

    def _channel(self, place: Place) -> Channel:
        return self._stage.server.world.channels[int(place.chat_id)]


@asynccontextmanager
async def discord_ground() -> AsyncIterator[DiscordGround]:
    """A ground of one's own, the adapter at work on it."""
    async with discord_stage() as stage:
        yield DiscordGround(stage)


def _shown(message: Message) -> Shown:
    return Shown(
        id=str(message.id),
        text=message.content,
        looks=tuple(message.history),
        labels=tuple(message.labels),
        files=tuple((one.filename, one.content) for one in message.attachments),
        rings=message.notified,
        reply_to=str(message.reply_to or ""),
        pings=bool(message.pinged or message.pinged_roles or message.pinged_everyone),
    )
