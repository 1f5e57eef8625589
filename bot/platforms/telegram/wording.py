"""The words of a message: our own name taken out, links spelled out, and what was replied to quoted below."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from telegram import Message, MessageEntity
from telegram.constants import MessageEntityType

from bot.commands.words import WORDY, read
from domain.safe_text import clipped

MAX_QUOTE = 2000  # characters
_AFTER_NAME = " \t\n,，:：、"


@dataclass(frozen=True, slots=True)
class Me:
    """The bot, as people and messages name it."""

    id: int
    username: str

    def is_named(self, name: str) -> bool:
        """Whether this is our user name, with or without @. Telegram's names know no case."""
        return name.removeprefix("@").casefold() == self.username.casefold()


def said(message: Message) -> str:
    """Its text, or the caption of its file."""
    return message.text or message.caption or ""


def takes_context(text: str) -> bool:
    """Whether what was replied to belongs to it: it is a request, with a command in front or without."""
    typed = read(text)
    return typed is None or typed.name in WORDY


def command_to(message: Message) -> str | None:
    """Whom a command at the beginning names; empty for nobody in particular, None when there is no command."""
    first = next((entity for entity in _entities(message) if entity.offset == 0), None)
    if first is None or first.type != MessageEntityType.BOT_COMMAND:
        return None
    return _part(said(message), first).partition("@")[2]


def names(message: Message, me: Me) -> bool:
    """Whether we are mentioned."""
    return any(_is_mention(said(message), entity, me) for entity in _entities(message))


def words(message: Message, me: Me) -> str:
    """What was said, without our name, and with the addresses behind its links."""
    text = said(message)
    units = text.encode("utf-16-le", "surrogatepass")
    for cut in sorted(_cuts(text, _entities(message), me), key=lambda cut: cut.start, reverse=True):
        units = _replaced(units, cut)
    kept = units.decode("utf-16-le", "replace").strip()
    return kept.lstrip(_AFTER_NAME) if kept and _begins_with_name(message, me) else kept


def quoted(message: Message) -> str:
    """What it replies to, as a quotation: the part that was picked out, else all of it."""
    replied = message.reply_to_message
    text = message.quote.text if message.quote else said(replied) if replied else ""
    return "\n".join(f"> {line}".rstrip() for line in clipped(text.strip(), MAX_QUOTE).split("\n")) if text else ""


@dataclass(frozen=True, slots=True)
class _Cut:
    """UTF-16 units `start` to `end` of a text, and what stands there instead."""

    start: int
    end: int
    instead: str = ""


def _cuts(text: str, entities: Iterable[MessageEntity], me: Me) -> Iterable[_Cut]:
    for entity in entities:
        end = entity.offset + entity.length
        if _is_mention(text, entity, me):
            yield _Cut(entity.offset, end)
        elif entity.type == MessageEntityType.BOT_COMMAND:
            name, at, addressee = _part(text, entity).partition("@")
            if at and me.is_named(addressee):
                yield _Cut(entity.offset + len(name), end)
        elif entity.type == MessageEntityType.TEXT_LINK and entity.url:
            yield _Cut(end, end, f" ({entity.url})")


def _replaced(units: bytes, cut: _Cut) -> bytes:
    """One space is left where a word stood between two."""
    space = " ".encode("utf-16-le")
    before, after = units[: 2 * cut.start], units[2 * cut.end :]
    if not cut.instead and before.endswith(space) and after.startswith(space):
        after = after.removeprefix(space)
    return before + cut.instead.encode("utf-16-le", "surrogatepass") + after


def _begins_with_name(message: Message, me: Me) -> bool:
    text = said(message)
    blank = len(text) - len(text.lstrip())
    return any(entity.offset == blank and _is_mention(text, entity, me) for entity in _entities(message))


def _is_mention(text: str, entity: MessageEntity, me: Me) -> bool:
    if entity.type == MessageEntityType.TEXT_MENTION:
        return entity.user is not None and entity.user.id == me.id
    return entity.type == MessageEntityType.MENTION and me.is_named(_part(text, entity))


def _part(text: str, entity: MessageEntity) -> str:
    """What an entity covers; its numbers count UTF-16 units."""
    units = text.encode("utf-16-le", "surrogatepass")
    return units[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le", "replace")


def _entities(message: Message) -> tuple[MessageEntity, ...]:
    return message.entities or message.caption_entities
