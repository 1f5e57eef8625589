"""A broker and a worker in one that cost next to nothing: what is left of a run is the control plane's own work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from domain.messages import Nudge
from domain.ports import Connection
from messaging.topology import Queue, Topology
from messaging.transport import Letter, Parcel

TEXT = "x" * 150  # of every result
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
RESULT = (
    '{{"taskId":"{task}","type":"result","source":"echo","target":"star","status":"success",'
    '"content":{{"summary":"done","output":{{"text":"{text}"}},"findings":[],"files":[],"usage":[]}},'
    '"metadata":{{"completedAt":"2026-01-01T00:00:00Z","duration":0.001,"attempt":{attempt},"execId":"e{attempt}",'
    '"worker":"bench","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}}}'
)


class PerfectWorker:
    """`messaging.transport.Transport` that answers each attempt as soon as it is published."""

    def __init__(self) -> None:
        self.topology = Topology()
        self.settled = 0
        self.batches: list[int] = []
        self._answers = Waiting()
        self._nudges = Waiting()
        self._has_settled = asyncio.Condition()

    def connection(self) -> Connection:
        return Connection(since=LONG_AGO, generation=1)

    async def declare(self, queues: Iterable[Queue]) -> None:
        pass

    async def publish(self, letters: Sequence[Letter]) -> Sequence[None]:
        for letter in letters:
            task, _, attempt = (letter.message_id or "").rpartition(".")
            body = RESULT.format(task=task, attempt=attempt, text=TEXT).encode()
            self._answers.add(_parcel("result.echo", body))
        return [None] * len(letters)

    async def send(self, letters: Sequence[Letter]) -> None:
        async with self._has_settled:
            self.settled += sum(letter.key == "event.settled" for letter in letters)
            self._has_settled.notify_all()

    async def wait(self, settled: int) -> None:
        """Return when so many tasks have settled."""
        async with self._has_settled:
            await self._has_settled.wait_for(lambda: self.settled >= settled)

    def nudge(self, nudge: Nudge) -> None:
        self._nudges.add(_parcel(f"event.{nudge.kind}", nudge.model_dump_json(by_alias=True).encode()))

    @asynccontextmanager
    async def consume(self, queue: Queue, prefetch: int) -> AsyncIterator[Any]:
        if queue.name == self.topology.star.name:
            yield _Answers(self._answers, prefetch, self._took)
        elif any(binding.key.startswith("event.") for binding in queue.bindings):
            yield _Answers(self._nudges, prefetch)
        else:
            yield _Answers(Waiting(), prefetch)

    async def close(self) -> None:
        pass

    def _took(self, count: int) -> None:
        self.batches.append(count)


class Waiting:
    """Parcels that nobody has taken yet."""

    def __init__(self) -> None:
        self._parcels: list[Parcel] = []
        self._changed = asyncio.Event()

    def add(self, parcel: Parcel) -> None:
        self._parcels.append(parcel)
        self._changed.set()

    async def take(self, count: int) -> list[Parcel]:
        while not self._parcels:
            self._changed.clear()
            await self._changed.wait()
        taken = self._parcels[:count]
        del self._parcels[:count]
        return taken


class _Answers:
    """`messaging.transport.Source` of them."""

    def __init__(self, waiting: Waiting, prefetch: int, took: Callable[[int], None] = lambda _: None) -> None:
        self._waiting = waiting
        self._prefetch = prefetch
        self._took = took

    async def batch(self, limit: int) -> Sequence[Parcel]:
        taken = await self._waiting.take(min(limit, self._prefetch))
        self._took(len(taken))
        return taken

    async def ack(self, tags: Sequence[Any]) -> None:
        pass

    async def reject(self, tags: Sequence[Any]) -> None:
        raise AssertionError("a report broke the settling")


def _parcel(key: str, body: bytes) -> Parcel:
    return Parcel(key=key, body=body, is_redelivered=False, reason=None, tag=None)
