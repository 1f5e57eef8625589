"""The grounds that the contract of chat platforms is judged on: the twin in memory, Telegram and Discord before strict
servers. A further platform needs one more class here."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest

from bot.platform import Platform, Press, Say, Traits
from bot.post import Action
from bot.reply import Accepted, Reply
from domain.chat import ChatMessage
from domain.errors import Flooded, Unavailable, XingshuError
from domain.task import Place, Upload
from tests.fakes import START
from tests.unit.bot.fakes import until
from tests.unit.bot.platform_twin import FakePlatform, token_gone

GROUNDS = ["memory", "telegram", "discord"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A message of the bot as a person sees it: the words without markup, what its buttons say, the file it carries."""

    id: str
    text: str
    labels: tuple[str, ...] = ()
    rings: bool = False
    reply_to: str = ""
    file: tuple[str, bytes] | None = None
    edits: int = 0


@dataclass
class RememberingDoor:
    """`bot.platform.Door`: remembers what came, and says what `answer` says to it. `ended`: why nothing more comes."""

    messages: list[ChatMessage] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    answer: Callable[[Any], Reply | None] = lambda _what: None
    ended: XingshuError | None = None

    async def take(self, message: ChatMessage, say: Say) -> Accepted | Reply | None:
        self.messages.append(message)
        return await self._said(message, say) or Accepted(task_id="7KQ2M4", is_new=True)

    async def pressed(self, press: Press, say: Say) -> None:
        self.presses.append(press)
        await self._said(press, say)

    async def suggest(self, platform: str, user_id: str, typed: str) -> list[tuple[str, str]]:
        return []

    async def suggest_schedules(self, platform: str, user_id: str, typed: str) -> list[tuple[str, str]]:
        return []

    async def _said(self, what: Any, say: Say) -> Reply | None:
        reply = self.answer(what)
        if reply is not None:
            await say(reply)
        return reply


class Ground(Protocol):
    """A bot that runs, and Ann, who talks to it in `place`."""

    platform: Platform
    door: RememberingDoor
    place: Place

    def says(self, text: str, file: tuple[str, bytes] | None = None) -> str:
        """Ann writes. Returns the id of what she wrote."""
        ...

    def repeats(self) -> None:
        """The platform hands her last message over once more, if that is something it does."""
        ...

    def presses(self, message_id: str, label: str) -> None:
        """Ann presses a button."""
        ...

    async def fills_in(self, text: str) -> None:
        """Ann fills in the form that her press opened; only where `traits.has_forms`."""
        ...

    def seen(self) -> list[Seen]:
        """What the bot wrote and is still there, oldest first."""
        ...

    def deletes(self, message_id: str) -> None:
        """Somebody deletes a message."""
        ...

    def shuts_out(self) -> None:
        """Ann does not want to hear from the bot any more."""
        ...

    def floods(self, seconds: float) -> None:
        """The next message is refused, and the bot is told to wait."""
        ...

    def breaks(self, verb: str, *, is_after: bool = False) -> None:
        """The next `send` or `edit` loses its connection, before or after its effect."""
        ...

    async def revokes_token(self) -> None:
        """The token does not count any more."""
        ...


# --- in memory --------------------------------------------------------------------------------------------------------


