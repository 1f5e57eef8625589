"""RabbitMQ as a transport. Whoever needs the broker and finds no link makes one, so nothing runs in the background."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from domain.backlog import Depth
from domain.errors import BrokerDown, Misconfigured, Taken, Unavailable
from domain.ports import Clock, Connection
from messaging.rabbit.declare import declare_exchange, declare_queue, depth_of, has_queue
from messaging.rabbit.link import Link, checked, open_link, patience
from messaging.rabbit.source import RabbitSource
from messaging.topology import Queue, Topology
from messaging.transport import Letter, Source

log = structlog.get_logger()

BACKOFF = wait_random_exponential(multiplier=0.1, max=5)  # seconds


class RabbitTransport:
    """See Transport.

    Args:
        url: amqp or amqps.
        name: what the broker's tools show as the connection's name.
        clock: for `since`, and to sleep between attempts to connect.
        topology: the names in use.
    """

    def __init__(self, url: str, name: str, clock: Clock, topology: Topology) -> None:
        self.topology = topology
        self._url = url
        self._name = name
        self._clock = clock
        self._turn = asyncio.Lock()
        self._reviving = asyncio.Lock()
        self._link: Link | None = None
        self._spent: Link | None = None
        self._since: datetime | None = None
        self._generation = 0
        self._was_up = False
        self._is_closed = False
        self._kept: dict[str, Queue] = {}
        self._sources: list[RabbitSource] = []

    def connection(self) -> Connection:
        """See Transport."""
        return Connection(since=self._since, generation=self._generation)

    async def declare(self, queues: Iterable[Queue]) -> None:
        """See Transport. All are tried before the first refusal is raised."""
        wanted = {queue.name: queue for queue in queues}
        self._kept |= wanted
        link = await self._live()
        refusals = [await self._refusal(link, queue) for queue in wanted.values()]
        for refusal in filter(None, refusals):
            raise refusal

    async def publish(self, letters: Sequence[Letter]) -> Sequence[Unavailable | None]:
        """See Transport."""
        try:
            link = self._link or await self._live()
        except (BrokerDown, Misconfigured):
            return [BrokerDown("error.broker_down")] * len(letters)
        return await link.publish(letters)

    async def send(self, letters: Sequence[Letter]) -> None:
        """See Transport. During an outage it drops them: nobody should wait for what may be lost."""
        with suppress(BrokerDown, Misconfigured):
            if self._link is None and not self._was_up:
                await self._live()
            if self._link is not None:
                await self._link.send(letters)

    @asynccontextmanager
    async def consume(self, queue: Queue, prefetch: int) -> AsyncIterator[Source]:
        """See Transport."""
        source = RabbitSource(queue, prefetch, self._revive)
        try:
            await self._join(source)
            yield source
        finally:
            if source in self._sources:
                self._sources.remove(source)
            await source.close()

    async def depth(self, name: str) -> Depth | None:
        """See Transport."""
        with suppress(BrokerDown, Misconfigured):
            return await depth_of(self._link or await self._live(), name)
        return None

    async def close(self) -> None:
        """See Transport."""
        self._is_closed = True
        async with self._turn:
            if self._link is not None:
                self._link.end()
            await self._bury()

    async def _live(self) -> Link:
        """The link, made now if there is none: one attempt. Raises BrokerDown; Misconfigured if it never worked."""
        async with self._turn:
            if self._is_closed:
                raise BrokerDown("error.broker_down")
            if self._link is None:
                await self._bury()
                self._link = await self._made()
                self._since = self._clock.now()
                self._was_up = True
                log.info("broker_connected", name=self._name, generation=self._generation)
            return self._link

    async def _made(self) -> Link:
        """A link with everything on it that there was on the last one."""
        try:
            link = await open_link(self._url, self._name, self._on_loss)
            try:
                await self._restore(link)
            except BaseException:
                self._detach_all()
                await link.close()
                raise
        except Misconfigured as error:
            if not self._was_up:
                raise
            log.warning("broker_changed", name=self._name, error=str(error))  # its operator may be at work on it
            raise BrokerDown("error.broker_down") from error
        return link

    async def _restore(self, link: Link) -> None:
        for exchange in self.topology.exchanges:
            await declare_exchange(link, exchange)
        for queue in tuple(self._kept.values()):
            if (refusal := await self._refusal(link, queue)) is not None:
                log.error("queue_refused", queue=queue.name, error=str(refusal))  # the others must not suffer
        for source in tuple(self._sources):
            await self._attach(link, source)
        if link.is_over:
            raise BrokerDown("error.broker_down")

    async def _attach(self, link: Link, source: RabbitSource) -> None:
        name = await self._declare(link, source.queue)
        async with patience():
            await source.attach(link, name)

    async def _declare(self, link: Link, queue: Queue) -> str:
        """Make sure that a queue stands; a broker without `queue.star` is not the one that had it."""
        if queue.name == self.topology.star.name and not await has_queue(link, queue.name):
            self._generation += 1
        return await declare_queue(link, queue)

    async def _refusal(self, link: Link, queue: Queue) -> Misconfigured | None:
        try:
            await self._declare(link, queue)
        except Misconfigured as error:
            return error
        return None

    async def _join(self, source: RabbitSource) -> None:
        """Attach a new source to the link, or leave it to the next one."""
        with suppress(BrokerDown):
            await self._live()
        async with self._turn:
            if self._link is not None:
                try:
                    await self._attach(self._link, source)
                except Taken:
                    raise
                except BrokerDown as error:
                    self._link.end(error.__cause__)
            self._sources.append(source)

    async def _revive(self) -> None:
        """Return when there is a link, however long that takes. Raises BrokerDown only after `close`."""
        attempts = AsyncRetrying(
            retry=retry_if_exception(self._may_pass),
            wait=BACKOFF,
            sleep=self._clock.sleep,
            before_sleep=self._log_attempt,
            reraise=True,
        )
        async with self._reviving:  # one of those that wait tries for all
            async for attempt in attempts:
                with attempt:
                    await self._live()

    def _may_pass(self, error: BaseException) -> bool:
        return isinstance(error, BrokerDown | Misconfigured) and not self._is_closed

    def _log_attempt(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        cause = error.__cause__ if isinstance(error, BrokerDown) else error
        log.warning("broker_unreachable", name=self._name, attempt=state.attempt_number, error=repr(cause))

    def _on_loss(self, cause: BaseException | None) -> None:
        if self._link is None or not self._link.is_over:
            return  # one that never came up: whoever is making it notices
        self._spent, self._link, self._since = self._link, None, None
        self._detach_all()
        if not self._is_closed:
            log.warning("broker_lost", name=self._name, error=repr(cause))

    def _detach_all(self) -> None:
        for source in self._sources:
            source.detach()

    async def _bury(self) -> None:
        """Close what is left of the last link: an exclusive queue lives as long as its connection."""
        if self._spent is not None:
            spent, self._spent = self._spent, None
            await spent.close()


def rabbit_transport(url: str, name: str, clock: Clock, prefix: str = "") -> RabbitTransport:
    """A RabbitMQ server, connected to when first needed. Raises Misconfigured for a URL that cannot be one's.

    Args:
        url: amqp://user:password@host:port/vhost, or amqps.
        name: what the broker's tools show as the connection's name.
        clock: for `Connection.since` and the pauses between attempts to connect.
        prefix: in front of every name, so that tests can share a broker.
    """
    return RabbitTransport(checked(url), name, clock, Topology(prefix))
