"""The bus contract's two grounds: the in-process transport, and a real RabbitMQ behind a prefix of its own."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import aio_pika
import pytest

from domain.messages import Context, ResultMessage, TaskContent, TaskMessage, TaskMetadata
from domain.ports import AgentBus, Arrival, Clock, ControlBus, Subscription
from messaging import Transport, TransportAgentBus, TransportControlBus, memory_transport, rabbit_transport
from messaging.topology import Topology
from tests.fakes import START, FakeClock

T = TypeVar("T")

GROUNDS = ["memory", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)]
AGENTS = ("yunce", "tianquan")
PATIENCE_S = 10.0


class RealClock:
    """Time as it passes."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Buses of two processes on one broker. `letters` sends what no bus would; `wait` lets time pass."""

    control: ControlBus
    agent: AgentBus
    letters: Transport
    clock: Clock
    wait: Callable[[float], Awaitable[None]]

    @property
    def topology(self) -> Topology:
        return self.letters.topology


@asynccontextmanager
async def ground_of(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    """The ground a fixture's parameter names, taken down afterwards."""
    if request.param == "memory":
        clock = FakeClock()
        transport = memory_transport(clock)
        yield _ground((transport, transport, transport), clock, clock.advance)
        return
    url = request.getfixturevalue("amqp_url")
    async with prefix_on(url) as prefix:
        transports = tuple(rabbit_transport(url, name, RealClock(), prefix) for name in ("control", "agent", "letters"))
        yield _ground(transports, RealClock(), _real_time_passes)
        for transport in transports:
            await transport.close()


def _ground(transports: tuple[Transport, ...], clock: Clock, wait: Callable[[float], Awaitable[None]]) -> Ground:
    control, agent, letters = transports
    return Ground(
        control=TransportControlBus(control),
        agent=TransportAgentBus(agent),
        letters=letters,
        clock=clock,
        wait=wait,
    )


async def _real_time_passes(_seconds: float) -> None:
    """Whoever waits for a batch waits long enough."""


@asynccontextmanager
async def prefix_on(url: str) -> AsyncIterator[str]:
    """A prefix nobody else uses; what was declared behind it is deleted afterwards."""
    prefix = f"test-{secrets.token_hex(6)}."
    yield prefix
    await delete_everything(url, Topology(prefix))


async def delete_everything(url: str, topology: Topology, *, exchanges: bool = True) -> None:
    """As if the broker had lost it all."""
    connection = await aio_pika.connect(url)
    async with connection, connection.channel() as channel:
        agents = map(topology.agent, AGENTS)
        for queue in (topology.star, topology.heartbeats, topology.dead_letters, *agents):
            await channel.queue_delete(queue.name)
        for exchange in topology.exchanges if exchanges else ():
            await channel.exchange_delete(exchange)


async def soon(awaitable: Awaitable[T]) -> T:
    """What it returns, or the test fails."""
    async with asyncio.timeout(PATIENCE_S):
        return await awaitable


async def take(subscription: Subscription[T], count: int) -> list[Arrival[T]]:
    """The next `count` arrivals, in as many batches as they come."""
    taken: list[Arrival[T]] = []
    while len(taken) < count:
        taken += await soon(subscription.batch(count - len(taken)))
    return taken


async def is_quiet(subscription: Subscription[Any]) -> bool:
    """Whether nothing comes for as long as anything would take."""
    try:
        async with asyncio.timeout(0.2):
            await subscription.batch(1)
    except TimeoutError:
        return True
    return False


def task(key: str = "t1", *, priority: str = "normal", agent: str = "yunce", life_s: float = 600.0) -> TaskMessage:
    """An attempt."""
    return TaskMessage.model_validate(
        {
            "task_id": f"ABC123.{key}",
            "target": agent,
            "priority": priority,
            "content": TaskContent(action="count", params={"text": "two words"}, context=Context(request="count")),
            "metadata": TaskMetadata(created_at=START, expire_at=START + timedelta(seconds=life_s), attempt=2),
        }
    )


def result(key: str = "t1", *, status: str = "success") -> ResultMessage:
    """A result."""
    return ResultMessage(task_id=f"ABC123.{key}", source="yunce", status=status)
