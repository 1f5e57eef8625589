"""The routes a bot uses, except commands and interactions (see `routes_apps`)."""

from __future__ import annotations

from typing import Any

from tests.discord_server import shapes
from tests.discord_server.access import Access
from tests.discord_server.chat import Chat, Letter
from tests.discord_server.refusals import Form, refusal
from tests.discord_server.rest import Ask, Route, snowflake
from tests.discord_server.rules import EDIT_FIELDS, MESSAGE_FIELDS, read_draft, settable
from tests.discord_server.world import Channel, Flag, Kind, Message, Permission

_MESSAGES = "/channels/{channel_id}/messages"
_ONE = _MESSAGES + "/{message_id}"
_EDIT_THREAD = frozenset(
    {"name", "archived", "locked", "auto_archive_duration", "rate_limit_per_user", "invitable", "flags", "applied_tags"}
)


class ChannelRoutes:
    """Messages, threads, typing, reactions."""

    def __init__(self, chat: Chat, access: Access) -> None:
        self._chat = chat
        self._world = chat.world
        self._access = access

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/channels/{channel_id}", self.get),
            Route("PATCH", "/channels/{channel_id}", self.change),
            Route("DELETE", "/channels/{channel_id}", self.remove),
            Route("POST", "/channels/{channel_id}/typing", self.typing),
            Route("GET", _MESSAGES, self.messages),
            Route("POST", _MESSAGES, self.create),
            Route("GET", _ONE, self.message),
            Route("PATCH", _ONE, self.edit),
            Route("DELETE", _ONE, self.delete),
            Route("POST", _ONE + "/threads", self.open_thread),
            Route("POST", "/channels/{channel_id}/threads", self.open_thread),
            Route("GET", "/channels/{channel_id}/threads/archived/public", self.archived),
            Route("PUT", "/channels/{channel_id}/thread-members/@me", self.join),
            Route("DELETE", "/channels/{channel_id}/thread-members/@me", self.leave),
            Route("PUT", _ONE + "/reactions/{emoji}/@me", self.react),
            Route("DELETE", _ONE + "/reactions/{emoji}/@me", self.unreact),
        ]

    def get(self, ask: Ask) -> Any:
        return shapes.channel(self._world, self._channel(ask))

    def change(self, ask: Ask) -> Any:
        """Name, or archiving and locking a thread."""
        channel = self._channel(ask)
        body: dict[str, Any] = ask.body or {}
        form = Form()
        form.known("", body, _EDIT_THREAD if channel.thread else frozenset({"name", "topic", "rate_limit_per_user"}))
        for name in form.unknown:
            self._chat.transcript.violated("unknown_field", name, ask.call)
        if channel.thread is None:
            raise refusal(50013)
        self._check_thread_change(channel, body)
        channel.name = body.get("name") or channel.name
        self._chat.places.change_thread(channel, archived=body.get("archived"), locked=body.get("locked"))
        return shapes.channel(self._world, channel)

    def remove(self, ask: Ask) -> Any:
        channel = self._channel(ask)
        shape = shapes.channel(self._world, channel)
        if channel.kind is not Kind.DM:
            self._access.needs(channel, Permission.MANAGE_THREADS if channel.thread else Permission.ADMINISTRATOR)
            self._chat.places.remove_channel(channel)
        return shape

    def typing(self, ask: Ask) -> None:
        channel = self._channel(ask)
        self._access.writing(channel)
        self._chat.transcript.counts[f"typing {channel.id}"] += 1

    def create(self, ask: Ask) -> Any:
        channel = self._channel(ask)
        draft = read_draft(ask.body or {}, ask.files, MESSAGE_FIELDS)
        self._access.writing(channel, has_files=bool(draft.files), has_embeds=bool(draft.embeds))
        if draft.reference is not None:
            self._may_reply(channel)
        if (draft.flags or 0) & Flag.EPHEMERAL:
            self._chat.transcript.violated(
                "ephemeral_ignored", "only answers to interactions can be ephemeral", ask.call
            )
        flags = settable(draft.flags)
        message = self._chat.post(
            Letter(channel=channel, author=self._world.bot, draft=draft, flags=flags, call=ask.call)
        )
        return self._shape(message)

    def edit(self, ask: Ask) -> Any:
        channel, message = self._message(ask)
        if message.author is not self._world.bot:
            raise refusal(50005)
        self._access.changing(channel)
        return self._shape(self._chat.edit(message, read_draft(ask.body or {}, ask.files, EDIT_FIELDS), ask.call))

    def delete(self, ask: Ask) -> None:
        channel, message = self._message(ask)
        if message.author is not self._world.bot:
            if channel.kind is Kind.DM:
                raise refusal(50021)
            self._access.needs(channel, Permission.MANAGE_MESSAGES)
        self._chat.delete(message)

    def message(self, ask: Ask) -> Any:
        channel, message = self._message(ask)
        self._access.needs(channel, Permission.READ_MESSAGE_HISTORY)
        return self._shape(message)

    def messages(self, ask: Ask) -> Any:
        """Newest first. Without the permission to read history there is nothing to see."""
        channel = self._channel(ask)
        if not self._world.permissions(self._world.bot, channel) & Permission.READ_MESSAGE_HISTORY:
            return []
        limit = int(ask.query.get("limit", "50"))
        if not 1 <= limit <= 100:
            form = Form()
            form.wrong("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to 100.")
            form.settle()
        return [self._shape(message) for message in _page(channel.visible, ask.query, limit)]

    def open_thread(self, ask: Ask) -> Any:
        channel = self._channel(ask)
        if channel.kind is not Kind.TEXT:
            raise refusal(50024)
        form = Form()
        name = form.text("name", (ask.body or {}).get("name"), 1, 100)
        form.settle()
        self._access.needs(channel, Permission.CREATE_PUBLIC_THREADS)
        if "message_id" not in ask.params:
            return shapes.channel(self._world, self._chat.places.open_thread(channel, name, self._world.bot))
        message = self._access.message(channel, ask.number("message_id"))
        if message.thread_id is not None:
            raise refusal(160004)
        return shapes.channel(self._world, self._chat.open_thread(message, name, self._world.bot))

    def archived(self, ask: Ask) -> Any:
        channel = self._channel(ask)
        threads = [
            c for c in self._world.channels.values() if c.parent_id == channel.id and c.thread and c.thread.is_archived
        ]
        return {"threads": [shapes.channel(self._world, one) for one in threads], "members": [], "has_more": False}

    def join(self, ask: Ask) -> None:
        thread = self._channel(ask).thread
        if thread is None:
            raise refusal(50024)
        if thread.is_archived:
            raise refusal(50083)
        thread.members.add(self._world.bot.id)

    def leave(self, ask: Ask) -> None:
        thread = self._channel(ask).thread
        if thread is None:
            raise refusal(50024)
        thread.members.discard(self._world.bot.id)

    def react(self, ask: Ask) -> None:
        channel, message = self._message(ask)
        self._access.changing(channel)
        self._access.needs(channel, Permission.ADD_REACTIONS | Permission.READ_MESSAGE_HISTORY)
        self._chat.react(message, self._world.bot, ask.params["emoji"], is_added=True)

    def unreact(self, ask: Ask) -> None:
        _, message = self._message(ask)
        self._chat.react(message, self._world.bot, ask.params["emoji"], is_added=False)

    def _channel(self, ask: Ask) -> Channel:
        return self._access.channel(ask.number("channel_id"))

    def _message(self, ask: Ask) -> tuple[Channel, Message]:
        channel = self._channel(ask)
        return channel, self._access.message(channel, ask.number("message_id"))

    def _shape(self, message: Message) -> Any:
        return shapes.message(self._world, message, self._chat.cdn)

    def _may_reply(self, channel: Channel) -> None:
        if not self._world.permissions(self._world.bot, channel) & Permission.READ_MESSAGE_HISTORY:
            raise refusal(160002)

    def _check_thread_change(self, channel: Channel, body: dict[str, Any]) -> None:
        assert channel.thread is not None
        if body == {"archived": False} and not channel.thread.is_locked:  # as writing into it would
            self._access.needs(channel, Permission.SEND_MESSAGES_IN_THREADS)
            return
        moderates = self._world.permissions(self._world.bot, channel) & Permission.MANAGE_THREADS
        owns = channel.thread.owner_id == self._world.bot.id
        if not moderates and (not owns or "locked" in body):
            raise refusal(50013)
        if channel.thread.is_archived and body.get("archived") is not False:
            raise refusal(50083)


def _page(messages: list[Message], query: dict[str, str], limit: int) -> list[Message]:
    """Before, after or around an id; newest first."""
    if "before" in query:
        messages = [one for one in messages if one.id < snowflake("before", query["before"])][-limit:]
    elif "after" in query:
        messages = [one for one in messages if one.id > snowflake("after", query["after"])][:limit]
    elif "around" in query:
        middle = snowflake("around", query["around"])
        older = [one for one in messages if one.id < middle][-(limit // 2) :]
        messages = older + [one for one in messages if one.id >= middle][: limit - len(older)]
    else:
        messages = messages[-limit:]
    return messages[::-1]
