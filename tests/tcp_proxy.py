"""A TCP proxy that does to a connection what networks do: cut, stall, slow down, cut to pieces, lose one direction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeVar


class TcpProxy:
    """Carries bytes both ways while `flows`; new connections get through while it `is_open`, else `refused` is set.

    `latency_s` is added to every piece, `slice_bytes` is the largest piece (0: as they come), and `is_half_open` is
    when nothing comes back any more although everything still goes out.
    """

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.flows = asyncio.Event()
        self.flows.set()
        self.is_open = True
        self.is_half_open = False
        self.latency_s = 0.0
        self.slice_bytes = 0
        self.refused = asyncio.Event()

    def cut(self) -> None:
        """End every connection as a crash would."""
        for writer in self._writers:
            writer.transport.abort()

    def heal(self) -> None:
        """All is well again."""
        self.flows.set()
        self.is_open, self.is_half_open, self.latency_s, self.slice_bytes = True, False, 0.0, 0

    def write(self, data: bytes) -> None:
        """Speak to every client as if the other side had."""
        for client in self._clients:
            client.write(data)

    async def serve(self, server_up: asyncio.Future[None]) -> None:
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            server_up.set_result(None)
            await server.serve_forever()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.is_open:
            self.refused.set()
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._upstream)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        self._clients.add(writer)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, far_writer))
                group.create_task(self._pump(far_reader, writer, comes_back=True))
        finally:
            self._writers -= {writer, far_writer}
            self._clients.discard(writer)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, comes_back: bool = False
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(self.slice_bytes or 65536):
                await self.flows.wait()
                if self.latency_s:
                    await asyncio.sleep(self.latency_s)
                if comes_back and self.is_half_open:
                    continue
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


P = TypeVar("P", bound=TcpProxy)


@asynccontextmanager
async def proxying(proxy: P) -> AsyncIterator[P]:
    """The proxy while the block runs."""
    server_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(proxy.serve(server_up))
        await server_up
        yield proxy
        proxy.flows.set()
        proxy.cut()
        serving.cancel()
