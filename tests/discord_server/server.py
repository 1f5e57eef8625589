"""The server as tests use it: everything put together, on a port of its own."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import web

from tests.discord_server import shapes
from tests.discord_server.access import Access
from tests.discord_server.chat import Chat
from tests.discord_server.commands import Commands
from tests.discord_server.faults import Faults
from tests.discord_server.gateway import Gateway
from tests.discord_server.interactions import Answers
from tests.discord_server.limits import RateLimits
from tests.discord_server.opcodes import Intent, Session
from tests.discord_server.people import People
from tests.discord_server.rest import PREFIX, routed
from tests.discord_server.routes import ChannelRoutes
from tests.discord_server.routes_apps import AccountRoutes, AnswerRoutes, CommandRoutes
from tests.discord_server.transcript import Transcript, Violation
from tests.discord_server.world import Channel, Clock, Interaction, Message, RealClock, World

Found = TypeVar("Found")
TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAwMQ.test.token"


class DiscordServer:
    """`async with DiscordServer() as server`; see the package for how a test goes."""

    def __init__(self, *, token: str = TOKEN, clock: Clock | None = None, port: int = 0) -> None:
        self._extend: Callable[[web.Application], None] | None = None
        self.clock = clock or RealClock()
        self.token = token
        self.world = World(self.clock)
        self.transcript = Transcript(self.clock)
        self.limits = RateLimits(self.clock, self.transcript)
        self.faults = Faults()
        self.gateway = Gateway(self.clock, self.transcript)
        self.chat = Chat(self.world, self.transcript, self.gateway)
        self.answers = Answers(self.chat)
        self.commands = Commands(self.world, self.transcript)
        self.people = People(self.chat, self.answers, self.commands)
        self._port = port
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self, extend: Callable[[web.Application], None] | None = None) -> None:
        """Listen on 127.0.0.1; `extend` may add routes that are none of Discord's."""
        self._extend = extend
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._port).start()
        self._runner = runner
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.chat.cdn = self.url
        self._wire_gateway()

    async def stop(self) -> None:
        self.faults.clear()
        self.gateway.drop()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        """What DISCORD_API_BASE_URL is set to, and `Route.BASE`."""
        return self.url + PREFIX

    @property
    def violations(self) -> list[Violation]:
        """Every broken rule so far, also those nobody noticed yet (an interaction that was never answered)."""
        self.answers.sweep()
        return self.transcript.violations

    @property
    def codes(self) -> list[str]:
        """Of the violations."""
        return [violation.code for violation in self.violations]

    def revoke_token(self) -> None:
        """From now on 401, and 4004 for whoever is connected."""
        self.token = ""
        self.gateway.token = ""
        self.gateway.close(4004)

    async def wait_for(self, predicate: Callable[[], Found | None], timeout: float = 10.0) -> Found:  # noqa: ASYNC109 -- see Transcript
        """Until something is so; what `predicate` returned. Raises `TimeoutError`, with what was last seen."""
        return await self.transcript.wait_for(predicate, timeout)

    async def wait_ready(self, times: int = 1, timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """Until the bot has identified so many times and is connected."""
        await self.wait_for(lambda: self.transcript.counts["ready"] >= times and self.gateway.connected, timeout)

    async def wait_message(
        self,
        channel: Channel,
        having: Callable[[Message], bool] | str = "",
        timeout: float = 10.0,  # noqa: ASYNC109
    ) -> Message:
        """Until the bot has a message there with that text, or that `having` likes; thinking ones do not count."""
        likes = having if callable(having) else lambda message: having in message.content

        def found() -> Message | None:
            own = (one for one in channel.messages.values() if one.author is self.world.bot)
            return next((one for one in own if not one.is_deleted and not one.is_loading and likes(one)), None)

        return await self.wait_for(found, timeout)

    async def wait_answer(self, interaction: Interaction, timeout: float = 10.0) -> Interaction:  # noqa: ASYNC109
        """Until the bot has acknowledged it."""
        await self.wait_for(lambda: interaction.answer is not None, timeout)
        return interaction

    async def wait_response(self, interaction: Interaction, timeout: float = 10.0) -> Message:  # noqa: ASYNC109
        """Until its @original says something."""

        def found() -> Message | None:
            response = interaction.response
            return None if response is None or response.is_loading else response

        return await self.wait_for(found, timeout)

    def _app(self) -> web.Application:
        access = Access(self.world)
        app = web.Application(client_max_size=120 * 1024 * 1024)
        app.router.add_get("/gateway", self.gateway.serve)
        app.router.add_get("/gateway/", self.gateway.serve)
        app.router.add_get("/resume", self.gateway.serve)
        app.router.add_get("/attachments/{channel_id}/{attachment_id}/{filename}", self._download)
        routes = [
            *AccountRoutes(self.chat, access, self.gateway).routes(),
            *ChannelRoutes(self.chat, access).routes(),
            *CommandRoutes(self.commands, access).routes(),
            *AnswerRoutes(self.answers, self.chat).routes(),
        ]
        routed(app, routes, self)
        if self._extend is not None:
            self._extend(app)
        return app

    def _wire_gateway(self) -> None:
        self.gateway.url = self.url.replace("http", "ws", 1) + "/gateway"
        self.gateway.token = self.token
        self.gateway.ready = self._ready
        self.gateway.guilds = self._guilds
        self.gateway.members = self._members

    def _ready(self) -> dict[str, Any]:
        return {
            "v": 10,
            "user": shapes.own_user(self.world),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in self._own_guilds()],
            "application": {"id": shapes.user(self.world.bot)["id"], "flags": 0},
            "session_type": "normal",
            "private_channels": [],
        }

    def _own_guilds(self) -> list[Any]:
        return [guild for guild in self.world.guilds.values() if self.world.bot.id in guild.members]

    def _guilds(self, session: Session) -> list[dict[str, Any]]:
        if not session.intents & Intent.GUILDS:
            return []
        has_members = bool(session.intents & Intent.MEMBERS)
        return [shapes.guild(self.world, guild, has_members=has_members) for guild in self._own_guilds()]

    def _members(self, data: dict[str, Any]) -> dict[str, Any]:
        """Answer to opcode 8."""
        guild = self.world.guilds[int(data["guild_id"])]
        wanted = set(map(int, data.get("user_ids") or guild.members))
        return {
            "guild_id": str(guild.id),
            "members": [shapes.member(one) for one in guild.members.values() if one.user.id in wanted],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [],
            "presences": [],
            "nonce": data.get("nonce"),
        }

    async def _download(self, request: web.Request) -> web.Response:
        """The CDN: links carry their end, after which they are gone."""
        found = self.world.attachments.get(int(request.match_info["attachment_id"]))
        expires = int(request.query.get("ex", "0"), 16)
        if found is None or expires < self.clock.now().timestamp():
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=found.content, content_type=found.content_type)
