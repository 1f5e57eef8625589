"""A TCP proxy in front of RabbitMQ that can cut connections, stop carrying bytes, and put in words of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from pamqp.base import Frame
from pamqp.frame import marshal


class Proxy:
    """Carries bytes both ways while `flows`; new connections get through while it `is_open`, else `refused` is set."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._writers: set[asyncio.StreamWriter] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._port = 0
        self.flows = asyncio.Event()
        self.flows.set()
        self.is_open = True
        self.refused = asyncio.Event()

    @property
    def url(self) -> str:
        user = self._upstream.netloc.rpartition("@")[0]
        return self._upstream._replace(netloc=f"{user}@127.0.0.1:{self._port}").geturl()

    def cut(self) -> None:
        """End every connection as a crash would."""
        for writer in self._writers:
            writer.transport.abort()

    def say(self, frame: Frame) -> None:
        """Speak to every client as if the broker had."""
        for client in self._clients:
            client.write(marshal(frame, 0))

    async def serve(self, server_up: asyncio.Future[None]) -> None:
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        async with server:
            server_up.set_result(None)
            await server.serve_forever()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.is_open:
            self.refused.set()
            writer.transport.abort()
            return
        host, port = self._upstream.hostname, self._upstream.port or 5672
        broker_reader, broker_writer = await asyncio.open_connection(host, port)
        self._writers |= {writer, broker_writer}
        self._clients.add(writer)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, broker_writer))
                group.create_task(self._pump(broker_reader, writer))
        finally:
            self._writers -= {writer, broker_writer}
            self._clients.discard(writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self.flows.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def proxy_to(upstream: str) -> AsyncIterator[Proxy]:
    """A proxy in front of the broker at `upstream`."""
    proxy = Proxy(upstream)
    server_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(proxy.serve(server_up))
        await server_up
        yield proxy
        proxy.flows.set()
        proxy.cut()
        serving.cancel()
