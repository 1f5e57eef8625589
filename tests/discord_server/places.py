"""Channels and threads come, change and go; the gateway tells."""

from __future__ import annotations

from tests.discord_server import shapes
from tests.discord_server.gateway import Gateway
from tests.discord_server.opcodes import Intent
from tests.discord_server.transcript import Transcript
from tests.discord_server.world import Channel, Guild, Kind, Overwrite, ThreadPart, User, World


class Places:
    """Permissions are not asked here: see `Access`."""

    def __init__(self, world: World, transcript: Transcript, gateway: Gateway) -> None:
        self.world = world
        self.transcript = transcript
        self.gateway = gateway

    def open_dm(self, user: User) -> Channel:
        known = self.world.dms.get(user.id)
        if known is not None:
            return self.world.channels[known]
        channel = Channel(id=self.world.snowflakes.next(), kind=Kind.DM, recipient=user)
        self.world.channels[channel.id] = channel
        self.world.dms[user.id] = channel.id
        return channel

    def open_thread(self, parent: Channel, name: str, owner: User, number: int | None = None) -> Channel:
        """A thread; one on a message has its number."""
        thread = Channel(
            id=number or self.world.snowflakes.next(),
            kind=Kind.PUBLIC_THREAD,
            name=name,
            guild_id=parent.guild_id,
            parent_id=parent.id,
            thread=ThreadPart(
                owner_id=owner.id, changed_at=self.world.clock.now(), members={owner.id, self.world.bot.id}
            ),
        )
        self.world.channels[thread.id] = thread
        self.channel_event("THREAD_CREATE", thread, newly_created=True)
        return thread

    def change_thread(self, thread: Channel, *, archived: bool | None = None, locked: bool | None = None) -> None:
        assert thread.thread is not None
        part = thread.thread
        part.is_archived = part.is_archived if archived is None else archived
        part.is_locked = part.is_locked if locked is None else locked
        part.changed_at = self.world.clock.now()
        self.channel_event("THREAD_UPDATE", thread)

    def overwrite(self, channel: Channel, target: int, *, allow: int = 0, deny: int = 0) -> None:
        """Set the permissions of a member or role in a channel."""
        channel.overwrites[target] = Overwrite(
            target=target, is_member=target in self.world.users, allow=allow, deny=deny
        )
        self.channel_event("CHANNEL_UPDATE", channel)

    def remove_channel(self, channel: Channel) -> None:
        """Delete it, its threads too."""
        for thread in [c for c in self.world.channels.values() if c.parent_id == channel.id]:
            self.remove_channel(thread)
        self.channel_event("CHANNEL_DELETE" if channel.thread is None else "THREAD_DELETE", channel)
        del self.world.channels[channel.id]

    def channel_event(self, event: str, channel: Channel, **more: object) -> None:
        self.gateway.dispatch(event, shapes.channel(self.world, channel) | more, Intent.GUILDS)
        self.transcript.tell()

    def guild_event(self, event: str, guild: Guild) -> None:
        self.gateway.dispatch(event, {"id": str(guild.id)}, Intent.GUILDS)
        self.transcript.tell()
