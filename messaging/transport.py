"""What carries letters: RabbitMQ, or its twin inside this process. The buses know nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from domain.backlog import Depth
from domain.errors import Unavailable
from domain.ports import Connection
from messaging.topology import Queue, Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Bytes on their way to an exchange ("" is the default one: `key` is then a queue's name)."""

    exchange: str
    key: str
    body: bytes
    priority: int = 0
    ttl_ms: int | None = None
    is_persistent: bool = True
    message_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Parcel(NamedTuple):
    """Bytes that arrived. `reason` is why they died, if they did; `tag` is for the source to know them again."""

    key: str
    body: bytes
    is_redelivered: bool
    reason: str | None
    tag: Any


class Source(Protocol):
    """What arrives from one queue, across reconnects."""

    async def batch(self, limit: int) -> Sequence[Parcel]:
        """Wait for one; return it with all that have arrived behind it, the most urgent first.

        Raises BrokerDown once it is closed."""
        ...

    async def widen(self, prefetch: int) -> None:
        """From now on so many unsettled at once, more than before. Never raises."""
        ...

    async def ack(self, tags: Sequence[Any]) -> None:
        """Done with these. Never raises; those of a lost connection, or settled before, are ignored."""
        ...

    async def reject(self, tags: Sequence[Any]) -> None:
        """Dead-letter these. Never raises."""
        ...


class Transport(Protocol):
    """A broker of letters."""

    @property
    def topology(self) -> Topology:
        """The names in use."""
        ...

    def connection(self) -> Connection:
        """How it stands right now."""
        ...

    async def declare(self, queues: Iterable[Queue]) -> None:
        """Make sure that they exist, now and after every reconnect. Raises BrokerDown, Misconfigured."""
        ...

    async def publish(self, letters: Sequence[Letter]) -> Sequence[Unavailable | None]:
        """Per letter None once the broker has it in a queue, else why not. Never raises."""
        ...

    async def send(self, letters: Sequence[Letter]) -> None:
        """Send without asking what became of them. Never raises."""
        ...

    def consume(self, queue: Queue, prefetch: int) -> AbstractAsyncContextManager[Source]:
        """Declare a queue and take from it, at most `prefetch` unsettled at once; leaving gives those back.

        Entering raises Misconfigured on a mismatch, Taken for an exclusive queue that another connection has; without
        a broker it returns, and begins when there is one.
        """
        ...

    async def depth(self, name: str) -> Depth | None:
        """What waits in the queue of this name; None when there is none, or nobody answers. Never raises."""
        ...

    async def close(self) -> None:
        """Let go of what is held outside this process."""
        ...