class MemoryGround:
    """The twin."""

    def __init__(self, traits: Traits) -> None:
        self.platform = FakePlatform(traits=traits)
        self.door = RememberingDoor()
        self.place = Place(platform="fake", bot_id="b1", chat_id="7")
        self._last: ChatMessage | None = None
        self._count = 0

    def says(self, text: str, file: tuple[str, bytes] | None = None) -> str:
        self._count += 1
        uploads = ()
        if file is not None:
            name, content = file
            self.platform.files[f"f{self._count}"] = content
            uploads = (Upload(ref=f"f{self._count}", name=name, bytes=len(content)),)
        self._last = ChatMessage(
            platform="fake",
            bot_id="b1",
            chat_id="7",
            user_id="7",
            update_key=f"m:7:{self._count}",
            text=text,
            received_at=START,
            message_id=f"ann{self._count}",
            uploads=uploads,
        )
        self.platform.inbox.put_nowait(self._last)
        return self._last.message_id

    def repeats(self) -> None:
        assert self._last is not None
        self.platform.inbox.put_nowait(self._last)

    def presses(self, message_id: str, label: str) -> None:
        self._count += 1
        line = next(line for line in self.platform.lines if line.id == message_id)
        button = next(one for row in line.post.buttons for one in row if one.label == label)
        action = Action.read(str(button.action))
        assert action is not None
        press = Press(
            key=f"c:{self._count}",
            platform="fake",
            bot_id="b1",
            chat_id="7",
            user_id="7",
            message_id=message_id,
            action=action,
            received_at=START,
        )
        self.platform.inbox.put_nowait(press)

    async def fills_in(self, text: str) -> None:
        raise AssertionError("it has no forms")

    def seen(self) -> list[Seen]:
        return [
            Seen(
                id=line.id,
                text=line.text,
                labels=tuple(button.label for row in line.post.buttons for button in row),
                rings=not line.looks[0].is_silent,
                reply_to=line.looks[0].reply_to,
                file=_file_of(line.post),
                edits=len(line.looks) - 1,
            )
            for line in self.platform.lines
            if not line.is_deleted
        ]

    def deletes(self, message_id: str) -> None:
        for line in self.platform.lines:
            line.is_deleted |= line.id == message_id

    def shuts_out(self) -> None:
        self.platform.unreachable["7"] = "blocked"

    def floods(self, seconds: float) -> None:
        self.platform.fail(Flooded("chat.flooded", platform="Fake", retry_after_s=seconds))

    def breaks(self, verb: str, *, is_after: bool = False) -> None:
        self.platform.fail(Unavailable("chat.platform_down", platform="Fake"), is_after=is_after, only=verb)

    async def revokes_token(self) -> None:
        self.platform.error = token_gone()


def _file_of(post: Any) -> tuple[str, bytes] | None:
    attached = post.attachment
    if attached is None:
        return None
    return attached.name, attached.content if attached.path is None else attached.path.read_bytes()


@asynccontextmanager
async def memory(*, sends_once: bool = False) -> AsyncIterator[Ground]:
    ground = MemoryGround(Traits(sends_once=sends_once))
    async with _running(ground.platform, ground.door):
        yield ground


# --- Telegram ---------------------------------------------------------------------------------------------------------


class TelegramGround:
    """The adapter before a server that keeps to Telegram's rules."""

    def __init__(self, telegram: Any, platform: Platform) -> None:
        self.telegram = telegram
        self.platform = platform
        self.door = RememberingDoor()
        self._ann = telegram.people.user("Ann")
        self._chat = telegram.people.private(self._ann)
        self.place = Place(platform="telegram", bot_id=platform.bot_id, chat_id=str(self._chat.id))

    def says(self, text: str, file: tuple[str, bytes] | None = None) -> str:
        people = self.telegram.people
        if file is not None:
            return str(people.document(self._chat, self._ann, *file, caption=text).id)
        return str(people.say(self._chat, self._ann, text).id)

    def repeats(self) -> None:
        self.telegram.updates.repeat()

    def presses(self, message_id: str, label: str) -> None:
        self.telegram.people.press(self._chat.messages[int(message_id)], self._ann, label=label)

    async def fills_in(self, text: str) -> None:
        raise AssertionError("it has no forms")

    def seen(self) -> list[Seen]:
        return [
            Seen(
                id=str(message.id),
                text=message.text,
                labels=tuple(button["text"] for button in message.content.buttons),
                rings=not message.is_silent,
                reply_to=str(message.reply_to or ""),
                file=(message.content.file.name, message.content.file.data) if message.content.file else None,
                edits=message.edits,
            )
            for message in self.telegram.transcript.by_bot(self._chat)
        ]

    def deletes(self, message_id: str) -> None:
        self.telegram.people.delete(self._chat.messages[int(message_id)])

    def shuts_out(self) -> None:
        self.telegram.membership.block(self._ann)

    def floods(self, seconds: float) -> None:
        self.telegram.faults.add("too_many", "sendMessage", retry_after=int(seconds))

    def breaks(self, verb: str, *, is_after: bool = False) -> None:
        method = {"send": "sendMessage", "edit": "editMessageText"}[verb]
        self.telegram.faults.add("reset_after" if is_after else "reset", method)

    async def revokes_token(self) -> None:
        self.telegram.membership.revoke_token()


@asynccontextmanager
async def telegram() -> AsyncIterator[Ground]:
    from tests.integration.telegram_bot import bot_of, server

    async with server() as here:
        ground = TelegramGround(here, bot_of(here))
        async with _running(ground.platform, ground.door):
            await here.until(lambda: here.updates.is_polled)
            yield ground


