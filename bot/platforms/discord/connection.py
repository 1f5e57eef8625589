"""A connection to Discord: the library's client, told where Discord is and what not to remember."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.platforms.discord.outcomes import down, meant, token_refused
from domain.texts import Language, say

API_URL = "https://discord.com/api/v10"
LONGEST_SLEEP_S = 30.0  # that the library keeps to itself after a 429; no less is possible
_GATEWAY_URL = yarl.URL("wss://gateway.discord.gg/")
_REFUSED_TOKEN = 4004


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscordSettings:
    """`token` of the bot; `base_url` of the REST interface, with its version: empty for Discord's own. The address of
    the gateway is asked for there."""

    token: str = field(repr=False)
    base_url: str = ""


def bot_id_of(token: str) -> str:
    """The id of the bot that a token is for: its first part. Raises Misconfigured when there is none in it."""
    part = token.strip().partition(".")[0]
    try:
        number = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("ascii")
    except ValueError as error:
        raise token_refused() from error
    if not number.isdecimal():
        raise token_refused()
    return number


def intents(*, has_content: bool) -> discord.Intents:
    """What is asked for. Without content, messages that neither mention the bot nor are for it alone come empty."""
    wanted = discord.Intents.none()
    wanted.guilds = True
    wanted.guild_messages = True
    wanted.dm_messages = True
    wanted.message_content = has_content
    return wanted


class Connection(discord.Client):
    """The library's client without caches: what it kept of messages and members would only grow."""

    def __init__(self, wanted: discord.Intents) -> None:
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks here
        super().__init__(
            intents=wanted,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=LONGEST_SLEEP_S,
        )

    async def log_in(self, settings: DiscordSettings) -> None:
        """Find Discord and be known there. Raises Misconfigured when the token is refused, Unavailable when nobody
        answers."""
        Route.BASE = settings.base_url.rstrip("/") or API_URL
        with meant(self):
            await self.login(settings.token)
            DiscordWebSocket.DEFAULT_GATEWAY = await self._gateway() if settings.base_url else _GATEWAY_URL

    async def receive(self) -> None:
        """Stay connected until cancelled; the library connects again and resumes by itself.

        Raises discord.PrivilegedIntentsRequired when an intent is not switched on, Misconfigured when the token is
        refused, Unavailable when Discord does not want this connection any more.
        """
        try:
            await self.connect()
        except discord.ConnectionClosed as error:
            raise (token_refused() if error.code == _REFUSED_TOKEN else down()) from error
        raise down()

    async def _gateway(self) -> yarl.URL:
        """Only bots with shards ask for it by themselves."""
        found = await self.http.request(Route("GET", "/gateway"))
        return yarl.URL(found["url"])


async def probe(settings: DiscordSettings, language: Language) -> str:
    """How the bot stands: its name, and whether it may read what is not addressed to it.

    Raises Misconfigured when the token is refused, Unavailable when Discord does not answer.
    """
    bot_id_of(settings.token)
    async with Connection(discord.Intents.none()) as connection:
        await connection.log_in(settings)
        flags = connection.application_flags
        reads = flags.gateway_message_content or flags.gateway_message_content_limited
        name = str(connection.user)
    return say("discord.well" if reads else "discord.well_without_content", language, name=name)
