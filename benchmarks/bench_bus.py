"""How many round trips a second the buses make: task out, result back, both confirmed, persistent and acknowledged.

`python benchmarks/bench_bus.py` compares, in one run and with one process per side,
- naive: aio_pika as its documentation shows it, a dict per message, one confirm and one ack at a time;
- rabbitmq: our buses;
- memory: our buses on the in-process transport, both sides in one process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import resource
import secrets
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import aio_pika
import structlog
import uvloop

from domain.messages import (
    Context,
    ResultContent,
    ResultMessage,
    ResultMetadata,
    TaskContent,
    TaskMessage,
    TaskMetadata,
)
from domain.ports import AgentBus, Arrival, ControlBus
from messaging import TransportAgentBus, TransportControlBus, memory_transport, rabbit_transport
from messaging.topology import Topology

AGENT = "bench"
PREFETCH = 64
PARAMS = {"text": "the quick brown fox jumps over the lazy dog " * 5}


class SystemClock:
    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    url: str
    prefix: str
    count: int
    window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    name: str
    per_s: float
    latency_ms: float
    control_us: float
    agent_us: float


# --- our buses ------------------------------------------------------------------------------------------------


def attempt(number: int) -> TaskMessage:
    now = datetime.fromtimestamp(time.time(), UTC)
    return TaskMessage(
        task_id=f"BENCH0.n{number}",
        target=AGENT,
        content=TaskContent(action="count", params=PARAMS, context=Context(request="count the words")),
        metadata=TaskMetadata(created_at=now, expire_at=now + timedelta(minutes=10)),
    )


def answer(message: TaskMessage) -> ResultMessage:
    return ResultMessage(
        task_id=message.task_id,
        source=AGENT,
        status="success",
        content=ResultContent(summary="counted", output={"words": 45, "text": "x" * 100}),
        metadata=ResultMetadata(attempt=message.metadata.attempt, exec_id="e" * 16, worker="w1"),
    )


async def control(bus: ControlBus, count: int, window: int) -> None:
    """Keep `window` in flight until `count` are back: settle a batch, publish as many, ack the batch."""
    async with bus.reports() as reports:
        sent = done = 0
        while done < count:
            fresh = [attempt(number) for number in range(sent, min(count, done + window))]
            assert not any(await bus.publish(fresh))
            sent += len(fresh)
            arrivals = await reports.batch(200)
            done += len(arrivals)
            await reports.ack(arrivals)


async def agent(bus: AgentBus, count: int) -> None:
    """Report each as a worker does, on its own; ack what is done together."""
    async with bus.tasks(AGENT, PREFETCH) as tasks:
        done = 0
        while done < count:
            arrivals = await tasks.batch(PREFETCH)
            async with asyncio.TaskGroup() as group:
                for arrival in arrivals:
                    group.create_task(report(bus, arrival))
            await tasks.ack(arrivals)
            done += len(arrivals)


async def report(bus: AgentBus, arrival: Arrival[TaskMessage]) -> None:
    assert isinstance(arrival.message, TaskMessage)
    await bus.report(AGENT, answer(arrival.message))


async def our_control(load: Load) -> None:
    bus = TransportControlBus(rabbit_transport(load.url, "bench control", SystemClock(), load.prefix))
    await bus.declare([AGENT])
    await control(bus, load.count, load.window)
    await bus.close()


async def our_agent(load: Load) -> None:
    bus = TransportAgentBus(rabbit_transport(load.url, "bench agent", SystemClock(), load.prefix))
    await agent(bus, load.count)
    await bus.close()


async def in_process(load: Load) -> None:
    transport = memory_transport(SystemClock())
    async with asyncio.TaskGroup() as group:
        group.create_task(agent(TransportAgentBus(transport), load.count))
        control_bus = TransportControlBus(transport)
        await control_bus.declare([AGENT])
        await control(control_bus, load.count, load.window)


# --- aio_pika as its documentation shows it -------------------------------------------------------------------


async def naive_side(load: Load, queues: tuple[str, str], first: int) -> None:
    """Take from one queue and publish to the other, one by one; `first` messages start it."""
    connection = await aio_pika.connect_robust(load.url)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        exchange = await channel.declare_exchange(f"{load.prefix}naive", aio_pika.ExchangeType.TOPIC, durable=True)
        taken, given = [await channel.declare_queue(f"{load.prefix}{name}", durable=True) for name in queues]
        await taken.bind(exchange, queues[0])
        await given.bind(exchange, queues[1])

        async def give(body: dict[str, Any]) -> None:
            message = aio_pika.Message(json.dumps(body).encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await exchange.publish(message, routing_key=queues[1])

        for number in range(first):
            await give({"taskId": number, "params": PARAMS})
        done, left = 0, load.count - first
        async with taken.iterator() as arriving:
            async for message in arriving:
                async with message.process():
                    body = json.loads(message.body)
                    done += 1
                    if not first or left > 0:
                        left -= 1
                        await give({"taskId": body["taskId"], "params": PARAMS})
                if done == load.count:
                    break


async def naive_control(load: Load) -> None:
    await naive_side(load, ("naive.results", "naive.tasks"), min(load.window, load.count))


async def naive_agent(load: Load) -> None:
    await naive_side(load, ("naive.tasks", "naive.results"), 0)


# --- measuring ------------------------------------------------------------------------------------------------

Side = Callable[[Load], Coroutine[Any, Any, None]]


def run_side(side: Side, load: Load) -> None:
    uvloop.run(side(load))


def timed(sides: tuple[Side, ...], load: Load) -> tuple[float, float, float]:
    """Seconds, and each side's CPU seconds, start-up included on both."""
    others = [multiprocessing.get_context("fork").Process(target=run_side, args=(side, load)) for side in sides[1:]]
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    started, ours = time.perf_counter(), time.process_time()
    for other in others:
        other.start()
    run_side(sides[0], load)
    took, ours = time.perf_counter() - started, time.process_time() - ours
    for other in others:
        other.join()
    return took, ours, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - theirs


