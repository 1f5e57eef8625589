"""The places people live in, made and closed: guilds, channels, threads, permissions."""

from __future__ import annotations

from tests.discord_server import shapes
from tests.discord_server.chat import Chat
from tests.discord_server.opcodes import Intent
from tests.discord_server.world import USUAL, Channel, Guild, Kind, Member, Message, Permission, Role, User


class Town:
    """Everything returns at once, and the bot hears of it."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._world = chat.world

    def user(self, name: str, *, locale: str = "en-US", id: int | None = None) -> User:
        person = User(id=id or self._world.snowflakes.next(), name=name, locale=locale)
        self._world.users[person.id] = person
        return person

    def guild(self, name: str = "guild", *members: User, bot_permissions: int = USUAL, id: int | None = None) -> Guild:
        """A guild the bot is in, with a role of its own that has these permissions; the first member owns it."""
        number, role = id or self._world.snowflakes.next(), self._world.snowflakes.next()
        owner = members[0].id if members else 1
        guild = Guild(id=number, name=name, owner_id=owner, bot_joined_at=self._world.clock.now())
        guild.roles[number] = Role(id=number, name="@everyone", permissions=int(USUAL), position=0)
        guild.roles[role] = Role(id=role, name=self._world.bot.name, permissions=int(bot_permissions), is_managed=True)
        self._world.guilds[number] = guild
        for person in (self._world.bot, *members):
            self.join(guild, person)
        guild.members[self._world.bot.id].roles.append(role)
        self._chat.gateway.dispatch("GUILD_CREATE", shapes.guild(self._world, guild), Intent.GUILDS)
        return guild

    def join(self, guild: Guild, person: User) -> None:
        guild.members[person.id] = Member(user=person, joined_at=self._world.clock.now())

    def channel(self, guild: Guild, name: str = "general", *, id: int | None = None) -> Channel:
        channel = Channel(id=id or self._world.snowflakes.next(), kind=Kind.TEXT, name=name, guild_id=guild.id)
        self._world.channels[channel.id] = channel
        self._chat.places.channel_event("CHANNEL_CREATE", channel)
        return channel

    def thread(self, parent: Channel, name: str, owner: User, message: Message | None = None) -> Channel:
        if message is not None:
            return self._chat.open_thread(message, name, owner)
        return self._chat.places.open_thread(parent, name, owner)

    def dm(self, person: User) -> Channel:
        return self._chat.places.open_dm(person)

    def archive(self, thread: Channel, *, is_locked: bool = False) -> None:
        self._chat.places.change_thread(thread, archived=True, locked=is_locked)

    def reopen(self, thread: Channel) -> None:
        self._chat.places.change_thread(thread, archived=False, locked=False)

    def remove_channel(self, channel: Channel) -> None:
        self._chat.places.remove_channel(channel)

    def remove_bot(self, guild: Guild) -> None:
        guild.members.pop(self._world.bot.id)
        self._chat.places.guild_event("GUILD_DELETE", guild)

    def deny(self, channel: Channel, permission: Permission, target: int | None = None) -> None:
        """Take a permission from the bot (or another member or role) in one channel."""
        self._chat.places.overwrite(channel, target or self._world.bot.id, deny=int(permission))

    def allow(self, channel: Channel, permission: Permission, target: int | None = None) -> None:
        self._chat.places.overwrite(channel, target or self._world.bot.id, allow=int(permission))
