"""What a worker costs: the processor time of one subtask in a real `Worker` with the `echo` skill, and of its parts.

`python -m benchmarks.bench_worker` feeds it letters made in advance and drops what it reports, so that the other side
costs next to nothing; on RabbitMQ that side is a process of its own. `--prefetch 1,10,50,200` compares depths.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import multiprocessing
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection as Pipe
from statistics import median
from typing import Any

import aio_pika
import orjson
import structlog
import uvloop

from agents.skills import echo
from agents.spool import MemorySpool
from agents.surroundings import Limits, Ports
from agents.worker import Worker
from app.clock import SystemClock, SystemEntropy
from domain.messages import (
    REPORT,
    TASK,
    Context,
    ResultContent,
    ResultMessage,
    ResultMetadata,
    TaskContent,
    TaskMessage,
    TaskMetadata,
)
from messaging import TransportAgentBus, envelope, memory_transport, rabbit_transport
from messaging.topology import Topology
from messaging.transport import Letter, Transport

AGENT = "echo"
WINDOW = 500  # subtasks in flight, more than any prefetch
TRACE = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
TEXT = "the quick brown fox jumps over the lazy dog " * 4


def attempt(number: int) -> TaskMessage:
    now = SystemClock().now()
    return TaskMessage(
        task_id=f"BENCH0.n{number}",
        target=AGENT,
        content=TaskContent(action="echo", params={"text": TEXT}, context=Context(request="say it")),
        metadata=TaskMetadata(created_at=now, expire_at=now + timedelta(minutes=10), traceparent=TRACE),
    )


def answer() -> ResultMessage:
    return ResultMessage(
        task_id="BENCH0.n1",
        source=AGENT,
        status="success",
        content=ResultContent(summary=TEXT, output={"text": TEXT}),
        metadata=ResultMetadata(
            completed_at=SystemClock().now(),
            duration=0.000123,
            attempt=1,
            exec_id="e" * 16,
            worker="host-echo-1",
            traceparent=TRACE,
        ),
    )


async def feed(transport: Transport, letters: list[Letter]) -> None:
    """Keep a window of letters in the queue until every one has been answered; what is handed back is sent again."""
    topology = transport.topology
    open_letters = {str(letter.message_id).rpartition(".")[0]: letter for letter in letters}
    waiting = list(reversed(letters))
    await transport.declare([topology.star, topology.agent(AGENT)])
    async with transport.consume(topology.star, 1000) as reports:
        flying = 0
        while open_letters:
            if waiting and flying <= WINDOW * 3 // 4:
                fresh = [waiting.pop() for _ in range(min(len(waiting), WINDOW - flying))]
                assert not any(await transport.publish(fresh))
                flying += len(fresh)
            arrived = await reports.batch(1000)
            said = [orjson.loads(parcel.body) for parcel in arrived]
            done = [open_letters.pop(one["taskId"], None) for one in said if one["type"] == "result"]
            flying -= sum(letter is not None for letter in done)
            again = {one["taskId"] for one in said if one["type"] == "handback"} & open_letters.keys()
            await transport.publish([open_letters[name] for name in again])
            await reports.ack([parcel.tag for parcel in arrived])


async def work(transport: Transport, slots: int, prefetch: int, is_over: asyncio.Event) -> None:
    """Be a worker until told to stop."""
    ports = Ports(bus=TransportAgentBus(transport), spool=MemorySpool(), clock=SystemClock(), entropy=SystemEntropy())
    skills = {skill.spec.name: skill for skill in echo.skills()}
    worker = Worker(AGENT, "bench-echo-1", skills, ports, Limits(slots=slots, prefetch=prefetch))
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        await is_over.wait()
        await worker.drain()


# --- the two grounds ------------------------------------------------------------------------------------------


async def in_process(options: argparse.Namespace, prefetch: int) -> tuple[float, float]:
    transport = memory_transport(SystemClock())
    letters = [envelope.task_letter(transport.topology, attempt(number)) for number in range(options.count)]
    is_over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(work(transport, options.slots, prefetch, is_over))
        await asyncio.sleep(0.1)
        cpu, begun = time.process_time(), time.perf_counter()
        await feed(transport, letters)
        took = time.perf_counter() - begun, time.process_time() - cpu
        is_over.set()
    return took


def worker_process(pipe: Pipe, options: argparse.Namespace, prefetch: int, prefix: str) -> None:
    async def run() -> None:
        transport = rabbit_transport(options.url, "bench worker", SystemClock(), prefix)
        is_over = asyncio.Event()
        asyncio.get_running_loop().add_reader(pipe.fileno(), is_over.set)
        cpu = time.process_time()
        await work(transport, options.slots, prefetch, is_over)
        pipe.send(time.process_time() - cpu)
        await transport.close()

    uvloop.run(run())


async def over_rabbit(options: argparse.Namespace, prefetch: int) -> tuple[float, float]:
    prefix = f"bench-{secrets.token_hex(4)}."
    transport = rabbit_transport(options.url, "bench feeder", SystemClock(), prefix)
    letters = [envelope.task_letter(transport.topology, attempt(number)) for number in range(options.count)]
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=worker_process, args=(there, options, prefetch, prefix)
    )
    process.start()
    await feed(transport, letters[:1])  # until it is there
    begun = time.perf_counter()
    await feed(transport, letters)
    took = time.perf_counter() - begun
    here.send(None)
    cpu = await asyncio.to_thread(here.recv)
    process.join()
    await delete(options.url, transport.topology)
    await transport.close()
    return took, cpu


async def delete(url: str, topology: Topology) -> None:
    connection = await aio_pika.connect(url)
    async with connection, connection.channel() as channel:
        for queue in (topology.star, topology.heartbeats, topology.dead_letters, topology.agent(AGENT)):
            await channel.queue_delete(queue.name)
        for name in topology.exchanges:
            await channel.exchange_delete(name)


GROUNDS: dict[str, Callable[[argparse.Namespace, int], Any]] = {"memory": in_process, "rabbitmq": over_rabbit}


# --- parts ----------------------------------------------------------------------------------------------------


def microseconds(do: Callable[[], object], times: int = 5_000) -> float:
    begun = time.process_time()
    for _ in range(times):
        do()
    return (time.process_time() - begun) / times * 1e6


def parts() -> None:
    topology, task, result = Topology(), attempt(1), answer()
    letter, report = envelope.task_letter(topology, task), envelope.report_letter(topology, AGENT, result)
    rows: list[tuple[str, Callable[[], object]]] = [
        (f"a task message ({len(letter.body)} bytes): made", lambda: attempt(1)),
        ("… to a letter", lambda: envelope.task_letter(topology, task)),
        ("… read", lambda: envelope.decode(letter.body, TASK)),
        (f"a result ({len(report.body)} bytes): made", answer),
        ("… to a letter", lambda: envelope.report_letter(topology, AGENT, result)),
        ("… read", lambda: envelope.decode(report.body, REPORT)),
    ]
    for name, do in rows:
        print(f"{name:40}{median(microseconds(do) for _ in range(3)):8.1f} µs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="amqp://guest:guest@127.0.0.1:5672/")
    parser.add_argument("--on", default="memory,rabbitmq")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--prefetch", default="64")
    parser.add_argument("--log", default="INFO")
    options = parser.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(options.log)),
        logger_factory=structlog.WriteLoggerFactory(open("/dev/null", "w")),  # noqa: SIM115, PTH123 -- for as long as it runs
    )
    parts()
    for ground in options.on.split(","):
        for prefetch in map(int, options.prefetch.split(",")):
            rounds = [uvloop.run(GROUNDS[ground](options, prefetch)) for _ in range(options.rounds)]
            took, cpu = (min(column) for column in zip(*rounds, strict=True))
            share = f"{cpu / options.count * 1e6:.0f} µs of CPU each" + (" (both sides)" if ground == "memory" else "")
            print(f"{ground}, least of {options.rounds}, prefetch {prefetch}: {options.count / took:.0f}/s, {share}")


if __name__ == "__main__":
    main()
