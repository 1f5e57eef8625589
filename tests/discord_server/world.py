"""What the server knows: people, guilds, channels, messages, interactions. Plain records and look-ups, no protocol."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum, IntFlag
from typing import Any, Protocol

DISCORD_EPOCH_MS = 1_420_070_400_000
BOT_ID = 1_000_000_000_000_000_001
APPLICATION_ID = BOT_ID  # as with every bot made after 2016


class Permission(IntFlag):
    """Those that decide something here. Source: topics/permissions."""

    ADMINISTRATOR = 1 << 3
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38


USUAL = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.CREATE_PRIVATE_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)
EVERYTHING = Permission((1 << 53) - 1)


class Kind(IntEnum):
    """Channel types."""

    TEXT = 0
    DM = 1
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12


class Flag(IntFlag):
    """Message flags."""

    SUPPRESS_EMBEDS = 1 << 2
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    IS_COMPONENTS_V2 = 1 << 15


class Clock(Protocol):
    def now(self) -> datetime: ...


class RealClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)


class Snowflakes:
    """Ids that carry their time and never go back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        now_ms = int(self._clock.now().timestamp() * 1000) - DISCORD_EPOCH_MS
        self._last = max(self._last + 1, now_ms << 22)
        return self._last


@dataclass(slots=True, kw_only=True)
class User:
    id: int
    name: str
    locale: str = "en-US"
    is_bot: bool = False
    takes_dms: bool = True


@dataclass(slots=True, kw_only=True)
class Role:
    id: int
    name: str
    permissions: int
    position: int = 1
    is_managed: bool = False


@dataclass(slots=True, kw_only=True)
class Member:
    user: User
    joined_at: datetime
    roles: list[int] = field(default_factory=list)
    nick: str | None = None


@dataclass(slots=True, kw_only=True)
class Overwrite:
    """Permissions of one role or member in one channel."""

    target: int
    is_member: bool
    allow: int = 0
    deny: int = 0


@dataclass(slots=True, kw_only=True)
class Guild:
    id: int
    name: str
    owner_id: int
    locale: str = "en-US"
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    bot_joined_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class ThreadPart:
    """What a thread has beyond a channel."""

    owner_id: int
    changed_at: datetime
    is_archived: bool = False
    is_locked: bool = False
    members: set[int] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Channel:
    id: int
    kind: Kind
    name: str = ""
    guild_id: int | None = None
    parent_id: int | None = None
    recipient: User | None = None
    thread: ThreadPart | None = None
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    nonces: dict[tuple[int, str], int] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        """What can be read in it, oldest first."""
        return [message.content for message in self.messages.values() if not message.is_deleted]

    @property
    def visible(self) -> list[Message]:
        """Messages that are neither deleted nor ephemeral, oldest first."""
        return [message for message in self.messages.values() if not (message.is_deleted or message.is_ephemeral)]


@dataclass(slots=True, kw_only=True)
class Attachment:
    channel_id: int
    filename: str
    content: bytes
    id: int = 0
    content_type: str = "application/octet-stream"
    description: str | None = None
    is_ephemeral: bool = False


@dataclass(slots=True, kw_only=True)
class Revision:
    """What a message said from `at` on."""

    at: datetime
    content: str
    embeds: list[dict[str, Any]]
    components: list[dict[str, Any]]


@dataclass(slots=True, kw_only=True)
class Message:
    """`notified`: it made the phones of its readers ring. `pinged`: users whose mention took effect;
    `mentioned`: the same, and whoever an edit brought in, which pings nobody."""

    id: int
    channel_id: int
    author: User
    content: str
    at: datetime
    type: int = 0
    flags: int = 0
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    reply_to: int | None = None
    nonce: str | int | None = None
    interaction: Interaction | None = None
    thread_id: int | None = None
    pinged: set[int] = field(default_factory=set)
    mentioned: set[int] = field(default_factory=set)
    pinged_roles: set[int] = field(default_factory=set)
    pinged_everyone: bool = False
    reactions: dict[str, set[int]] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    call: int | None = None

    @property
    def is_ephemeral(self) -> bool:
        return bool(self.flags & Flag.EPHEMERAL)

    @property
    def is_loading(self) -> bool:
        return bool(self.flags & Flag.LOADING)

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def notified(self) -> bool:
        return not self.flags & (Flag.SUPPRESS_NOTIFICATIONS | Flag.EPHEMERAL)

    @property
    def edits(self) -> int:
        """How often it was changed after it was first there."""
        return len(self.revisions) - 1

    @property
    def history(self) -> list[str]:
        """Every content it had, oldest first."""
        return [revision.content for revision in self.revisions]

    @property
    def custom_ids(self) -> list[str]:
        """Of its buttons and selects, in order."""
        return [found["custom_id"] for found in controls(self.components) if found.get("custom_id")]

    @property
    def labels(self) -> list[str]:
        """Of its buttons, in order."""
        return [found["label"] for found in controls(self.components) if found.get("label")]


