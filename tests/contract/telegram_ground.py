"""The ground of Telegram for the suite that judges every platform: the adapter before a strict server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.platform import Platform
from domain.chat import ChatMessage
from domain.task import Place
from tests.integration.telegram_bot import Here, RememberingDoor, here
from tests.telegram_server import Chat, Message, Trouble
from tests.telegram_server.text import found


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


class TelegramGround:
    """Two chats, one private and one group, and a person in both."""

    name = "telegram"

    def __init__(self, on: Here) -> None:
        self._on = on
        self._server = on.telegram
        self._ada = on.telegram.people.user()
        self._chats = {False: on.telegram.people.private(self._ada), True: on.telegram.people.group(self._ada)}

    @property
    def platform(self) -> Platform:
        return self._on.bot

    @property
    def door(self) -> RememberingDoor:
        """What came in: `taken`, `presses`."""
        return self._on.door

    @property
    def violations(self) -> list[str]:
        """Rules of Telegram that were broken."""
        return [str(violation.code) for violation in self._server.transcript.violations()]

    def place(self, *, is_group: bool = False) -> Place:
        chat = self._chats[is_group]
        return Place(platform="telegram", bot_id=self.platform.bot_id, chat_id=str(chat.id))

    # --- what can be seen -----------------------------------------------------------------------------------------

    def shown(self, place: Place) -> list[Shown]:
        """The bot's messages there, oldest first; deleted ones are not."""
        return [_shown(message) for message in self._server.transcript.by_bot(self._chat(place))]

    # --- what people do -------------------------------------------------------------------------------------------

    async def says(self, place: Place, text: str, *, files: tuple[tuple[str, bytes], ...] = ()) -> ChatMessage:
        """Somebody says something to the bot; what the door got of it. Several files are several messages, of which the
        last is told."""
        chat, count, people = self._chat(place), len(self.door.taken), self._server.people
        words = f"@{self._server.world.bot.username} {text}" if chat.is_group else text
        if len(files) > 1:
            people.album(chat, self._ada, files, caption=words, is_forced=True)
        elif files:
            people.document(chat, self._ada, *files[0], caption=words)
        else:
            people.say(chat, self._ada, words)
        await self._server.until(lambda: len(self.door.taken) >= count + max(1, len(files)))
        return self.door.taken[-1]

    async def edits(self, message: ChatMessage, text: str) -> ChatMessage:
        """The same person changes their message; what the door got of it."""
        chat, count = self._server.world.chats[int(message.chat_id)], len(self.door.taken)
        words = f"@{self._server.world.bot.username} {text}" if chat.is_group else text
        self._server.people.edit(chat.messages[int(message.message_id)], words)
        await self._server.until(lambda: len(self.door.taken) > count)
        return self.door.taken[-1]

    async def presses(self, place: Place, message_id: str, label: str) -> None:
        """Somebody presses a button of a message; returns once the door has it."""
        count = len(self.door.presses)
        self._server.people.press(self._message(place, message_id), self._ada, label=label)
        await self._server.until(lambda: len(self.door.presses) > count)

    def deletes(self, place: Place, message_id: str) -> None:
        """A message disappears."""
        self._server.people.delete(self._message(place, message_id))

    def shuts(self, place: Place) -> str:
        """The bot cannot write there any more; the named state that this has."""
        chat = self._chat(place)
        if chat.is_group:
            self._server.membership.mute_bot(chat)
            return "not_allowed"
        self._server.membership.block(self._ada)
        return "blocked"

    # --- what goes wrong ------------------------------------------------------------------------------------------

    def loses_answer(self) -> None:
        """The next message arrives, but its sender does not hear of it."""
        self._server.faults.add(Trouble.RESET_AFTER, "sendMessage")

    def is_down(self) -> None:
        """The next message does not arrive."""
        self._server.faults.add(Trouble.RESET, "sendMessage")

    def floods(self, seconds: float) -> None:
        """The next message is one too many. Telegram tells whole seconds."""
        self._server.faults.add(Trouble.TOO_MANY, "sendMessage", retry_after=round(seconds))

    def _chat(self, place: Place) -> Chat:
        return self._server.world.chats[int(place.chat_id)]

    def _message(self, place: Place, message_id: str) -> Message:
        return self._chat(place).messages[int(message_id)]


@asynccontextmanager
async def telegram_ground() -> AsyncIterator[TelegramGround]:
    """A ground of one's own, the adapter at work on it."""
    async with here() as on:
        await on.telegram.until(lambda: on.telegram.updates.is_polled)
        yield TelegramGround(on)


def _shown(message: Message) -> Shown:
    file = message.content.file
    return Shown(
        id=str(message.id),
        text=message.text,
        looks=tuple(version.content.text for version in message.history),
        labels=tuple(button["text"] for button in message.content.buttons),
        files=((file.name, file.data),) if file else (),
        rings=not message.is_silent,
        reply_to=str(message.reply_to or ""),
        pings=any(entity["type"] == "mention" and not _is_styled(message, entity) for entity in found(message.text)),
    )


def _is_styled(message: Message, mention: dict[str, Any]) -> bool:
    """Whether it stands in code, where Telegram looks for nobody."""
    return any(
        styled["offset"] <= mention["offset"] < styled["offset"] + styled["length"]
        for styled in message.content.entities
        if styled["type"] in {"code", "pre"}
    )
