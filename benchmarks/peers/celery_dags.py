"""Celery on RabbitMQ with results in PostgreSQL. Run by a Python that has it; see README.md."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

from celery import Celery, Task
from kombu import Connection, Consumer, Exchange, Producer, Queue

from benchmarks.dags.protocol import Load, Report, obey
from benchmarks.dags.stepping import ClosedLoop

AMQP_URL, POSTGRES_URL = os.environ["BENCH_AMQP_URL"], os.environ["BENCH_POSTGRES_URL"]
DONE = Queue("bench.celery.done", Exchange(""), routing_key="bench.celery.done", durable=False)
TEXT = "x" * 150

app = Celery("bench", broker=AMQP_URL, backend="db+" + POSTGRES_URL.replace("postgresql://", "postgresql+psycopg2://"))
app.conf.update(
    task_default_queue="bench.celery.tasks",
    task_acks_late=True,
    worker_prefetch_multiplier=200,
    broker_transport_options={"confirm_publish": True},
    worker_send_task_events=False,
    database_short_lived_sessions=False,
    broker_connection_retry_on_startup=True,
)


class Telling(Task):
    """Tells the orchestrator, once a result is stored."""

    producer: Producer | None = None

    def on_success(self, _value, task_id, _args, _kwargs) -> None:
        if Telling.producer is None:
            Telling.producer = Producer(Connection(AMQP_URL).channel())
        Telling.producer.publish({"id": task_id}, routing_key=DONE.routing_key, delivery_mode=1)


@app.task(base=Telling, name="node")
def node(text: str) -> dict[str, str]:
    return {"status": "success", "output": text}


class Orchestrator:
    """Steps through plans."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.arrived: list[str] = []
        self.producer = app.amqp.Producer(app.connection_for_write())
        consumer = Consumer(connection, [DONE], callbacks=[self.take], no_ack=True)
        consumer.purge()
        consumer.consume()

    def take(self, body, _message) -> None:
        self.arrived.append(body["id"])

    async def perform(self, load: Load) -> Report:
        return await asyncio.to_thread(self.work_through, load)

    def work_through(self, load: Load) -> Report:
        run, loop = str(time.monotonic_ns()), ClosedLoop(load, time.perf_counter)
        self.send(run, loop.begin())
        while not loop.is_over:
            self.connection.drain_events(timeout=60)
            batch, self.arrived = self.arrived, []
            names = (one.split(".") for one in batch)
            self.send(run, loop.end((int(task), int(place)) for which, task, place in names if which == run))
        return loop.report()

    def send(self, run: str, names) -> None:
        for task, place in names:
            node.apply_async((TEXT,), task_id=f"{run}.{task}.{place}", producer=self.producer)


async def main() -> None:
    command = [sys.executable, "-m", "celery", "-A", "benchmarks.peers.celery_dags:app", "worker"]
    width = [
        "--pool",
        "prefork",
        "--concurrency",
        "1",
        "--loglevel",
        "ERROR",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ]
    worker = subprocess.Popen([*command, *width], stdout=sys.stderr)  # noqa: ASYNC220 -- once, before anything runs
    try:
        with Connection(AMQP_URL) as connection:
            orchestrator = Orchestrator(connection)
            await orchestrator.perform(Load("chain10", 1, 1, 1))
            await obey(orchestrator.perform, {"worker": worker.pid})
    finally:
        worker.terminate()
        worker.wait(20)


if __name__ == "__main__":
    asyncio.run(main())
