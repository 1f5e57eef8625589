"""What the bot writes by itself: ordinary messages, under the bot's own token."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import discord
import structlog

from bot.drawing.discord_markdown import discord_markdown
from bot.drawing.rich_text import RichText
from bot.platforms.discord.controls import view_of
from bot.platforms.discord.outcomes import ARCHIVED, INVALID_BODY, LOST, meant
from bot.post import Attachment, Post
from domain.errors import Refused
from domain.ports import Clock
from domain.safe_text import clipped
from domain.task import Place

log = structlog.get_logger()
T = TypeVar("T")

MAX_CONTENT = 2000  # https://docs.discord.com/developers/resources/message
LOOKED_THROUGH = 100  # messages
CALL_S = 90.0  # the library sleeps and tries again in it
EDIT_TRIES, EDIT_PAUSE_S = 3, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A post on its way; `file` is what its attachment holds."""

    place: Place
    post: Post
    nonce: str
    file: bytes = b""

    def is_in(self, message: discord.Message) -> bool:
        """Whether a message of ours is this one: the same nonce, or what it says, what it carries, what it answers."""
        if message.nonce is not None:
            return str(message.nonce) == self.nonce
        answers = str(message.reference.message_id) if message.reference is not None else ""
        sizes = [len(self.file)] if self.post.attachment is not None else []
        return (
            message.content.strip() == content_of(self.post.text).strip()
            and answers == self.post.reply_to
            and [one.size for one in message.attachments] == sizes
        )


class Writing:
    """Writes through one connection.

    Everything raises what `bot.platform.Platform` says.
    """

    def __init__(self, client: discord.Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def send(self, place: Place, post: Post, nonce: str, *, is_repeat: bool = False) -> str:
        """A new message; the one that is there already if this is a repeat."""
        letter = Letter(place=place, post=post, nonce=nonce, file=await held_by(post.attachment))
        if is_repeat and (known := await self._asked(lambda: self._sent(letter))) is not None:
            return known
        return await self._plain_if_refused(post, lambda content: self._send(letter, content))

    async def edit(self, place: Place, message_id: str, post: Post) -> None:
        """Change a message of ours. A lost connection is no reason to give up: an edit can be repeated."""
        message = self._channel(place).get_partial_message(int(message_id))
        await self._plain_if_refused(post, lambda content: self._edit_open(message, post, content))

    async def busy(self, place: Place) -> None:
        """Typing, for some seconds."""
        await self._asked(lambda: _typing(self._channel(place)))

    def _channel(self, place: Place) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(int(place.thread_id or place.chat_id))

    async def _plain_if_refused(self, post: Post, write: Callable[[str], Awaitable[T]]) -> T:
        """Write it; once more as plain text when Discord does not take its form."""
        try:
            return await self._asked(lambda: write(content_of(post.text)), passing=INVALID_BODY)
        except discord.HTTPException as error:
            log.warning("discord_refused_markup", error=str(error))
        return await self._asked(lambda: write(plain_content(post.text)))

    async def _asked(self, call: Callable[[], Awaitable[T]], *, passing: int = -1) -> T:
        """Call Discord, for as long as is reasonable."""
        with meant(self._client, passing=passing):
            async with asyncio.timeout(CALL_S):
                return await call()

    async def _send(self, letter: Letter, content: str) -> str:
        channel, post = self._channel(letter.place), letter.post
        options = shown_with(post, letter.file, "file")
        if post.reply_to:
            options["reference"] = discord.MessageReference(
                message_id=int(post.reply_to), channel_id=channel.id, fail_if_not_exists=False
            )
        sent = await channel.send(
            content or None,
            nonce=letter.nonce,
            suppress_embeds=True,
            silent=post.is_silent,
            **options,
        )
        return str(sent.id)

    async def _edit_open(self, message: discord.PartialMessage, post: Post, content: str) -> None:
        """Edit it; in a thread that was archived, which a new message opens by itself but an edit does not, open that
        first. One that is locked stays closed. Source: https://docs.discord.com/developers/topics/threads."""
        try:
            await self._edit(message, post, content)
        except discord.HTTPException as error:
            if error.code != ARCHIVED or not await self._opened(message.channel.id):
                raise
            await self._edit(message, post, content)

    async def _opened(self, thread_id: int) -> bool:
        try:
            await self._client.http.edit_channel(thread_id, archived=False)
        except discord.HTTPException as error:
            log.info("discord_thread_stays_closed", thread=thread_id, error=str(error))
            return False
        return True

    async def _edit(self, message: discord.PartialMessage, post: Post, content: str) -> None:
        for left in reversed(range(EDIT_TRIES)):
            try:
                await message.edit(content=content or None, view=view_of(post.buttons))
            except LOST:
                if not left:
                    raise
                await self._clock.sleep(EDIT_PAUSE_S)
            else:
                return

    async def _sent(self, letter: Letter) -> str | None:
        """The message of an earlier try."""
        after = discord.Object(int(letter.post.reply_to)) if letter.post.reply_to else None
        history = self._channel(letter.place).history(limit=LOOKED_THROUGH, after=after, oldest_first=False)
        async for message in history:
            if message.author == self._client.user and letter.is_in(message):
                return str(message.id)
        return None


def shown_with(post: Post, file: bytes, word: str) -> dict[str, Any]:
    """What stands beside the text of a new message: its buttons, and its file, which goes by a different `word` in
    different places."""
    options: dict[str, Any] = {}
    if (view := view_of(post.buttons)) is not None:
        options["view"] = view
    if post.attachment is not None:
        drawn = discord.File(io.BytesIO(file), filename=post.attachment.name)
        options[word] = drawn if word == "file" else [drawn]
    return options


def content_of(text: RichText) -> str:
    """Styled text as Discord takes it."""
    return discord_markdown(text)


def plain_content(text: RichText) -> str:
    """The same without any style, and short enough whatever became of it."""
    return clipped(discord_markdown(RichText(text.text)), MAX_CONTENT)


async def held_by(attachment: Attachment | None) -> bytes:
    """What is in a file that goes out. Raises Refused when it is not there any more."""
    if attachment is None or attachment.path is None:
        return (attachment.content or b"") if attachment is not None else b""
    try:
        return await asyncio.to_thread(attachment.path.read_bytes)
    except OSError as error:
        raise Refused("discord.file_gone") from error


async def _typing(channel: discord.PartialMessageable) -> None:
    await channel.typing()
