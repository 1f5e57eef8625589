"""The stream beneath one connection: what is frequent is taken out of it before aiormq sees it, and written past it.

aiormq moves each frame through two queues and each delivery through a task of its own. It opens, watches and closes
connections and channels here; deliveries and confirms go straight to whoever taps their channel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiormq.connection import TransportFactory
from aiormq.exceptions import AMQPConnectionError

from domain.errors import BrokerDown
from messaging.rabbit.frames import A_HEARTBEAT, BLOCKED, END, HEAD, METHOD, UNBLOCKED

if TYPE_CHECKING:
    from yarl import URL

Tap = Callable[[int, bytes], bool]
"""Is shown the kind and payload of each frame of a channel; True means that it has taken it."""

_HEARTBEAT_S = 1.0


class Wire(TransportFactory):
    """One stream of bytes, over TCP or TLS."""

    def __init__(self) -> None:
        self.is_blocked = False
        self.taps: dict[int, Tap] = {0: self._watch}
        self._writer: asyncio.StreamWriter | None = None
        self._unwritten: list[bytes] = []

    async def create(self, url: URL, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect; aiormq calls this. Raises AMQPConnectionError."""
        certificates = options.pop("ssl_context_provider")
        tls = await certificates.get_context() if url.scheme == "amqps" else None
        loop = asyncio.get_running_loop()
        reader = TappedReader(self.taps, loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            transport, _ = await loop.create_connection(lambda: protocol, str(url.host), url.port or 0, ssl=tls)
        except OSError as error:
            raise AMQPConnectionError(*error.args) from error
        self._writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        return reader, self._writer

    def write(self, frames: bytes) -> None:
        """Send, together with whatever else is written in this turn of the event loop: a call of the operating system
        costs as much as a message. Raises BrokerDown when there is nobody to send to."""
        if self._writer is None or self._writer.is_closing():
            raise BrokerDown("error.broker_down")
        if not self._unwritten:
            asyncio.get_running_loop().call_soon(self._flush, self._writer)
        self._unwritten.append(frames)

    def _flush(self, writer: asyncio.StreamWriter) -> None:
        frames, self._unwritten = b"".join(self._unwritten), []
        if not writer.is_closing():
            writer.write(frames)

    def _watch(self, kind: int, payload: bytes) -> bool:
        """See whether the broker asks publishers to wait; aiormq is to know it too."""
        if kind == METHOD and payload[:4] in (BLOCKED, UNBLOCKED):
            self.is_blocked = payload[:4] == BLOCKED
        return False


class TappedReader(asyncio.StreamReader):
    """Gives aiormq the frames that nobody has taken."""

    def __init__(self, taps: dict[int, Tap], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._taps = taps
        self._clock = loop.time
        self._begun = b""
        self._is_raw = False
        self._heartbeat_at = loop.time()

    def feed_data(self, data: bytes) -> None:  # type: ignore[override] # typeshed's is wider than what ever comes
        """Bytes have come."""
        data = self._begun + data if self._begun else data
        # A broker that speaks another version answers with a greeting instead of a frame.
        self._is_raw |= data[:1] == b"A"
        read = len(data) if self._is_raw else 0
        rest = [data] if self._is_raw else []
        while len(data) - read >= HEAD.size:
            kind, channel, size = HEAD.unpack_from(data, read)
            end = read + HEAD.size + size
            if end >= len(data):
                break
            tap = self._taps.get(channel)
            if tap is None or data[end] != END or not tap(kind, data[read + HEAD.size : end]):
                rest.append(data[read : end + 1])
            read = end + 1
        self._begun = data[read:]
        self._pass_on(b"".join(rest))

    def feed_eof(self) -> None:
        """No more will come."""
        if self._begun:
            super().feed_data(self._begun)
        super().feed_eof()

    def _pass_on(self, rest: bytes) -> None:
        """To aiormq, which must see that the peer lives even when nothing is for it: a busy broker sends no
        heartbeats."""
        now = self._clock()
        if rest:
            self._heartbeat_at = now
            super().feed_data(rest)
        elif now - self._heartbeat_at > _HEARTBEAT_S:
            self._heartbeat_at = now
            super().feed_data(A_HEARTBEAT)
