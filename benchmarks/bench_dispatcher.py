"""What a subtask costs the dispatcher's process: CPU of everything between a report's bytes and the next attempt's.

    python -m benchmarks.bench_dispatcher [--tasks 64] [--rounds 4] [--shape mixed]... [sqlite:///path | postgresql://...]...

The real dispatcher, bus and store, and a transport that is a perfect worker: it answers every attempt at once and costs
next to nothing. So the figures hold the decoding, deciding, SQL (this side of it) and encoding of the dispatcher, and
neither broker nor worker. `us` is CPU per subtask of the whole process, `server us` of PostgreSQL's processes.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import uvloop

from app.clock import SystemClock, SystemEntropy
from app.settings import Settings
from app.telemetry import logging_set_up
from benchmarks.bench_store import POSTGRES, fresh
from benchmarks.perfect_worker import PerfectWorker
from dispatcher.policy import Policy
from dispatcher.role import Dispatcher, Outside
from domain import events as e
from domain.messages import Nudge
from domain.plan import Node, Plan
from domain.progress import step
from domain.skill import SkillSpec
from domain.task import Route, Scope, Task
from messaging.bus import TransportControlBus
from storage import SqlStore, open_store

USERS = 50
TEXT = "x" * 150


# --- plans ----------------------------------------------------------------------------------------------------


def node(name: str, *dependencies: str) -> Node:
    return Node(id=name, skill="echo", params={"text": TEXT}, dependencies=dependencies)


def chain(_: random.Random) -> list[Node]:
    return [node(f"n{place}", *([f"n{place - 1}"] if place else [])) for place in range(10)]


def fan(_: random.Random) -> list[Node]:
    middle = [node(f"f{place}", "first") for place in range(48)]
    return [node("first"), *middle, node("last", *(one.id for one in middle))]


def layered(_: random.Random) -> list[Node]:
    return [
        node(f"l{layer}_{place}", *((f"l{layer - 1}_{place}", f"l{layer - 1}_{(place + 1) % 10}") if layer else ()))
        for layer in range(5)
        for place in range(10)
    ]


def diamond(_: random.Random) -> list[Node]:
    return [node("a"), node("b", "a"), node("c", "a"), node("d", "b", "c")]


def mixed(chance: random.Random) -> list[Node]:
    nodes: list[Node] = []
    for place in range(chance.randint(3, 12)):
        before = [one.id for one in chance.sample(nodes, min(place, chance.randint(0, 3)))]
        nodes.append(node(f"m{place}", *before))
    return nodes


def large(_: random.Random) -> list[Node]:
    return [node(f"w{place}", *([f"w{place - 100}"] if place >= 100 else [])) for place in range(10_000)]


SHAPES = {"chain10": chain, "fan50": fan, "layered": layered, "diamond4": diamond, "mixed": mixed, "large": large}
USUAL = ("chain10", "fan50", "layered", "diamond4", "mixed")


def planned(number: int, nodes: Sequence[Node]) -> Task:
    now = datetime.now(UTC)  # noqa: TID251 -- the dispatcher's clock is the machine's too
    owner = str(number % USERS)
    task = Task(
        id=f"B{number:05d}",
        scope=Scope(tenant="main", owner=f"bench:{owner}"),
        route=Route(platform="bench", bot_id="1", chat_id=owner),
        request="benchmark",
        language="en",
        trace_id="0af7651916cd43dd8448eb211c80319c",
        created_at=now,
        deadline_at=now + timedelta(hours=1),
    )
    return step(task, e.Planned(plan=Plan(nodes=tuple(nodes), max_nodes=20_000), at=now))[0]


# --- measuring ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Figures:
    subtasks: int
    seconds: float
    cpu_s: float
    server_s: float
    mean_batch: float

    def told(self) -> str:
        each = 1e6 / self.subtasks
        return (
            f"{self.subtasks / self.seconds:6.0f}/s  {self.cpu_s * each:4.0f} us"
            f"  server {self.server_s * each:4.0f} us  batch {self.mean_batch:4.0f}"
        )


async def measure(store: SqlStore, url: str, shape: str, how: tuple[int, int]) -> Figures:
    """Rounds of tasks at once, all of one shape; only the time between the nudge and the last settled one counts."""
    worker, clock = PerfectWorker(), SystemClock()
    outside = Outside(store=store, bus=TransportControlBus(worker), clock=clock, entropy=SystemEntropy())
    dispatcher = Dispatcher(outside, Policy(), [("echo", SkillSpec(name="echo", description="says it again"))])
    async with asyncio.TaskGroup() as group:
        running = group.create_task(dispatcher.run())
        figures = [await one_round(store, worker, url, tasks) for tasks in rounds_of(shape, *how)]
        running.cancel()
    total = [sum(parts) for parts in zip(*figures, strict=True)]
    mean_batch = sum(worker.batches) / len(worker.batches)
    return Figures(subtasks=int(total[0]), seconds=total[1], cpu_s=total[2], server_s=total[3], mean_batch=mean_batch)


def rounds_of(shape: str, count: int, rounds: int) -> Iterator[list[Task]]:
    chance = random.Random(1)  # noqa: S311 -- the same plans every time
    for number in range(rounds):
        yield [planned(number * count + place, SHAPES[shape](chance)) for place in range(count)]


async def one_round(
    store: SqlStore, worker: PerfectWorker, url: str, tasks: Sequence[Task]
) -> tuple[int, float, float, float]:
    """Subtasks, seconds, seconds of CPU here, and at the server."""
    await store.transact(lambda unit: [unit.tasks.add(task) for task in tasks])
    gc.collect()
    before = time.perf_counter(), time.process_time(), server_cpu_s(url)
    awaited = worker.settled + len(tasks)
    worker.nudge(Nudge(kind="planned", task_id=tasks[0].id))
    await worker.wait(awaited)
    spent = time.perf_counter() - before[0], time.process_time() - before[1]
    return sum(len(task.subtasks) for task in tasks), *spent, server_cpu_s(url) - before[2]


def server_cpu_s(url: str) -> float:
    """Seconds that PostgreSQL's connections to this database took, where they run on this machine."""
    if not url.startswith("postgresql"):
        return 0.0
    with psycopg.connect(url, autocommit=True) as connection:
        pids = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'bench_hot'").fetchall()
    return sum(_cpu_s(pid) for (pid,) in pids)


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure_all(url: str, shapes: Sequence[str], how: tuple[int, int]) -> None:
    for shape in shapes:
        own = fresh(url)
        named = f"{own}&application_name=bench_hot" if own.startswith("postgresql") else own
        store = open_store(named, SystemClock())
        print(f"{url.partition(':')[0]:10}  {shape:8}  {(await measure(store, url, shape, how)).told()}", flush=True)
        await store.close()


def main() -> None:
    reader = argparse.ArgumentParser()
    reader.add_argument("urls", nargs="*")
    reader.add_argument("--tasks", type=int, default=64)
    reader.add_argument("--rounds", type=int, default=4)
    reader.add_argument("--shape", action="append", choices=SHAPES)
    told = reader.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for place, url in enumerate(told.urls or [f"sqlite:///{folder}/bench.db", POSTGRES]):
            shapes = told.shape or USUAL
            for shape in shapes:
                own = f"sqlite:///{folder}/{place}{shape}.db" if url.startswith("sqlite") else url
                with logging_set_up(Settings(XINGSHU_LOG_FILE=Path(folder) / "log")):
                    uvloop.run(measure_all(own, [shape], (told.tasks, told.rounds)))


if __name__ == "__main__":
    main()
