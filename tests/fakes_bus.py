"""The broker as a worker sees it, in memory and under the test's control."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Generic, TypeVar

from domain.errors import BrokerDown, Malformed
from domain.messages import (
    Context,
    Heartbeat,
    Hello,
    Notice,
    Order,
    ResultMessage,
    TaskContent,
    TaskMessage,
    TaskMetadata,
)
from domain.ports import Arrival, Connection
from tests.fakes import START

M = TypeVar("M")
TRACE = "0af7651916cd43dd8448eb211c80319c"


def attempt(
    key: str = "a", action: str = "echo", *, request: str = "", language: Any = "en", **metadata: Any
) -> TaskMessage:
    """One attempt; `params` is taken out of `metadata`."""
    params = metadata.pop("params", {})
    expire_at = START + timedelta(minutes=1)
    return TaskMessage(
        task_id=f"AAAAAA.{key}",
        target="echo",
        content=TaskContent(action=action, params=params, context=Context(language=language)),
        metadata=TaskMetadata(
            created_at=START, expire_at=expire_at, traceparent=f"00-{TRACE}-0000000000000001-01", **metadata
        ),
    )


class FakeQueue(Generic[M]):
    """A queue whose consumer holds at most `prefetch` unsettled messages and gives back what it leaves."""

    def __init__(self, note: Callable[[str, Any], None]) -> None:
        self.waiting: deque[Arrival[M]] = deque()
        self.prefetch = 0
        self.is_consumed = False
        self._unsettled: list[Arrival[M]] = []
        self._note = note
        self._came = asyncio.Event()

    def put(self, message: M | Malformed, *, redelivered: bool = False) -> None:
        arrival = Arrival(message=message, sender="star", redelivered=redelivered, reason=None, tag=object())
        self.waiting.append(arrival)
        self._came.set()

    @property
    def unsettled(self) -> list[M | Malformed]:
        return [arrival.message for arrival in self._unsettled]

    @asynccontextmanager
    async def consumed(self, prefetch: int) -> AsyncIterator[FakeQueue[M]]:
        self.prefetch, self.is_consumed = prefetch, True
        try:
            yield self
        finally:
            self.is_consumed = False
            for arrival in reversed(self._unsettled):
                given_back = Arrival(
                    message=arrival.message, sender="star", redelivered=True, reason=None, tag=object()
                )
                self.waiting.appendleft(given_back)
            self._unsettled = []

    async def batch(self, limit: int) -> Sequence[Arrival[M]]:
        assert limit > 0
        while not self.waiting or len(self._unsettled) >= self.prefetch:
            self._came.clear()
            await self._came.wait()
        count = min(limit, len(self.waiting), self.prefetch - len(self._unsettled))
        batch = [self.waiting.popleft() for _ in range(count)]
        self._unsettled += batch
        return batch

    async def widen(self, prefetch: int) -> None:
        assert prefetch > self.prefetch
        self.prefetch = prefetch
        self._came.set()

    async def ack(self, arrivals: Sequence[Arrival[Any]]) -> None:
        self._settle("ack", arrivals)

    async def reject(self, arrivals: Sequence[Arrival[Any]]) -> None:
        self._settle("reject", arrivals)

    def _settle(self, how: str, arrivals: Sequence[Arrival[Any]]) -> None:
        for arrival in arrivals:
            if arrival in self._unsettled:
                self._unsettled.remove(arrival)
                self._note(how, arrival.message)
        self._came.set()


class FakeAgentBus:
    """Everything a worker does with the broker, in order, in `happened`: (what, the message)."""

    def __init__(self) -> None:
        self.happened: list[tuple[str, Any]] = []
        self.beats: list[Heartbeat] = []
        self.is_up = True
        self.since = START
        self.refusals: dict[str, int] = {}
        self.confirming = asyncio.Event()
        self.confirming.set()
        self.tasks_queue: FakeQueue[TaskMessage] = FakeQueue(self._note)
        self.orders_queue: FakeQueue[Order] = FakeQueue(self._note)
        self.subscribed: list[int] = []

    def _note(self, what: str, message: Any) -> None:
        self.happened.append((what, message))

    def send(self, *messages: TaskMessage | Malformed, redelivered: bool = False) -> None:
        for message in messages:
            self.tasks_queue.put(message, redelivered=redelivered)

    def order(self, kind: Any, of: Notice) -> None:
        self.orders_queue.put(Order(type=kind, task_id=of.task_id, exec_id=of.metadata.exec_id))

    def of(self, what: str) -> list[Any]:
        return [message for kind, message in self.happened if kind == what]

    def kinds(self, key: str = "a") -> list[str]:
        """What happened to one attempt, in order."""
        name = f"AAAAAA.{key}"
        return [what for what, message in self.happened if getattr(message, "task_id", None) == name]

    @property
    def results(self) -> list[ResultMessage]:
        return self.of("result")

    # --- the port -------------------------------------------------------------------------------------------------

    def connection(self) -> Connection:
        return Connection(since=self.since if self.is_up else None, generation=1)

    @asynccontextmanager
    async def tasks(self, agent: str, prefetch: int) -> AsyncIterator[FakeQueue[TaskMessage]]:
        self._check("tasks")
        self.subscribed.append(prefetch)
        async with self.tasks_queue.consumed(prefetch) as queue:
            yield queue

    @asynccontextmanager
    async def orders(self, agent: str, worker: str) -> AsyncIterator[FakeQueue[Order]]:
        self._check("orders")
        async with self.orders_queue.consumed(1000) as queue:
            yield queue

    async def report(self, agent: str, message: ResultMessage | Notice | Hello) -> None:
        await self.confirming.wait()
        self._check(message.type)
        self.happened.append((message.type, message))

    async def beat(self, heartbeat: Heartbeat) -> None:
        self.beats.append(heartbeat)

    async def close(self) -> None:
        self.is_up = False

    def _check(self, what: str) -> None:
        if not self.is_up or self.refusals.get(what, 0):
            self.refusals[what] = max(0, self.refusals.get(what, 0) - 1)
            raise BrokerDown("error.broker_down")