# --- Discord ----------------------------------------------------------------------------------------------------------


class DiscordGround:
    """The adapter before a server that keeps to Discord's rules; Ann talks to the bot alone."""

    def __init__(self, server: Any, platform: Platform) -> None:
        self.server = server
        self.platform = platform
        self.door = RememberingDoor()
        self._ann = server.people.user("ann")
        server.people.guild("lab", self._ann)
        self._dm = server.people.dm(self._ann)
        self.place = Place(platform="discord", bot_id=platform.bot_id, chat_id=str(self._dm.id))
        self._pressed: Any = None

    def says(self, text: str, file: tuple[str, bytes] | None = None) -> str:
        return str(self.server.people.say(self._dm, self._ann, text, files=[file] if file else None).id)

    def repeats(self) -> None:
        self.server.gateway.drop()  # what was sent since the last acknowledgement comes again

    def presses(self, message_id: str, label: str) -> None:
        message = self._dm.messages[int(message_id)]
        custom_id = self.server.people.label(message, label)
        self._pressed = self.server.people.press(message, self._ann, custom_id)

    async def fills_in(self, text: str) -> None:
        await self.server.wait_answer(self._pressed)
        [field_id] = re.findall(r"'custom_id': '([^']+)', [^{}]*'style'", str(self._pressed.modal)) or [None]
        typed = field_id or next(_inputs(self._pressed.modal))
        self.server.people.submit(self._pressed, {typed: text})

    def seen(self) -> list[Seen]:
        return [
            Seen(
                id=str(message.id),
                text=_plain(message.content),
                labels=tuple(message.labels),
                rings=message.notified,
                reply_to=str(message.reply_to or ""),
                file=(message.attachments[0].filename, message.attachments[0].content) if message.attachments else None,
                edits=message.edits,
            )
            for message in self._dm.messages.values()
            if message.author.id == self.server.world.bot.id and not message.is_deleted
        ]

    def deletes(self, message_id: str) -> None:
        self.server.people.delete(self._dm.messages[int(message_id)])

    def shuts_out(self) -> None:
        self._ann.takes_dms = False

    def floods(self, seconds: float) -> None:
        self.server.faults.add("429", "POST /channels/*/messages", seconds=seconds)

    def breaks(self, verb: str, *, is_after: bool = False) -> None:
        method = {"send": "POST", "edit": "PATCH"}[verb]
        route = f"{method} /channels/*/messages" + ("" if verb == "send" else "/*")
        self.server.faults.add("reset_after" if is_after else "reset", route)

    async def revokes_token(self) -> None:
        self.server.revoke_token()
        await until(lambda: self.door.ended is not None)  # the gateway hangs up


def _inputs(modal: Any) -> Any:
    from tests.discord_server.world import controls

    return (one["custom_id"] for one in controls(modal["components"]) if one.get("custom_id"))


_ESCAPED = re.compile(r"\\(?=[!-/:-@\[-`{-~])|\u200b")


def _plain(content: str) -> str:
    """Discord Markdown as it looks, of what is used here."""
    return _ESCAPED.sub("", content)


@asynccontextmanager
async def discord() -> AsyncIterator[Ground]:
    from tests.discord_server import DiscordServer
    from tests.integration.discord_stage import FakeBookmarks, made

    async with DiscordServer() as server:
        server.gateway.is_relaxed = True
        server.limits.is_on = False
        ground = DiscordGround(server, made(server, FakeBookmarks()))
        async with _running(ground.platform, ground.door):
            await server.wait_ready()
            await server.wait_for(lambda: server.commands.named("ask", None))
            yield ground


# --- all of them ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _running(platform: Platform, door: RememberingDoor) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        work = group.create_task(_ran(platform, door))
        await asyncio.sleep(0)
        yield
        work.cancel()


async def _ran(platform: Platform, door: RememberingDoor) -> None:
    try:
        await platform.run(door)
    except XingshuError as error:
        door.ended = error


def ground_of(request: pytest.FixtureRequest) -> Any:
    """The ground a fixture's parameter names."""
    return {"memory": memory, "telegram": telegram, "discord": discord}[request.param]()


async def once(count: int, things: Callable[[], list[Any]]) -> list[Any]:
    """The things, when there are so many."""
    await until(lambda: len(things()) >= count)
    return things()
