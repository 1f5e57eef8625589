"""As little as can be: nodes to a worker and results back over RabbitMQ, with or without a row per result.

This is what aio-pika can do when well used: uvloop, one set of properties, publishes begun together and their confirms
awaited together, everything that arrived since the last wake-up handled as one batch, one `multiple` acknowledgement,
prefetch 200. With `--postgres` every batch is one statement that inserts its results (committed before anything
depends on it): the limit that a durable orchestrator is measured against.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import aio_pika
import orjson
import psycopg
import uvloop
from aio_pika.abc import AbstractIncomingMessage
from pamqp.commands import Basic

from benchmarks.dags.places import AMQP_URL, POSTGRES_URL, child_environment
from benchmarks.dags.protocol import Load, Report, obey
from benchmarks.dags.stepping import ClosedLoop, Name

PREFETCH = 200
TEXT = "x" * 150  # with what is around it about 200 bytes
PROPERTIES = Basic.Properties(content_type="application/json", delivery_mode=2)
TABLE = (
    "CREATE TABLE IF NOT EXISTS bare_result (load text, task int, node int, body text, PRIMARY KEY (load, task, node))"
)
INSERT = "INSERT INTO bare_result SELECT * FROM unnest(%s::text[], %s::int[], %s::int[], %s::text[])"


class Line:
    """One channel: what arrives on a queue, in batches, and a way to send."""

    def __init__(self, channel: aio_pika.abc.AbstractChannel) -> None:
        self._channel = channel
        self._arrived: list[AbstractIncomingMessage] = []
        self._news = asyncio.Event()

    async def listen(self, queue: str) -> None:
        await self._channel.set_qos(prefetch_count=PREFETCH)
        declared = await self._channel.declare_queue(queue, durable=True)
        await declared.purge()
        await declared.consume(self._take)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self._arrived.append(message)
        self._news.set()

    async def batch(self) -> list[AbstractIncomingMessage]:
        """Everything that arrived since the last call, at least one."""
        await self._news.wait()
        self._news.clear()
        batch, self._arrived = self._arrived, []
        return batch

    async def send(self, queue: str, bodies: Sequence[bytes]) -> None:
        """Publish, and wait until the broker has it all."""
        channel = await self._channel.get_underlay_channel()
        publishes = (channel.basic_publish(body, routing_key=queue, properties=PROPERTIES) for body in bodies)
        await asyncio.gather(*publishes)  # noqa: TID251 -- the cheapest way to await many, and errors do propagate

    async def acknowledge(self, batch: Sequence[AbstractIncomingMessage]) -> None:
        channel = await self._channel.get_underlay_channel()
        await channel.basic_ack(batch[-1].delivery_tag or 0, multiple=True)


@asynccontextmanager
async def line(queue: str) -> AsyncIterator[Line]:
    async with await aio_pika.connect(AMQP_URL) as connection:
        opened = Line(await connection.channel(publisher_confirms=True))
        await opened.listen(queue)
        yield opened


async def work(tasks: str, results: str) -> None:
    """The worker: every task message becomes a result of the same size."""
    async with line(tasks) as here:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            batch = await here.batch()
            given = [orjson.loads(message.body) for message in batch]
            done = [{"id": one["id"], "status": "success", "output": one["params"]["text"]} for one in given]
            await here.send(results, [orjson.dumps(one) for one in done])
            await here.acknowledge(batch)


class Orchestrator:
    """Steps through plans and keeps nothing but, when asked, one row per result."""

    def __init__(self, here: Line, tasks: str, database: psycopg.AsyncConnection | None) -> None:
        self._line = here
        self._tasks = tasks
        self._database = database

    async def perform(self, load: Load) -> Report:
        run = f"{load.workload}-{time.monotonic_ns()}"
        loop = ClosedLoop(load, time.perf_counter)
        await self._send(run, loop.begin())
        while not loop.is_over:
            batch = await self._line.batch()
            results = [orjson.loads(message.body) for message in batch]
            names = [(one["id"][1], one["id"][2]) for one in results]
            await self._write(run, names, batch)
            await self._send(run, loop.end(names))
            await self._line.acknowledge(batch)
        return loop.report()

    async def _write(self, run: str, names: Sequence[Name], batch: Sequence[AbstractIncomingMessage]) -> None:
        if self._database is not None:
            tasks, nodes = zip(*names, strict=True)
            columns = ([run] * len(names), list(tasks), list(nodes), [message.body.decode() for message in batch])
            await self._database.execute(INSERT, columns, prepare=True)

    async def _send(self, run: str, names: Sequence[Name]) -> None:
        messages = ({"id": (run, *name), "action": "echo", "params": {"text": TEXT}} for name in names)
        await self._line.send(self._tasks, [orjson.dumps(message) for message in messages])


@asynccontextmanager
async def database(*, is_wanted: bool) -> AsyncIterator[psycopg.AsyncConnection | None]:
    if not is_wanted:
        yield None
        return
    async with await psycopg.AsyncConnection.connect(
        POSTGRES_URL, autocommit=True, application_name="bench_limit"
    ) as connection:
        await connection.execute(TABLE)
        yield connection


@contextmanager
def working(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that listens."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=child_environment()) as worker:
        try:
            assert worker.stdout is not None
            worker.stdout.readline()
            yield worker
        finally:
            worker.terminate()


async def orchestrate(*, has_database: bool) -> None:
    kind = "limit" if has_database else "bare"
    tasks, results = f"bench.{kind}.tasks", f"bench.{kind}.results"
    command = [sys.executable, "-m", "benchmarks.dags.bare", "work", tasks, results]
    with working(command) as worker:
        async with line(results) as here, database(is_wanted=has_database) as connection:
            orchestrator = Orchestrator(here, tasks, connection)
            await obey(orchestrator.perform, {"worker": worker.pid})


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        uvloop.run(work(*sys.argv[2:4]))
    else:
        uvloop.run(orchestrate(has_database="--postgres" in sys.argv))