def measured(name: str, sides: tuple[Side, ...], load: Load) -> Figures:
    few = timed(sides, part(load, count=1, window=1))[0]  # what connecting and declaring costs
    took, ours, theirs = timed(sides, load)
    alone, *_ = timed(sides, part(load, count=201, window=1))
    return Figures(
        name=name,
        per_s=load.count / (took - few),
        latency_ms=(alone - few) / 200 * 1e3,
        control_us=ours / load.count * 1e6,
        agent_us=theirs / load.count * 1e6,
    )


def part(load: Load, *, count: int, window: int) -> Load:
    return Load(url=load.url, prefix=load.prefix, count=count, window=window)


async def delete(load: Load) -> None:
    topology = Topology(load.prefix)
    control = (topology.star, topology.heartbeats, topology.dead_letters, topology.agent(AGENT))
    names = [queue.name for queue in control]
    connection = await aio_pika.connect(load.url)
    async with connection, connection.channel() as channel:
        for name in (*names, f"{load.prefix}naive.tasks", f"{load.prefix}naive.results"):
            await channel.queue_delete(name)
        for name in (*topology.exchanges, f"{load.prefix}naive"):
            await channel.exchange_delete(name)


KINDS: dict[str, tuple[Side, ...]] = {
    "naive": (naive_control, naive_agent),
    "rabbitmq": (our_control, our_agent),
    "memory": (in_process,),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="amqp://guest:guest@127.0.0.1:5672/")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--window", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    prefix = f"bench-{secrets.token_hex(4)}."
    load = Load(url=options.url, prefix=prefix, count=options.count, window=options.window)
    rows = {name: [measured(name, sides, load) for _ in range(options.rounds)] for name, sides in KINDS.items()}
    uvloop.run(delete(load))
    bare = median(figures.per_s for figures in rows["naive"])
    print(f"{load.count} round trips, {load.window} in flight; median of {options.rounds}")
    print(f"{'':10}{'per s':>8}{'x naive':>9}{'one alone ms':>14}{'control µs':>12}{'agent µs':>10}  (µs of CPU each)")
    for name, figures in rows.items():
        middle = sorted(figures, key=lambda row: row.per_s)[len(figures) // 2]
        print(
            f"{name:10}{middle.per_s:8.0f}{middle.per_s / bare:9.2f}{middle.latency_ms:14.2f}"
            f"{middle.control_us:12.0f}{f'{middle.agent_us:.0f}' if len(KINDS[name]) > 1 else '(both)':>10}"
        )


if __name__ == "__main__":
    main()
