"""The two buses, once, over any transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from domain.backlog import Depth
from domain.errors import BrokerDown, Malformed, Unavailable
from domain.messages import (
    HEARTBEAT,
    NUDGE,
    ORDER,
    REPORT,
    TASK,
    Heartbeat,
    Hello,
    Notice,
    Nudge,
    Order,
    Report,
    ResultMessage,
    TaskMessage,
)
from domain.ports import Arrival, Connection, Subscription
from messaging import envelope
from messaging.topology import Queue, is_agent_name
from messaging.transport import Parcel, Source, Transport

M = TypeVar("M")

# Throughput is the same from 50 up, a quarter of it at 1; the larger, the more one transaction settles.
CONTROL_PREFETCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake(Generic[M]):
    """How to take one kind of message from one queue. `settles` means it acknowledges by itself."""

    queue: Queue
    adapter: TypeAdapter[M]
    prefetch: int = CONTROL_PREFETCH
    settles: bool = False
    is_sender: Callable[[str], bool] = lambda _: True


class TransportSubscription(Generic[M]):
    """Parcels of a source as messages of one kind."""

    def __init__(self, source: Source, intake: Intake[M]) -> None:
        self._source = source
        self._intake = intake

    async def batch(self, limit: int) -> Sequence[Arrival[M]]:
        """See the port."""
        parcels = await self._source.batch(limit)
        if self._intake.settles:
            await self._source.ack([parcel.tag for parcel in parcels])
        return [self._opened(parcel) for parcel in parcels]

    async def widen(self, prefetch: int) -> None:
        """See the port."""
        await self._source.widen(prefetch)

    async def ack(self, arrivals: Sequence[Arrival[Any]]) -> None:
        """See the port."""
        await self._source.ack([arrival.tag for arrival in arrivals])

    async def reject(self, arrivals: Sequence[Arrival[Any]]) -> None:
        """See the port."""
        await self._source.reject([arrival.tag for arrival in arrivals])

    def _opened(self, parcel: Parcel) -> Arrival[M]:
        sender = parcel.key.partition(".")[2]
        return Arrival(
            message=self._message(parcel.body, sender),
            sender=sender,
            redelivered=parcel.is_redelivered,
            reason=parcel.reason,
            tag=parcel.tag,
            body=parcel.body,
        )

    def _message(self, body: bytes, sender: str) -> M | Malformed:
        if not self._intake.is_sender(sender):
            return Malformed("error.malformed", detail=f"{sender[: envelope.MAX_DETAIL]!r} is nobody's name")
        try:
            return envelope.decode(body, self._intake.adapter)
        except Malformed as error:
            return error.with_traceback(None)


class _Bus:
    """What both buses share."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._topology = transport.topology

    def connection(self) -> Connection:
        """See the port."""
        return self._transport.connection()

    async def close(self) -> None:
        """See the port."""
        await self._transport.close()

    @asynccontextmanager
    async def _subscription(self, intake: Intake[M]) -> AsyncIterator[Subscription[M]]:
        async with self._transport.consume(intake.queue, intake.prefetch) as source:
            yield TransportSubscription(source, intake)


class TransportControlBus(_Bus):
    """The broker as the control plane sees it."""

    async def declare(self, agents: Collection[str]) -> None:
        """See the port. The control plane's own queues too, so that nothing its agents say goes astray."""
        topology = self._topology
        control = (topology.star, topology.heartbeats, topology.dead_letters)
        await self._transport.declare([*control, *(topology.agent(agent) for agent in agents)])

    async def publish(self, messages: Sequence[TaskMessage]) -> Sequence[Unavailable | None]:
        """See the port."""
        return await self._transport.publish([envelope.task_letter(self._topology, message) for message in messages])

    async def order(self, agent: str, worker: str, order: Order) -> bool:
        """See the port. Also False when the broker did not confirm."""
        (refusal,) = await self._transport.publish([envelope.order_letter(self._topology, (agent, worker), order)])
        return refusal is None

    def reports(self) -> AbstractAsyncContextManager[Subscription[Report]]:
        """See the port. A sender that cannot be an agent's name makes a report Malformed."""
        return self._subscription(Intake(queue=self._topology.star, adapter=REPORT, is_sender=is_agent_name))

    def heartbeats(self) -> AbstractAsyncContextManager[Subscription[Heartbeat]]:
        """See the port. A sender that cannot be an agent's name makes a heartbeat Malformed."""
        queue = self._topology.heartbeats
        return self._subscription(Intake(queue=queue, adapter=HEARTBEAT, is_sender=is_agent_name, settles=True))

    def dead_letters(self) -> AbstractAsyncContextManager[Subscription[TaskMessage]]:
        """See the port."""
        return self._subscription(Intake(queue=self._topology.dead_letters, adapter=TASK))

    async def repeat(self, agent: str, body: str) -> Unavailable | None:
        """See the port."""
        (refusal,) = await self._transport.publish([envelope.repeated_letter(self._topology, agent, body)])
        return refusal

    async def depths(self, agents: Collection[str]) -> Mapping[str, Depth]:
        """See the port."""
        queues = {agent: self._topology.agent(agent).name for agent in agents if is_agent_name(agent)}
        found = {agent: await self._transport.depth(name) for agent, name in queues.items()}
        return {agent: depth for agent, depth in found.items() if depth is not None}

    async def nudge(self, nudges: Sequence[Nudge]) -> None:
        """See the port."""
        await self._transport.send([envelope.nudge_letter(self._topology, nudge) for nudge in nudges])

    def nudges(self, *kinds: str) -> AbstractAsyncContextManager[Subscription[Nudge]]:
        """See the port."""
        return self._subscription(Intake(queue=self._topology.nudges(kinds), adapter=NUDGE, settles=True))


class TransportAgentBus(_Bus):
    """The broker as a worker sees it."""

    def tasks(self, agent: str, prefetch: int) -> AbstractAsyncContextManager[Subscription[TaskMessage]]:
        """See the port. Raises Misconfigured for a name no agent can have."""
        return self._subscription(Intake(queue=self._topology.agent(agent), adapter=TASK, prefetch=prefetch))

    def orders(self, agent: str, worker: str) -> AbstractAsyncContextManager[Subscription[Order]]:
        """See the port."""
        return self._subscription(Intake(queue=self._topology.orders(agent, worker), adapter=ORDER, settles=True))

    async def report(self, agent: str, message: ResultMessage | Notice | Hello) -> None:
        """See the port. BrokerDown also when nobody has declared `queue.star` yet."""
        (refusal,) = await self._transport.publish([envelope.report_letter(self._topology, agent, message)])
        if refusal is not None:
            raise BrokerDown(refusal.key, **refusal.values)

    async def beat(self, heartbeat: Heartbeat) -> None:
        """See the port."""
        await self._transport.send([envelope.heartbeat_letter(self._topology, heartbeat)])
