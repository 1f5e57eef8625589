"""Users, chats, topics, messages and files as the server knows them, and their JSON as the Bot API writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

Json = dict[str, Any]

ANONYMOUS_ADMIN_ID = 1087968824  # GroupAnonymousBot, the sender that old clients see
CHANNEL_BOT_ID = 136817688  # Channel_Bot, for messages that are written in the name of a channel


class Kind(StrEnum):
    """Kinds of chats."""

    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"
    CHANNEL = "channel"


@dataclass(slots=True, kw_only=True, eq=False)
class User:
    """A person or a bot. A bot may write to them only when `has_started` and not `has_blocked`."""

    id: int
    first_name: str
    username: str | None = None
    language_code: str | None = None
    is_bot: bool = False
    has_started: bool = False
    has_blocked: bool = False
    is_deactivated: bool = False

    def json(self) -> Json:
        return _filled(
            id=self.id,
            is_bot=self.is_bot,
            first_name=self.first_name,
            username=self.username,
            language_code=self.language_code,
        )


@dataclass(slots=True, kw_only=True, eq=False)
class Topic:
    """A forum topic; its id is the id of the service message that opened it."""

    id: int
    name: str
    is_closed: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Chat:
    """A chat. `bot_is` is the bot's own membership; ids of messages come from `numbers`."""

    id: int
    kind: Kind
    numbers: Iterator[int]
    user: User | None = None
    title: str | None = None
    username: str | None = None
    is_forum: bool = False
    bot_is: str = "member"
    is_muted: bool = False
    is_deleted: bool = False
    upgraded_to: int | None = None
    members: dict[int, str] = field(default_factory=dict)
    topics: dict[int, Topic] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    last_bot: int | None = None

    @property
    def is_group(self) -> bool:
        return self.kind in (Kind.GROUP, Kind.SUPERGROUP)

    def json(self) -> Json:
        return _filled(
            id=self.id,
            type=str(self.kind),
            title=self.title,
            username=self.user.username if self.user else self.username,
            first_name=self.user.first_name if self.user else None,
            is_forum=self.is_forum or None,
        )


@dataclass(slots=True, kw_only=True, eq=False)
class StoredFile:
    """A file on the server. `size` may be larger than `data`: nobody wants to hold 25 MB to see it refused."""

    file_id: str
    unique_id: str
    path: str
    name: str
    mime: str
    data: bytes
    size: int
    dimensions: tuple[int, int] = (0, 0)

    def json(self) -> Json:
        return {"file_id": self.file_id, "file_unique_id": self.unique_id, "file_size": self.size}


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a message shows: text (the caption where there is media), formatting, a file, buttons."""

    text: str = ""
    entities: tuple[Json, ...] = ()
    media: str | None = None
    file: StoredFile | None = None
    extra: Json | None = None
    markup: Json | None = None

    @property
    def buttons(self) -> list[Json]:
        """The inline buttons, row after row."""
        rows = (self.markup or {}).get("inline_keyboard", [])
        return [button for row in rows for button in row]

    def json(self) -> Json:
        text, entities = ("caption", "caption_entities") if self.media else ("text", "entities")
        return _filled(
            **{text: self.text or None, entities: list(self.entities) or None},
            **(self._media_json() if self.file else {}),
            **(self.extra or {}),
            reply_markup=self.markup if self.markup and "inline_keyboard" in self.markup else None,
        )

    def _media_json(self) -> Json:
        assert self.file
        assert self.media
        width, height = self.file.dimensions
        if self.media == "photo":
            small = {**self.file.json(), "file_id": f"{self.file.file_id}-s", "width": min(90, width), "height": height}
            return {"photo": [small, {**self.file.json(), "width": width, "height": height}]}
        return {self.media: {**self.file.json(), "file_name": self.file.name, "mime_type": self.file.mime}}


@dataclass(frozen=True, slots=True)
class Version:
    """What a message showed from `at` on."""

    at: datetime
    content: Content


@dataclass(slots=True, kw_only=True, eq=False)
class Message:
    """A message and everything it ever showed. `thread` is the forum topic, or the root of a thread of replies."""

    id: int
    chat: Chat
    sender: User | None
    history: list[Version]
    sender_chat: Chat | None = None
    thread: int | None = None
    is_topic_message: bool = False
    reply_to: int | None = None
    is_silent: bool = False
    is_ours: bool = False
    album: str | None = None
    origin: Json | None = None
    deleted_at: datetime | None = None

    @property
    def content(self) -> Content:
        return self.history[-1].content

    @property
    def text(self) -> str:
        return self.content.text

    @property
    def sent_at(self) -> datetime:
        return self.history[0].at

    @property
    def edits(self) -> int:
        return len(self.history) - 1

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    def show(self, at: datetime, content: Content) -> None:
        """Edit."""
        self.history.append(Version(at, content))

    def show_markup(self, at: datetime, markup: Json | None) -> None:
        """Edit the buttons only."""
        self.show(at, replace(self.content, markup=markup))

    def json(self, *, is_nested: bool = False) -> Json:
        replied = None if is_nested or self.reply_to is None else self.chat.messages.get(self.reply_to)
        edited = self.edits and int(self.history[-1].at.timestamp())
        return _filled(
            message_id=self.id,
            message_thread_id=self.thread,
            is_topic_message=self.is_topic_message or None,
            **({"from": self.sender.json()} if self.sender else {}),
            sender_chat=self.sender_chat.json() if self.sender_chat else None,
            chat=self.chat.json(),
            date=int(self.sent_at.timestamp()),
            edit_date=edited or None,
            forward_origin=self.origin,
            media_group_id=self.album,
            reply_to_message=replied.json(is_nested=True) if replied and not replied.is_deleted else None,
            **self.content.json(),
        )


def _filled(**fields: Any) -> Json:
    """Without what is not there: the Bot API leaves absent fields out."""
    return {name: value for name, value in fields.items() if value is not None}
