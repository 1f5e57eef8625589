"""What people do in Telegram: write, press, forward, block. Every act reaches the bot as Telegram would tell it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypedDict, Unpack

from tests.telegram_server.model import (
    ANONYMOUS_ADMIN_ID,
    CHANNEL_BOT_ID,
    Chat,
    Content,
    Json,
    Kind,
    Message,
    Topic,
    User,
)
from tests.telegram_server.parameters import Upload
from tests.telegram_server.text import found, units
from tests.telegram_server.world import Query, World


class How(TypedDict, total=False):
    """How something is said. `is_forced`: the bot hears it even if Telegram would keep it from it."""

    reply_to: Message | int | None
    thread: int | None
    entities: Sequence[Json] | None
    sender_chat: Chat | None
    origin: Json | None
    album: str | None
    is_forced: bool


class People:
    """Everybody but the bot."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._user_ids = itertools.count(1001)
        self._group_ids = itertools.count(1)

    # --- who and where ------------------------------------------------------------------------------------------

    def user(
        self,
        first_name: str = "Ada",
        *,
        id: int | None = None,
        language_code: str | None = "en",
        username: str | None = None,
        is_bot: bool = False,
    ) -> User:
        """A person (or another bot) whom the bot has not met yet."""
        number = next(self._user_ids) if id is None else id
        user = User(id=number, first_name=first_name, language_code=language_code, username=username, is_bot=is_bot)
        self._world.users[number] = user
        return user

    def private(self, user: User | None = None, *, has_started: bool = True) -> Chat:
        """The private chat of a person (None: a new one) with the bot, which they have started or not."""
        user = user or self.user()
        user.has_started = user.has_started or has_started
        chat = self._world.chats.get(user.id)
        return chat or self._world.new_chat(Kind.PRIVATE, user.id, user=user)

    def group(
        self,
        *members: User,
        title: str = "Team",
        kind: Kind | str = Kind.SUPERGROUP,
        is_forum: bool = False,
        bot_is: str = "member",
    ) -> Chat:
        """A group with the bot in it; the first of its members owns it."""
        number = next(self._group_ids)
        chat_id = -number if Kind(kind) is Kind.GROUP else -1_000_000_000_000 - number
        chat = self._world.new_chat(Kind(kind), chat_id, title=title, is_forum=is_forum, bot_is=bot_is)
        chat.members = {user.id: "member" for user in members}
        if members:
            chat.members[members[0].id] = "creator"
        return chat

    def channel(self, title: str = "News", *, bot_is: str = "administrator") -> Chat:
        """A channel."""
        chat_id = -1_000_000_000_000 - next(self._group_ids)
        return self._world.new_chat(Kind.CHANNEL, chat_id, title=title, bot_is=bot_is)

    # --- saying things ------------------------------------------------------------------------------------------

    def say(self, chat: Chat, user: User | None, text: str, **how: Unpack[How]) -> Message:
        """Write a text. Entities that Telegram finds by itself are found; others go into `entities`."""
        given = how.get("entities")
        entities = sorted([*(given or []), *found(text)], key=lambda entity: entity["offset"])
        return self._post(chat, user, Content(text=text, entities=tuple(entities)), how)

    def document(self, chat: Chat, user: User, name: str, data: bytes, **how: Any) -> Message:
        """Send a file; `caption`, `mime`, and a `size` that is larger than `data` on request."""
        mime = how.pop("mime", "application/octet-stream")
        return self._file(chat, user, "document", Upload(name, mime, data), how)

    def photo(self, chat: Chat, user: User, data: bytes, **how: Any) -> Message:
        """Send a photo; `caption` and `size` on request."""
        return self._file(chat, user, "photo", Upload("photo.jpg", "image/jpeg", data), how)

    def _file(self, chat: Chat, user: User, kind: str, upload: Upload, how: Json) -> Message:
        caption = how.pop("caption", "")
        stored = self._world.store(upload, kind, how.pop("size", None))
        if kind == "photo":
            stored.dimensions = (640, 480)
        content = Content(text=caption, entities=tuple(found(caption)), media=kind, file=stored)
        return self._post(chat, user, content, how)

    def other(self, chat: Chat, user: User, fields: Json, **how: Unpack[How]) -> Message:
        """Send anything else, as its JSON: a sticker, a place, a voice message."""
        return self._post(chat, user, Content(extra=fields), how)

    def album(
        self, chat: Chat, user: User, files: Sequence[tuple[str, bytes]], *, caption: str = "", **how: Any
    ) -> list[Message]:
        """Send files at once; the caption is with the first. Telegram delivers them one by one."""
        name = f"album{next(self._world.numbers)}"
        return [
            self.document(chat, user, *file, album=name, caption="" if number else caption, **how)
            for number, file in enumerate(files)
        ]

    def forward(
        self, chat: Chat, user: User, texts: Sequence[str], *, author: User | None = None, **how: Any
    ) -> list[Message]:
        """Forward several messages of somebody at once."""
        date = int(self._world.now().timestamp())
        origin: Json = {"type": "hidden_user", "date": date, "sender_user_name": "Somebody"}
        if author:
            origin = {"type": "user", "date": date, "sender_user": author.json()}
        return [self.say(chat, user, text, origin=origin, **how) for text in texts]

    def post(self, channel: Chat, text: str) -> Message:
        """A post in a channel."""
        return self.say(channel, None, text, sender_chat=channel)

    def anonymous(self, chat: Chat, text: str, **how: Unpack[How]) -> Message:
        """An administrator writes in the name of the group."""
        user = User(id=ANONYMOUS_ADMIN_ID, first_name="Group", username="GroupAnonymousBot", is_bot=True)
        return self.say(chat, user, text, **{**how, "sender_chat": chat})

    def as_channel(self, chat: Chat, channel: Chat, text: str, **how: Unpack[How]) -> Message:
        """Somebody writes in a group in the name of their channel."""
        user = User(id=CHANNEL_BOT_ID, first_name="Channel", username="Channel_Bot", is_bot=True)
        return self.say(chat, user, text, **{**how, "sender_chat": channel})

    def _post(self, chat: Chat, user: User | None, content: Content, how: How | Json) -> Message:
        self._check_may_write(chat, user)
        reply = how.get("reply_to")
        thread, is_topic = self._thread(chat, how.get("thread"), reply)
        message = self._world.post(
            chat,
            user,
            content,
            thread=thread,
            is_topic_message=is_topic,
            reply_to=_number(reply) if reply else (thread if is_topic else None),
            sender_chat=how.get("sender_chat"),
            origin=how.get("origin"),
            album=how.get("album"),
        )
        if how.get("is_forced") or self._is_heard(message):
            self._tell(message, "message")
        return message

    def _check_may_write(self, chat: Chat, user: User | None) -> None:
        if chat.kind is not Kind.PRIVATE:
            return
        assert user is chat.user, "a private chat has one person"
        assert not user.has_blocked, "unblock the bot first"
        user.has_started = True

    def _thread(self, chat: Chat, thread: int | None, reply: Message | int | None) -> tuple[int | None, bool]:
        """Topics go along explicitly; in other supergroups a reply carries the root of its thread."""
        replied = chat.messages.get(_number(reply)) if reply else None
        if chat.is_forum:
            inherited = replied.thread if replied and replied.is_topic_message else None
            thread = thread or inherited
            assert thread is None or thread in chat.topics, f"no topic {thread}"
            return thread, thread is not None
        if chat.kind is Kind.SUPERGROUP and replied:
            return replied.thread or replied.id, False
        return None, False

    def _tell(self, message: Message, kind: str) -> None:
        if message.chat.kind is Kind.CHANNEL:
            kind = {"message": "channel_post", "edited_message": "edited_channel_post"}[kind]
        self._world.updates.put(kind, message.json(), queue=message.chat.id)

    # --- what the bot hears -------------------------------------------------------------------------------------

    def _is_heard(self, message: Message) -> bool:
        chat = message.chat
        if chat.bot_is in {"left", "kicked"}:
            return False
        if not chat.is_group or (message.content.extra and _is_service(message.content.extra)):
            return True
        if message.sender and message.sender.is_bot and not message.sender_chat:
            return False
        if chat.bot_is == "administrator" or not self._world.rules.has_privacy:
            return True
        return self._is_addressed(message)

    def _is_addressed(self, message: Message) -> bool:
        """Privacy mode: commands that may be for the bot, mentions of it, replies to it."""
        replied = message.chat.messages.get(message.reply_to or 0)
        if replied and replied.is_ours:
            return True
        name = f"@{self._world.bot.username}".lower()
        for entity in message.content.entities:
            word = _cut(message.text, entity).lower()
            if entity["type"] == "mention" and word == name:
                return True
            if entity["type"] == "bot_command" and self._is_for_bot(message.chat, word, name):
                return True
        return False

    def _is_for_bot(self, chat: Chat, command: str, name: str) -> bool:
        if "@" in command:
            return command.endswith(name)
        return chat.last_bot in (None, self._world.bot.id)

    # --- changing things ----------------------------------------------------------------------------------------

    def edit(self, message: Message, text: str, *, entities: Sequence[Json] | None = None) -> Message:
        """Edit one's text or caption."""
        marked = tuple(entities) if entities is not None else tuple(found(text))
        message.show(self._world.now(), replace(message.content, text=text, entities=marked))
        if self._is_heard(message):
            self._tell(message, "edited_message")
        self._world.changed()
        return message

    def delete(self, message: Message) -> None:
        """Delete any message; bots are not told."""
        message.deleted_at = self._world.now()
        self._world.changed()

    def press(self, message: Message, user: User, *, label: str | None = None, data: str | None = None) -> Query:
        """Press the button with that label or data; there must be one."""
        assert not message.is_deleted, "the message is gone"
        shown = [
            button
            for button in message.content.buttons
            if (label is None or label in button["text"]) and data in (None, button.get("callback_data"))
        ]
        assert shown, f"no button {label or data!r} in {message.content.buttons}"
        assert len(shown) == 1 or label is None or data is not None, f"several buttons {label!r}"
        assert "callback_data" in shown[0], f"{shown[0]} calls nobody back"
        return self.forge(message, user, shown[0]["callback_data"])

    def forge(self, message: Message, user: User, data: str) -> Query:
        """What a modified client can do: press a button that was never there."""
        world = self._world
        query = Query(
            id=str(7_000_000_000 + next(world.numbers)), user=user, message=message, data=data, at=world.now()
        )
        world.queries[query.id] = query
        body = {
            "id": query.id,
            "from": user.json(),
            "message": message.json(),
            "chat_instance": str(abs(message.chat.id) + 1),
            "data": data,
        }
        if message.is_deleted:
            body["message"] = {"chat": message.chat.json(), "message_id": message.id, "date": 0}
        query.update = world.updates.put("callback_query", body, queue=message.chat.id)
        world.changed()
        return query

    # --- topics -------------------------------------------------------------------------------------------------

    def topic(self, chat: Chat, user: User, name: str = "Topic") -> int:
        """Open a forum topic."""
        assert chat.is_forum
        extra = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        message = self._world.post(chat, user, Content(extra=extra))
        message.thread, message.is_topic_message = message.id, True
        chat.topics[message.id] = Topic(id=message.id, name=name)
        if self._is_heard(message):
            self._tell(message, "message")
        return message.id

    def close_topic(self, chat: Chat, user: User, thread: int) -> None:
        """Close a topic: only administrators may write there."""
        chat.topics[thread].is_closed = True
        self._post(chat, user, Content(extra={"forum_topic_closed": {}}), {"thread": thread})

    def reopen_topic(self, chat: Chat, user: User, thread: int) -> None:
        """Open a closed topic again."""
        chat.topics[thread].is_closed = False
        self._world.untell("thread", chat.id, thread)
        self._post(chat, user, Content(extra={"forum_topic_reopened": {}}), {"thread": thread})

    def delete_topic(self, chat: Chat, thread: int) -> None:
        """Delete a topic with everything in it."""
        del chat.topics[thread]
        for message in chat.messages.values():
            if message.is_topic_message and message.thread == thread:
                message.deleted_at = self._world.now()
        self._world.changed()


def _number(message: Message | int | None) -> int:
    return message.id if isinstance(message, Message) else message or 0


def _is_service(extra: Json) -> bool:
    return any(name.startswith(("forum_topic_", "migrate_", "new_chat_", "left_chat_", "pinned_")) for name in extra)


def _cut(text: str, entity: Json) -> str:
    if units(text) == len(text):
        return text[entity["offset"] : entity["offset"] + entity["length"]]
    encoded = text.encode("utf-16-le", "surrogatepass")
    begin = 2 * entity["offset"]
    return encoded[begin : begin + 2 * entity["length"]].decode("utf-16-le")
