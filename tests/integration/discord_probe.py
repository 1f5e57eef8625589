"""The real discord.py as a small bot that remembers what it saw, and a place for it to be in."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import yarl

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # discord.py imports audioop, which Python 3.13 no longer has
    import discord
    from discord import app_commands

from tests.discord_server import Channel, DiscordServer, User
from tests.discord_server.remote import RemoteDiscord


class Probe(discord.Client):
    """`seen` are the events; `said` the contents of messages by others."""

    def __init__(self, *, intents: discord.Intents | None = None, **options: Any) -> None:
        wanted = intents or discord.Intents.default() | discord.Intents(message_content=True)
        mentions = discord.AllowedMentions.none()
        super().__init__(intents=wanted, guild_ready_timeout=0.01, allowed_mentions=mentions, **options)
        self.tree = app_commands.CommandTree(self)
        self.seen: list[str] = []
        self.said: list[discord.Message] = []
        self.interactions: list[discord.Interaction] = []
        self.tell: Callable[[], None] = lambda: None

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """No five seconds between two IDENTIFYs."""

    async def on_socket_event_type(self, event: str) -> None:
        self.seen.append(event)
        self.tell()

    async def on_message(self, message: discord.Message) -> None:
        if message.author != self.user:
            self.said.append(message)
            self.tell()

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        self.interactions.append(interaction)
        self.tell()

    def room(self, number: int) -> discord.TextChannel:
        """A channel by its id."""
        return self.get_partial_messageable(number)  # type: ignore[return-value] # enough for what tests do with it


class Place:
    """A server with a guild, a channel and a person."""

    def __init__(self, server: DiscordServer) -> None:
        self.server = server
        self.alice: User = server.people.user("alice", locale="zh-CN")
        self.guild = server.people.guild("lab", self.alice)
        self.channel: Channel = server.people.channel(self.guild)

    async def hears(self, probe: Probe, *texts: str) -> None:
        """Until the probe has heard these, in this order."""
        await self.server.wait_for(lambda: [message.content for message in probe.said] == list(texts))


def point_to(api_url: str, gateway_url: str) -> None:
    """Send discord.py to a server."""
    discord.http.Route.BASE = api_url
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


@asynccontextmanager
async def running(server: DiscordServer, probe: Probe) -> AsyncIterator[Probe]:
    """The probe, connected; closed at the end."""
    point_to(server.api_url, server.gateway.url)
    probe.tell = server.transcript.tell
    async with asyncio.TaskGroup() as group:
        group.create_task(probe.start(server.token))
        try:
            await server.wait_ready(server.transcript.counts["ready"] + 1)
            await probe.wait_until_ready()
            yield probe
        finally:
            await probe.close()


class RawBot:
    """REST without a library, for what discord.py would not send. The headers of the last answer are in `headers`."""

    def __init__(self, api_url: str, token: str, session: aiohttp.ClientSession) -> None:
        self._api_url = api_url
        self._token = token
        self.session = session
        self.headers: dict[str, str] = {}

    async def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
        """Code and JSON of the answer."""
        authorization = {"Authorization": f"Bot {self._token if token is None else token}"}
        async with self.session.request(method, self._api_url + path, json=body, headers=authorization) as response:
            self.headers = dict(response.headers)
            return response.status, await response.json() if response.content_type == "application/json" else None

    @asynccontextmanager
    async def begin(self, method: str, path: str, body: Any = None) -> AsyncIterator[asyncio.Task[tuple[int, Any]]]:
        """Ask, and go on before the answer is there."""
        async with asyncio.TaskGroup() as group:
            yield group.create_task(self.ask(method, path, body))


@asynccontextmanager
async def raw_bot(server: DiscordServer | RemoteDiscord) -> AsyncIterator[RawBot]:
    async with aiohttp.ClientSession() as session:
        yield RawBot(server.api_url, server.token, session)
