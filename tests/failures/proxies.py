"""RabbitMQ and PostgreSQL for a test of its own, each behind a proxy that can part the program from them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass

from tests.acceptance.deployment import own_schema, own_vhost
from tests.integration.rabbit_proxy import Proxy


class Wire(Proxy):
    """A proxy that a test drives from another thread. `swallows`, given a connection and what its client sends, says
    whether it is to break before the answer."""

    def __init__(self, upstream: str, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(upstream)
        self._loop = loop
        self.swallows: Callable[[object, bytes], bool] = _nothing

    def part(self) -> None:
        """Nobody reaches the server any more, and those who did are cut off."""
        self.is_open = False
        self._loop.call_soon_threadsafe(self.cut)

    def join(self) -> None:
        """All is well again."""
        self.is_open = True
        self.swallows = _nothing

    def tell(self, frame: object) -> None:
        """Speak to every client as if the broker had."""
        self._loop.call_soon_threadsafe(self.say, frame)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, comes_back: bool = False
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
                if not comes_back and self.swallows(writer, data):
                    break  # the other way ends with it: nobody hears the answer
        writer.transport.abort()


def _nothing(_connection: object, _data: bytes) -> bool:
    return False


@dataclass(frozen=True)
class Services:
    """Both, and their settings."""

    broker: Wire
    database: Wire

    @property
    def settings(self) -> dict[str, str]:
        return {"AMQP_URL": self.broker.url, "DATABASE_URL": self.database.url}


@contextmanager
def proxied(amqp_url: str, postgres_url: str) -> Iterator[Services]:
    """A virtual host and a schema of the test's own, behind proxies in a thread of their own."""
    loop = asyncio.new_event_loop()
    is_up, over = threading.Event(), asyncio.Event()
    with own_vhost(amqp_url) as amqp, own_schema(postgres_url) as database:
        services = Services(Wire(amqp, loop), Wire(database, loop))

        async def serve() -> None:
            async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
                for wire in (services.broker, services.database):
                    up = loop.create_future()
                    serving = group.create_task(wire.serve(up))
                    stack.callback(serving.cancel)
                    await up
                is_up.set()
                await over.wait()
                for wire in (services.broker, services.database):
                    wire.cut()
                await stack.aclose()

        thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
        thread.start()
        is_up.wait()
        try:
            yield services
        finally:
            loop.call_soon_threadsafe(over.set)
            thread.join()
            loop.close()