@dataclass(slots=True, kw_only=True)
class Interaction:
    """One press, command, completion or form of a person. `answer` is the callback type the bot chose, None while it
    has not; `response` the message @original stands for; `choices` what an autocompletion offered; `modal` the form."""

    id: int
    token: str
    type: int
    user: User
    channel: Channel
    at: datetime
    data: dict[str, Any]
    guild: Guild | None = None
    message: Message | None = None
    was_delivered: bool = False
    was_lost: bool = False
    is_ephemeral: bool = False
    is_overdue: bool = False
    answer: int | None = None
    answered_at: datetime | None = None
    response: Message | None = None
    followups: list[Message] = field(default_factory=list)
    choices: list[dict[str, Any]] | None = None
    modal: dict[str, Any] | None = None


def controls(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every button, select and input, however deep."""
    for component in components:
        if component.get("type") not in {1, 9, 17, 18}:
            yield component
        yield from controls(component.get("components") or [])
        inner = component.get("accessory") or component.get("component")
        if inner:
            yield from controls([inner])


class World:
    """Everything there is, found by id."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.snowflakes = Snowflakes(clock)
        self.bot = User(id=BOT_ID, name="xingshu", is_bot=True)
        self.users: dict[int, User] = {BOT_ID: self.bot}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.attachments: dict[int, Attachment] = {}
        self.interactions: dict[str, Interaction] = {}
        self.commands: dict[int | None, dict[int, dict[str, Any]]] = {None: {}}
        self.dms: dict[int, int] = {}

    def messages(self) -> Iterator[Message]:
        """All of them, channel by channel, deleted ones too."""
        for channel in self.channels.values():
            yield from channel.messages.values()

    def of_bot(self) -> list[Message]:
        """What the bot wrote, in the order of time, deleted ones too."""
        return sorted((m for m in self.messages() if m.author is self.bot), key=lambda message: message.id)

    def keep(self, file: Attachment) -> Attachment:
        """Store what somebody sent; it gets its number here."""
        file.id = self.snowflakes.next()
        self.attachments[file.id] = file
        return file

    def guild_of(self, channel: Channel) -> Guild | None:
        return None if channel.guild_id is None else self.guilds.get(channel.guild_id)

    def threads_of(self, guild: Guild) -> list[Channel]:
        return [c for c in self.channels.values() if c.guild_id == guild.id and c.thread is not None]

    def permissions(self, user: User, channel: Channel) -> Permission:
        """Of that user in that channel; a thread has its parent's. Source: topics/permissions."""
        guild = self.guild_of(channel)
        if guild is None:
            return USUAL
        member = guild.members.get(user.id)
        if member is None:
            return Permission(0)
        if user.id == guild.owner_id:
            return EVERYTHING
        allowed = guild.roles[guild.id].permissions
        for role in member.roles:
            allowed |= guild.roles[role].permissions
        if allowed & Permission.ADMINISTRATOR:
            return EVERYTHING
        parent = self.channels.get(channel.parent_id or 0, channel)
        return Permission(_overwritten(allowed, parent.overwrites, guild.id, member))


def _overwritten(allowed: int, overwrites: dict[int, Overwrite], everyone: int, member: Member) -> int:
    first = overwrites.get(everyone)
    if first is not None:
        allowed = allowed & ~first.deny | first.allow
    roles = [overwrites[role] for role in member.roles if role in overwrites]
    for overwrite in roles:
        allowed &= ~overwrite.deny
    for overwrite in roles:
        allowed |= overwrite.allow
    own = overwrites.get(member.user.id)
    return allowed if own is None else allowed & ~own.deny | own.allow
