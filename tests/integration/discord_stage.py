"""The Discord adapter before a strict server: a door that remembers, bookmarks in memory, people in a guild."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # discord.py imports audioop, which Python 3.13 no longer has
    import discord

from bot.drawing.rich_text import RichText
from bot.governor import Governor
from bot.platform import Press, Say
from bot.platforms.discord import TRAITS, Discord, DiscordSettings, probe
from bot.post import Action, Button, Post, Verb
from bot.reply import Accepted, Reply
from domain.chat import ChatMessage
from domain.errors import StoreDown
from domain.task import Place
from tests.contract.buses import RealClock
from tests.discord_server import BOT_ID, Channel, DiscordServer, Interaction, User
from tests.discord_server import Message as Seen
from tests.unit.bot.fakes import until

__all__ = ["DiscordSettings", "discord", "probe"]


@dataclass
class FakeDoor:
    """Remembers what came in. `answers` says what becomes of a message; everything waits while `is_open` is not set."""

    taken: list[ChatMessage] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    answers: Callable[[ChatMessage], Accepted | Reply | None] = lambda _message: Accepted(task_id="7KQ2M4", is_new=True)
    notice: Reply = field(default_factory=lambda: Reply(is_notice=True))
    suggestions: list[tuple[str, str]] = field(default_factory=list)
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    at_door: int = 0
    says: list[Say] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.is_open.set()

    async def take(self, message: ChatMessage, say: Say) -> Accepted | Reply | None:
        await self._enter(say)
        self.taken.append(message)
        outcome = self.answers(message)
        if isinstance(outcome, Reply):
            await say(outcome)
        return outcome

    async def pressed(self, press: Press, say: Say) -> None:
        await self._enter(say)
        self.presses.append(press)
        await say(self.notice)

    async def suggest(self, platform: str, user_id: str, typed: str) -> list[tuple[str, str]]:
        await self.is_open.wait()
        return [one for one in self.suggestions if one[0].startswith(typed.upper())]

    async def suggest_schedules(self, platform: str, user_id: str, typed: str) -> list[tuple[str, str]]:
        await self.is_open.wait()
        return [one for one in self.suggestions if one[0].startswith(typed)]

    async def _enter(self, say: Say) -> None:
        self.at_door += 1
        self.says.append(say)
        await self.is_open.wait()

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.taken]


@dataclass
class FakeBookmarks:
    """`is_down`: as with a database that is away."""

    last: dict[str, str] = field(default_factory=dict)
    is_down: bool = False
    asked: int = 0

    async def seen(self, place: Place, message_id: str) -> None:
        if self.is_down:
            raise StoreDown("error.store_down")
        self.last[place.chat_id] = max(self.last.get(place.chat_id, "0"), message_id, key=int)

    async def all(self) -> Mapping[str, str]:
        self.asked += 1
        if self.is_down:
            raise StoreDown("error.store_down")
        return dict(self.last)


@dataclass
class DiscordStage:
    """A guild with a channel, two people, and the bot among them."""

    server: DiscordServer
    platform: Discord
    door: FakeDoor
    bookmarks: FakeBookmarks
    alice: User
    bob: User
    channel: Channel
    expected: list[str] = field(default_factory=list)  # violations that a test makes

    def place(self, channel: Channel | None = None) -> Place:
        where = channel or self.channel
        return Place(platform="discord", bot_id=str(BOT_ID), chat_id=str(where.id))

    def mention(self, text: str, **more: Any) -> Seen:
        """Alice says something to the bot in the channel."""
        return self.server.people.say(self.channel, self.alice, f"<@{BOT_ID}> {text}", **more)

    async def sent(self, post: Post, nonce: str = "n1", channel: Channel | None = None) -> Seen:
        """What the platform sent, as it is seen."""
        where = channel or self.channel
        return where.messages[int(await self.platform.send(self.place(where), post, nonce))]

    async def card(self, *verbs: Verb, channel: Channel | None = None) -> Seen:
        """A message with a button for each verb."""
        row = tuple(Button(label=verb.name.title(), action=Action(verb=verb, subject="7KQ2M4")) for verb in verbs)
        return await self.sent(Post(text=RichText("card"), buttons=(row,)), channel=channel)

    def slash(self, name: str, channel: Channel | None = None, /, **options: object) -> Interaction:
        """Alice, or whose private channel it is, uses a command."""
        where = channel or self.channel
        return self.server.people.slash(where, where.recipient or self.alice, name, **options)

    def press(self, message: Seen, label: str) -> Interaction:
        return self.server.people.press(message, self.alice, self.server.people.label(message, label))

    async def took(self, *texts: str) -> None:
        await until(lambda: self.door.texts == list(texts))

    async def says(self, channel: Channel, text: str) -> Seen:
        return await self.server.wait_message(channel, text)


@asynccontextmanager
async def running(platform: Discord, door: FakeDoor) -> AsyncIterator[asyncio.Task[None]]:
    """The adapter at work until the block ends."""
    task = asyncio.ensure_future(platform.run(door))
    try:
        yield task
    finally:
        if task.cancel():  # else the test has seen how it ended
            with suppress(asyncio.CancelledError):
                await task


def made(server: DiscordServer, bookmarks: FakeBookmarks, clock: Any = None) -> Discord:
    clock = clock or RealClock()
    settings = DiscordSettings(token=server.token, base_url=server.api_url)
    return Discord(settings, clock, Governor(TRAITS.pace, clock), bookmarks)


@asynccontextmanager
async def discord_stage(*, starts: bool = True, **server_words: Any) -> AsyncIterator[DiscordStage]:
    async with DiscordServer(**server_words) as server:
        server.gateway.is_relaxed = True
        server.limits.is_on = False
        alice, bob = server.people.user("alice"), server.people.user("bob", locale="zh-CN")
        channel = server.people.channel(server.people.guild("lab", alice, bob))
        bookmarks, door = FakeBookmarks(), FakeDoor()
        platform = made(server, bookmarks)
        stage = DiscordStage(server, platform, door, bookmarks, alice, bob, channel)
        if not starts:
            yield stage
            return
        async with running(platform, door):
            await server.wait_ready()
            await server.wait_for(lambda: server.commands.named("ask", None))
            yield stage


def text(words: str) -> Post:
    return Post(text=RichText(words))
