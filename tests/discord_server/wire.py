"""One websocket of the gateway: frames out in order, compressed as asked for; closing with a code or with a reset."""

from __future__ import annotations

import asyncio
import socket as tcp
import struct
import zlib
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import WSMsgType, web

if TYPE_CHECKING:
    from tests.discord_server.opcodes import Session

_NO_LINGER = struct.pack("ii", 1, 0)


def reset(transport: asyncio.BaseTransport | None) -> None:
    """Cut a connection so that the other side sees a TCP reset."""
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(tcp.SOL_SOCKET, tcp.SO_LINGER, _NO_LINGER)
    if isinstance(transport, asyncio.Transport):
        transport.abort()


class Socket:
    """`send` never waits: the frame leaves when its turn comes."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._outbox: asyncio.Queue[bytes | int] = asyncio.Queue()
        self.path = request.path
        self.response = web.WebSocketResponse(max_msg_size=1 << 20, compress=False)
        self._deflate = zlib.compressobj(1) if request.query.get("compress") == "zlib-stream" else None
        self.session: Session | None = None
        self.alarm: asyncio.TimerHandle | None = None
        self.received: deque[datetime] = deque(maxlen=121)
        self.close_code: int | None = None
        self.was_closed_by_client = True

    async def open(self) -> None:
        await self.response.prepare(self._request)

    async def run(self, receive: Callable[[str], None]) -> None:
        """Read until the end, whoever makes it."""
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(self._write())
            try:
                await self._read(receive)
            finally:
                writing.cancel()
                if self.alarm is not None:
                    self.alarm.cancel()

    def send(self, payload: dict[str, Any]) -> None:
        self._outbox.put_nowait(orjson.dumps(payload))

    def close(self, code: int) -> None:
        """After everything that was sent before."""
        self._outbox.put_nowait(code)

    def abort(self) -> None:
        """At once, with a TCP reset."""
        self.was_closed_by_client = False
        reset(self._request.transport)

    async def _read(self, receive: Callable[[str], None]) -> None:
        async for message in self.response:
            if message.type is WSMsgType.TEXT:
                receive(message.data)
            elif message.type is WSMsgType.BINARY:
                receive(message.data.decode())
        if self.close_code is None:
            self.close_code = self.response.close_code

    async def _write(self) -> None:
        while True:
            frame = await self._outbox.get()
            try:
                if isinstance(frame, int):
                    self.close_code, self.was_closed_by_client = frame, False
                    await self.response.close(code=frame)
                    return
                await self._transmit(frame)
            except (ConnectionError, RuntimeError):  # it went away while we wrote
                return

    async def _transmit(self, frame: bytes) -> None:
        if self._deflate is None:
            await self.response.send_str(frame.decode())
        else:
            await self.response.send_bytes(self._deflate.compress(frame) + self._deflate.flush(zlib.Z_SYNC_FLUSH))
