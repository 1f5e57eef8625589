"""Messages of people as ours: which are for us, what they say, what came with them."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta

import discord

from domain.chat import MAX_UPLOADS, ChatMessage
from domain.safe_text import clipped
from domain.task import Upload
from domain.uploads import fitting_name

PLATFORM = "discord"
MAX_QUOTED = 2_000  # characters of what somebody replied to
_SAID = frozenset({discord.MessageType.default, discord.MessageType.reply})
_FRESH_EDIT = timedelta(seconds=60)
_REMEMBERED = 2_000  # messages


def is_for(message: discord.Message, bot_id: int) -> bool:
    """Whether somebody means us: in private always, elsewhere with a mention or a reply."""
    author = message.author
    if author.bot or author.system or message.webhook_id is not None or message.type not in _SAID:
        return False
    if isinstance(message.channel, discord.DMChannel) or _mentions(message, bot_id):
        return True
    # Without the right to read contents, a reply that does not ring comes empty.
    return _replies_to(message, bot_id) and bool(message.content or message.attachments)


def heard(message: discord.Message, bot_id: int, now: datetime, *, is_edit: bool = False) -> ChatMessage:
    """The message as everybody behind the door knows it."""
    own = re.compile(rf"<@!?{bot_id}>")
    reference = message.reference
    return ChatMessage(
        platform=PLATFORM,
        bot_id=str(bot_id),
        chat_id=str(message.channel.id),
        user_id=str(message.author.id),
        update_key=f"m:{message.id}",
        text="\n\n".join(part for part in (own.sub("", message.content).strip(), _quoted(message, bot_id)) if part),
        received_at=now,
        message_id=str(message.id),
        reply_to=str(reference.message_id) if reference is not None and not message.message_snapshots else "",
        is_group=not isinstance(message.channel, discord.DMChannel),
        within=within(message.channel),
        uploads=tuple(_uploads(message)),
        gathers=bool(message.message_snapshots),
        is_edit=is_edit,
    )


def within(channel: object) -> tuple[str, ...]:
    """What a channel lies in: of a thread its channel, and the server."""
    parent = [channel.parent_id] if isinstance(channel, discord.Thread) else []
    guild = getattr(channel, "guild", None)
    return tuple(str(number) for number in (*parent, *([guild.id] if guild is not None else [])))


async def with_reference(message: discord.Message) -> discord.Message:
    """The message, what it replies to fetched if it did not come along. What cannot be had is left out.

    Raises nothing of Discord's."""
    reference = message.reference
    is_missing = reference is not None and reference.resolved is None and message.type is discord.MessageType.reply
    if is_missing and reference is not None and reference.message_id is not None:
        try:
            reference.resolved = await message.channel.fetch_message(reference.message_id)
        except (discord.DiscordException, OSError):
            return message
    return message


def _mentions(message: discord.Message, bot_id: int) -> bool:
    return bot_id in message.raw_mentions or any(user.id == bot_id for user in message.mentions)


def _replies_to(message: discord.Message, bot_id: int) -> bool:
    original = _original(message)
    return original is not None and original.author.id == bot_id


def _original(message: discord.Message) -> discord.Message | None:
    resolved = message.reference.resolved if message.reference is not None else None
    return resolved if isinstance(resolved, discord.Message) else None


def _quoted(message: discord.Message, bot_id: int) -> str:
    """What somebody else said that this is about: replied to, or forwarded."""
    original = _original(message)
    texts = [snapshot.content for snapshot in message.message_snapshots]
    if original is not None and original.author.id != bot_id:
        texts.append(original.content)
    text = clipped("\n".join(text.strip() for text in texts if text.strip()), MAX_QUOTED)
    return "\n".join(f"> {line}" for line in text.splitlines())


def _uploads(message: discord.Message) -> Iterable[Upload]:
    attachments = [*message.attachments, *(one for part in message.message_snapshots for one in part.attachments)]
    for attachment in attachments[:MAX_UPLOADS]:
        # A link ends after a day; the message knows a new one.
        ref = f"{message.channel.id}/{message.id}/{attachment.id} {attachment.url}"
        yield upload_of(attachment, ref)


def upload_of(attachment: discord.Attachment, ref: str) -> Upload:
    """A file to be fetched."""
    return Upload(ref=ref, name=fitting_name(attachment.filename), bytes=attachment.size)


class Edits:
    """Tells changed words from all else that Discord calls an edit: a preview that was drawn, a pin, a thread."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, int] = OrderedDict()

    def note(self, message: discord.Message) -> None:
        """A message was heard."""
        self._known[message.id] = hash(message.content)
        self._known.move_to_end(message.id)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def is_new(self, message: discord.Message, now: datetime) -> bool:
        """Whether its words are others than before; of one that is not remembered, whether it was edited just now."""
        known = self._known.get(message.id)
        if message.edited_at is None or known == hash(message.content):
            return False
        return known is not None or now - message.edited_at < _FRESH_EDIT
