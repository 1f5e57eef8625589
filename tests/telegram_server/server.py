"""A strict Telegram on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Self, TypeVar

from aiohttp import web

from app.clock import SystemClock
from tests.telegram_server.control import Control
from tests.telegram_server.membership import Membership
from tests.telegram_server.people import People
from tests.telegram_server.postman import Postman
from tests.telegram_server.web import Web
from tests.telegram_server.world import Clock, Rules, World

T = TypeVar("T")
TOKEN = "123456789:AAtest-token_of-no-value_0123456789"


class TelegramServer:
    """Serves the Bot API while entered: `async with TelegramServer() as telegram`."""

    def __init__(
        self,
        token: str = TOKEN,
        *,
        clock: Clock | None = None,
        rules: Rules | None = None,
        port: int = 0,
        keeps_requests: bool = True,
    ) -> None:
        self.world = World(token, clock or SystemClock(), rules or Rules(), keeps_requests=keeps_requests)
        self.people = People(self.world)
        self.membership = Membership(self.world)
        self.transcript = self.world.transcript
        self.faults = self.world.faults
        self.updates = self.world.updates
        self.port = port
        self._stack = AsyncExitStack()
        self._runner: web.AppRunner | None = None

    @property
    def token(self) -> str:
        return self.world.token

    @property
    def url(self) -> str:
        """What stands in for https://api.telegram.org."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """For python-telegram-bot."""
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        """For python-telegram-bot, which does not derive it from `base_url`."""
        return f"{self.url}/file/bot"

    async def until(self, condition: Callable[[], T | None], timeout_s: float | None = 10.0) -> T:
        """What `condition` gives once it is true; it is looked at after every change."""
        return await self.world.until(condition, timeout_s)

    async def stop(self) -> None:
        """Stop serving, as an outage would; `start` goes on with the same state on the same port."""
        for connection in self._runner.server.connections if self._runner and self._runner.server else ():
            if connection.transport:
                connection.transport.abort()
        self.world.updates.abort("Conflict: the server stops")
        await self._stack.aclose()

    async def start(self) -> None:
        app = web.Application(client_max_size=1 << 30)
        Web(self.world).add_to(app)
        Control(self).add_to(app)
        runner = self._runner = web.AppRunner(app, access_log=None, keepalive_timeout=1e8, shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = runner.addresses[0][1]
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        posting = tasks.create_task(Postman(self.world).work())
        self._stack.callback(posting.cancel)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()
