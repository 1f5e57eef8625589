"""What happens when somebody writes, edits or deletes: the records change and the gateway tells."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.discord_server import shapes
from tests.discord_server.gateway import Gateway
from tests.discord_server.manners import inspect
from tests.discord_server.opcodes import Intent
from tests.discord_server.places import Places
from tests.discord_server.refusals import refusal, wrong_form
from tests.discord_server.rules import Draft
from tests.discord_server.transcript import Call, Transcript
from tests.discord_server.world import (
    Attachment,
    Channel,
    Flag,
    Interaction,
    Message,
    Permission,
    Revision,
    User,
    World,
)

_KEPT_BY_EDIT = ~(Flag.SUPPRESS_EMBEDS | Flag.LOADING)


@dataclass(slots=True, kw_only=True)
class Letter:
    """A draft on its way: who writes where, and because of what."""

    channel: Channel
    author: User
    draft: Draft
    type: int = 0
    flags: int = 0
    interaction: Interaction | None = None
    call: Call | None = None


class Chat:
    """Permissions are not asked here: see `Access`. `nonce_window_s`: how long a nonce stays taken."""

    def __init__(self, world: World, transcript: Transcript, gateway: Gateway) -> None:
        self.world = world
        self.transcript = transcript
        self.gateway = gateway
        self.places = Places(world, transcript, gateway)
        self.cdn = ""
        self.nonce_window_s = 300.0

    def post(self, letter: Letter) -> Message:
        """A new message, or the one that already has its nonce."""
        known = self._known_nonce(letter)
        if known is not None:
            self.transcript.counts["nonce_repeated"] += 1
            return known
        draft = letter.draft
        files = self._store(letter.channel, draft, is_ephemeral=bool(letter.flags & Flag.EPHEMERAL))
        if not (draft.content or draft.embeds or files or letter.flags & (Flag.LOADING | Flag.IS_COMPONENTS_V2)):
            raise refusal(50006)
        reply_to = self._reply_target(letter)
        message = Message(
            id=self.world.snowflakes.next(),
            channel_id=letter.channel.id,
            author=letter.author,
            content=draft.content or "",
            at=self.world.clock.now(),
            type=19 if reply_to is not None and not letter.type else letter.type,
            flags=letter.flags,
            embeds=draft.embeds or [],
            components=draft.components or [],
            attachments=files,
            reply_to=reply_to,
            nonce=draft.nonce,
            interaction=letter.interaction,
            call=None if letter.call is None else letter.call.number,
        )
        self._revive(letter.channel)
        self._ping(letter, message)
        if message.author is self.world.bot:
            inspect(self.transcript, message, draft, letter.call)
        self._remember(letter.channel, message, draft)
        self.announce("MESSAGE_CREATE", message)
        return message

    def edit(self, message: Message, draft: Draft, call: Call | None = None) -> Message:
        """Change what the draft has; Discord counts an edit without change too."""
        channel = self.world.channels[message.channel_id]
        if draft.content is not None:
            message.content = draft.content
            message.mentioned = draft.mentions.named_users(message.content) & self.world.users.keys()
        message.embeds = message.embeds if draft.embeds is None else draft.embeds
        message.components = message.components if draft.components is None else draft.components
        if draft.kept is not None:
            message.attachments = [one for one in message.attachments if one.id in draft.kept]
        message.attachments += self._store(channel, draft, is_ephemeral=message.is_ephemeral)
        flags = message.flags & ~Flag.LOADING
        if draft.flags is not None:
            flags = flags & _KEPT_BY_EDIT | draft.flags & (Flag.SUPPRESS_EMBEDS | Flag.IS_COMPONENTS_V2)
        if not (message.content or message.embeds or message.attachments or flags & Flag.IS_COMPONENTS_V2):
            raise refusal(50006)
        was_loading, message.flags = message.is_loading, flags
        if not was_loading:
            message.edited_at = self.world.clock.now()
        if message.author is self.world.bot:
            inspect(self.transcript, message, draft, call)
        self._revised(message, replaces=was_loading)
        self.announce("MESSAGE_UPDATE", message)
        return message

    def delete(self, message: Message) -> None:
        message.deleted_at = self.world.clock.now()
        channel = self.world.channels[message.channel_id]
        data: dict[str, Any] = {"id": str(message.id), "channel_id": str(channel.id)}
        if channel.guild_id is not None:
            data["guild_id"] = str(channel.guild_id)
        if not message.is_ephemeral:
            self._tell(channel, "MESSAGE_DELETE", data)

    def react(self, message: Message, user: User, emoji: str, *, is_added: bool) -> None:
        channel = self.world.channels[message.channel_id]
        people = message.reactions.setdefault(emoji, set())
        (people.add if is_added else people.discard)(user.id)
        data: dict[str, Any] = {
            "user_id": str(user.id),
            "channel_id": str(channel.id),
            "message_id": str(message.id),
            "emoji": {"id": None, "name": emoji},
            "burst": False,
            "type": 0,
        }
        if channel.guild_id is not None:
            data["guild_id"] = str(channel.guild_id)
        intent = Intent.DM_REACTIONS if channel.guild_id is None else Intent.GUILD_REACTIONS
        self.gateway.dispatch("MESSAGE_REACTION_ADD" if is_added else "MESSAGE_REACTION_REMOVE", data, intent)

    def open_thread(self, message: Message, name: str, owner: User) -> Channel:
        """A thread on a message."""
        thread = self.places.open_thread(self.world.channels[message.channel_id], name, owner, message.id)
        message.thread_id = thread.id
        message.flags |= Flag.HAS_THREAD
        self.announce("MESSAGE_UPDATE", message)
        return thread

    def announce(self, event: str, message: Message) -> None:
        """MESSAGE_CREATE or MESSAGE_UPDATE to whoever may see it; ephemeral messages stay with their reader."""
        channel = self.world.channels[message.channel_id]
        if message.is_ephemeral:
            self.transcript.tell()
            return
        open_to_bot = (
            channel.guild_id is None or message.author is self.world.bot or self.world.bot.id in message.mentioned
        )
        bare = None if open_to_bot else shapes.without_content
        self._tell(channel, event, shapes.message_event(self.world, message, self.cdn), bare)

    def _tell(
        self,
        channel: Channel,
        event: str,
        data: dict[str, Any],
        bare: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> None:
        """To the bot, if it can see the channel."""
        intent = Intent.DM_MESSAGES if channel.guild_id is None else Intent.GUILD_MESSAGES
        if self.world.permissions(self.world.bot, channel) & Permission.VIEW_CHANNEL:
            self.gateway.dispatch(event, data, intent, bare)
        self.transcript.tell()

    def _known_nonce(self, letter: Letter) -> Message | None:
        draft = letter.draft
        if not draft.enforces_nonce:
            return None
        number = letter.channel.nonces.get((letter.author.id, str(draft.nonce)))
        known = None if number is None else letter.channel.messages.get(number)
        if known is None or self.world.clock.now() - known.at > timedelta(seconds=self.nonce_window_s):
            return None
        return known

    def _remember(self, channel: Channel, message: Message, draft: Draft) -> None:
        channel.messages[message.id] = message
        if draft.nonce is not None:
            channel.nonces[message.author.id, str(draft.nonce)] = message.id
        self._revised(message, replaces=False)

    def _revised(self, message: Message, *, replaces: bool) -> None:
        """Keep what it says now. What a thinking message says first is no edit."""
        if replaces:
            message.revisions.clear()
        message.revisions.append(
            Revision(
                at=self.world.clock.now(),
                content=message.content,
                embeds=message.embeds,
                components=message.components,
            )
        )

    def _store(self, channel: Channel, draft: Draft, *, is_ephemeral: bool) -> list[Attachment]:
        return [
            self.world.keep(
                Attachment(
                    channel_id=channel.id,
                    filename=upload.filename,
                    content=upload.content,
                    content_type=mimetypes.guess_type(upload.filename)[0] or upload.content_type,
                    description=draft.descriptions.get(upload.field),
                    is_ephemeral=is_ephemeral,
                )
            )
            for upload in draft.files
        ]

    def _reply_target(self, letter: Letter) -> int | None:
        reference = letter.draft.reference
        if reference is None:
            return None
        target = letter.channel.messages.get(int(reference.get("message_id") or 0))
        if target is None or target.is_deleted or target.is_ephemeral:
            if reference.get("fail_if_not_exists", True):
                raise wrong_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
            return None
        if target.type not in {0, 19, 20, 23}:
            raise wrong_form(
                "message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", "Cannot reply to a system message"
            )
        return target.id

    def _revive(self, channel: Channel) -> None:
        """Writing into an archived thread opens it again."""
        if channel.thread is not None and channel.thread.is_archived:
            self.places.change_thread(channel, archived=False)

    def _ping(self, letter: Letter, message: Message) -> None:
        mentions, channel = letter.draft.mentions, letter.channel
        message.pinged = mentions.named_users(message.content) & self.world.users.keys()
        message.pinged_roles = mentions.named_roles(message.content)
        may = self.world.permissions(letter.author, channel) & Permission.MENTION_EVERYONE
        message.pinged_everyone = mentions.names_everyone(message.content) and bool(may)
        target = channel.messages.get(message.reply_to or 0)
        if target is not None and mentions.replied_user and target.author is not letter.author:
            message.pinged.add(target.author.id)
        message.mentioned = set(message.pinged)
