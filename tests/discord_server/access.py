"""What the bot may do where, in Discord's order of refusals. Source: topics/permissions, topics/threads."""

from __future__ import annotations

from tests.discord_server.refusals import refusal
from tests.discord_server.world import Channel, Guild, Kind, Message, Permission, World


class Access:
    """Every method raises the refusal Discord would answer with."""

    def __init__(self, world: World) -> None:
        self._world = world

    def channel(self, number: int) -> Channel:
        """A channel the bot can see."""
        channel = self._world.channels.get(number)
        if channel is None:
            raise refusal(10003)
        self.needs(channel, Permission.VIEW_CHANNEL)
        return channel

    def guild(self, number: int) -> Guild:
        guild = self._world.guilds.get(number)
        if guild is None:
            raise refusal(10004)
        if self._world.bot.id not in guild.members:
            raise refusal(50001)
        return guild

    def needs(self, channel: Channel, permission: Permission) -> None:
        allowed = self._world.permissions(self._world.bot, channel)
        if not allowed & Permission.VIEW_CHANNEL:
            raise refusal(50001)
        if permission & ~allowed:
            raise refusal(50013)

    def message(self, channel: Channel, number: int) -> Message:
        """A message everybody in the channel can see."""
        message = channel.messages.get(number)
        if message is None or message.is_deleted or message.is_ephemeral:
            raise refusal(10008)
        return message

    def writing(self, channel: Channel, *, has_files: bool = False, has_embeds: bool = False) -> None:
        """Sending a new message."""
        if channel.kind is Kind.DM:
            self._direct(channel)
            return
        speaking = Permission.SEND_MESSAGES if channel.thread is None else Permission.SEND_MESSAGES_IN_THREADS
        self.needs(channel, speaking)
        if has_files:
            self.needs(channel, Permission.ATTACH_FILES)
        if has_embeds:
            self.needs(channel, Permission.EMBED_LINKS)
        if channel.thread is not None and channel.thread.is_locked and not self._moderates(channel):
            raise refusal(50083 if channel.thread.is_archived else 160005)

    def changing(self, channel: Channel) -> None:
        """Editing, reacting: only active threads can be changed."""
        if channel.thread is None:
            return
        if channel.thread.is_archived:
            raise refusal(50083)
        if channel.thread.is_locked and not self._moderates(channel):
            raise refusal(160005)

    def _direct(self, channel: Channel) -> None:
        user = channel.recipient
        assert user is not None
        shares_guild = any(
            user.id in guild.members and self._world.bot.id in guild.members for guild in self._world.guilds.values()
        )
        if not user.takes_dms or not (shares_guild or not self._world.guilds):
            raise refusal(50007)

    def _moderates(self, channel: Channel) -> bool:
        return bool(self._world.permissions(self._world.bot, channel) & Permission.MANAGE_THREADS)
