"""A TCP proxy in front of RabbitMQ that can also put in words of its own."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit

from pamqp.base import Frame
from pamqp.frame import marshal

from tests.tcp_proxy import TcpProxy, proxying


class Proxy(TcpProxy):
    """See TcpProxy."""

    def __init__(self, upstream: str) -> None:
        self._url = urlsplit(upstream)
        super().__init__(self._url.hostname or "127.0.0.1", self._url.port or 5672)

    @property
    def url(self) -> str:
        user = self._url.netloc.rpartition("@")[0]
        return self._url._replace(netloc=f"{user}@127.0.0.1:{self.port}").geturl()

    def say(self, frame: Frame) -> None:
        """Speak to every client as if the broker had."""
        self.write(marshal(frame, 0))


def proxy_to(upstream: str) -> AbstractAsyncContextManager[Proxy]:
    """A proxy in front of the broker at `upstream`."""
    return proxying(Proxy(upstream))
