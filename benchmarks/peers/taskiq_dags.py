"""TaskIQ with aio-pika and results in PostgreSQL. Run by a Python that has them; see README.md."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import aio_pika
import uvloop
from taskiq import TaskiqMiddleware
from taskiq_aio_pika import AioPikaBroker, Exchange, Queue
from taskiq_pg.asyncpg import AsyncpgResultBackend

from benchmarks.dags.protocol import Load, Report, obey
from benchmarks.dags.stepping import ClosedLoop

AMQP_URL, POSTGRES_URL = os.environ["BENCH_AMQP_URL"], os.environ["BENCH_POSTGRES_URL"]
DONE = "bench.taskiq.done"
TEXT = "x" * 150


class Told(TaskiqMiddleware):
    """Tells the orchestrator, once a result is stored."""

    async def startup(self) -> None:
        self.connection = await aio_pika.connect(AMQP_URL)
        self.channel = await self.connection.channel(publisher_confirms=False)

    async def shutdown(self) -> None:
        await self.connection.close()

    async def post_save(self, message, _result) -> None:
        await self.channel.default_exchange.publish(aio_pika.Message(message.task_id.encode()), DONE)


broker = AioPikaBroker(
    AMQP_URL,
    result_backend=AsyncpgResultBackend(POSTGRES_URL, table_name="bench_taskiq"),
    qos=200,
    exchange=Exchange(name="bench.taskiq"),
    task_queues=[Queue(name="bench.taskiq.tasks")],
    dead_letter_queue=Queue(name="bench.taskiq.dead"),
).with_middlewares(Told())


@broker.task(task_name="node")
async def node(text: str) -> dict[str, str]:
    return {"status": "success", "output": text}


class Orchestrator:
    """Steps through plans."""

    def __init__(self, channel) -> None:
        self.channel = channel
        self.arrived: list[str] = []
        self.news = asyncio.Event()

    async def listen(self) -> None:
        queue = await self.channel.declare_queue(DONE, durable=False)
        await queue.purge()
        await queue.consume(self.take, no_ack=True)

    async def take(self, message) -> None:
        self.arrived.append(message.body.decode())
        self.news.set()

    async def perform(self, load: Load) -> Report:
        run, loop = str(time.monotonic_ns()), ClosedLoop(load, time.perf_counter)
        await self.send(run, loop.begin())
        while not loop.is_over:
            await self.news.wait()
            self.news.clear()
            batch, self.arrived = self.arrived, []
            names = (one.split(".") for one in batch)
            await self.send(run, loop.end((int(task), int(place)) for which, task, place in names if which == run))
        return loop.report()

    async def send(self, run: str, names) -> None:
        kicks = (node.kicker().with_task_id(f"{run}.{task}.{place}").kiq(TEXT) for task, place in names)
        await asyncio.gather(*kicks)


async def main() -> None:
    command = [sys.executable, "-m", "taskiq", "worker", "benchmarks.peers.taskiq_dags:broker"]
    width = ["--workers", "1", "--max-async-tasks", "200", "--log-level", "WARNING", "--ack-type", "when_saved"]
    worker = subprocess.Popen([*command, *width], stdout=sys.stderr)  # noqa: ASYNC220 -- once, before anything runs
    try:
        await broker.startup()
        async with await aio_pika.connect(AMQP_URL) as connection:
            orchestrator = Orchestrator(await connection.channel())
            await orchestrator.listen()
            await orchestrator.perform(Load("chain10", 1, 1, 1))
            children = f"/proc/{worker.pid}/task/{worker.pid}/children"
            pids = [int(pid) for pid in open(children).read().split()]  # noqa: ASYNC230, PTH123, SIM115 -- once
            await obey(orchestrator.perform, {f"worker {place}": pid for place, pid in enumerate([worker.pid, *pids])})
        await broker.shutdown()
    finally:
        worker.terminate()
        worker.wait(20)


if __name__ == "__main__":
    uvloop.run(main())
