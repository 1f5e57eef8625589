"""The broker, as the control plane and as a worker see it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from domain.backlog import Depth
from domain.errors import Malformed, Unavailable
from domain.messages import Heartbeat, Hello, Notice, Nudge, Order, Report, ResultMessage, TaskMessage

M_co = TypeVar("M_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival(Generic[M_co]):
    """One message that came, not settled yet.

    `message` is Malformed when the bytes were not a message. `sender` is what the routing key says, which the
    broker can hold senders to, unlike the body. `redelivered` means it may have been seen before. `reason` is
    why a dead letter died (expired, rejected, maxlen, delivery_limit), else None. `tag` is the transport's, `body`
    the bytes that came.
    """

    message: M_co | Malformed
    sender: str
    redelivered: bool
    reason: str | None
    tag: Any
    body: bytes = b""


class Subscription(Protocol[M_co]):
    """A stream of messages of one kind that survives reconnects. An async context manager yields it."""

    async def batch(self, limit: int) -> Sequence[Arrival[M_co]]:
        """Wait for a message; return it with all that have arrived behind it, at most `limit`.

        Raises BrokerDown once the bus is closed."""
        ...

    async def widen(self, prefetch: int) -> None:
        """From now on so many unsettled at once, more than before. Nothing that came is given back. Never raises."""
        ...

    async def ack(self, arrivals: Sequence[Arrival[Any]]) -> None:
        """Done with these. Never raises: what could not be acked comes again as redelivered."""
        ...

    async def reject(self, arrivals: Sequence[Arrival[Any]]) -> None:
        """Unusable: dead-letter these, where their queue has dead letters; else they are dropped."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How the broker stands. `since` is None while there is none; `generation` grows whenever the broker was
    found without our queues, which means that everything published before is gone."""

    since: datetime | None
    generation: int


class ControlBus(Protocol):
    """The broker as the control plane sees it."""

    def connection(self) -> Connection:
        """How it stands right now."""
        ...

    async def declare(self, agents: Collection[str]) -> None:
        """Make sure that these agents, and the control plane, have their queues.

        Raises BrokerDown; Misconfigured on a mismatch, or for a name no agent can have."""
        ...

    async def publish(self, messages: Sequence[TaskMessage]) -> Sequence[Unavailable | None]:
        """Send attempts to their agents; per message None once the broker confirmed it, else why not.

        Each expires in its queue after `metadata.expire_at - metadata.created_at`, and is then a dead letter.
        """
        ...

    async def order(self, agent: str, worker: str, order: Order) -> bool:
        """Tell one worker something. False when it is not there any more, or the broker is not."""
        ...

    def reports(self) -> AbstractAsyncContextManager[Subscription[Report]]:
        """What workers report: `queue.star`."""
        ...

    def heartbeats(self) -> AbstractAsyncContextManager[Subscription[Heartbeat]]:
        """Signs of life; acknowledged by themselves."""
        ...

    def dead_letters(self) -> AbstractAsyncContextManager[Subscription[TaskMessage]]:
        """Attempts that died in a queue: `queue.dead`."""
        ...

    async def repeat(self, agent: str, body: str) -> Unavailable | None:
        """Put a report that once came from this agent into `queue.star` again as it was; None once it is there."""
        ...

    async def depths(self, agents: Collection[str]) -> Mapping[str, Depth]:
        """What waits in the queues of these agents; those without a queue, or whose broker does not answer, are left
        out. Never raises."""
        ...

    async def nudge(self, nudges: Sequence[Nudge]) -> None:
        """Tell the other roles where to look. Never raises, may be lost."""
        ...

    def nudges(self, *kinds: str) -> AbstractAsyncContextManager[Subscription[Nudge]]:
        """Nudges of these kinds, to every process that listens."""
        ...

    async def close(self) -> None:
        """Leave in good order."""
        ...


class AgentBus(Protocol):
    """The broker as a worker sees it: all that an agent machine needs."""

    def connection(self) -> Connection:
        """How it stands right now."""
        ...

    def tasks(self, agent: str, prefetch: int) -> AbstractAsyncContextManager[Subscription[TaskMessage]]:
        """Attempts for this agent, highest priority first, at most `prefetch` unsettled at once.

        Declares the agent's queue.
        """
        ...

    def orders(self, agent: str, worker: str) -> AbstractAsyncContextManager[Subscription[Order]]:
        """Grants and stops for this one worker, on a queue that ends with it; acknowledged by themselves.

        Entering raises Taken while somebody else is this worker."""
        ...

    async def report(self, agent: str, message: ResultMessage | Notice | Hello) -> None:
        """Send to the control plane; returns once the broker confirmed. Raises BrokerDown."""
        ...

    async def beat(self, heartbeat: Heartbeat) -> None:
        """A sign of life. Never raises, may be lost."""
        ...

    async def close(self) -> None:
        """Leave in good order."""
        ...
