"""Beside a crowd: what a small task waits while somebody's huge plan runs, and what many tasks cost in memory.

    BENCH_AMQP_URL=… BENCH_POSTGRES_URL=… python -m benchmarks.fairness [--quick]

Without RabbitMQ and PostgreSQL only the embedded figures are printed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import uvloop

from app.telemetry import logging_set_up
from benchmarks.dags import machine
from benchmarks.dags.driver import Driver
from benchmarks.dags.ours import commands, deployed, embedded, settings
from benchmarks.dags.places import AMQP_URL, POSTGRES_URL
from benchmarks.dags.table import percentile
from benchmarks.dags.workloads import Dag, plans

STEPS: Dag = ((), (0,), (1,))
FLOOD_OWNER, SMALL_OWNER = "flood", "small"
LOOK_EVERY_S = 0.25


@dataclass(frozen=True)
class Work:
    """What a node of the small tasks and one of the flood take, in seconds."""

    step_s: float
    flood_s: float


WORKS = {"no work": Work(0.0, 0.0), "steps of 100 ms beside nodes of 10 ms": Work(0.1, 0.01)}


async def small_tasks_s(driver: Driver, many: int, seconds: float) -> list[float]:
    """How long three steps take, one task after the other."""
    took: list[float] = []
    for _ in range(many):
        report = await driver.work_through(driver.planned([STEPS], [SMALL_OWNER], seconds), [STEPS], at_once=1)
        assert not report.faults, report.faults
        took += report.latencies_s
    return took


async def beside_a_flood(driver: Driver, work: Work, nodes: int, many: int) -> tuple[list[float], list[float]]:
    """The same alone, and while another user's plan of so many subtasks runs."""
    idle = await small_tasks_s(driver, many, work.step_s)
    flood: Dag = tuple(() for _ in range(nodes))
    tasks = driver.planned([flood], [FLOOD_OWNER], work.flood_s)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(driver.work_through(tasks, [flood], at_once=1))
        await driver.until_begun(tasks[0])
        crowded: list[float] = []
        while not running.done() and len(crowded) < 5 * many:
            crowded += await small_tasks_s(driver, 1, work.step_s)
        if running.done():  # the last small task ran alone
            crowded.pop()
    assert not running.result().faults, running.result().faults[:5]
    return idle, crowded


async def crowd(driver: Driver, pids: Mapping[str, int], tasks: int, users: int) -> tuple[float, Mapping[str, float]]:
    """So many tasks of so many users at once: subtasks per second, and the most memory of each process in MiB."""
    dags = plans("mixed", 7, tasks)
    most: dict[str, float] = {}
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(_watch(pids, most))
        report = await driver.work_through(driver.planned(dags, list(map(str, range(users)))), dags, at_once=tasks)
        watching.cancel()
    assert not report.faults, report.faults[:5]
    return report.subtasks / report.seconds, most


async def _watch(pids: Mapping[str, int], most: dict[str, float]) -> None:
    with suppress(asyncio.CancelledError):
        while True:
            for name, pid in pids.items():
                most[name] = max(most.get(name, 0.0), machine.memory_mib(pid))
            await asyncio.sleep(LOOK_EVERY_S)


def row(title: str, seconds: Sequence[float], idle: Sequence[float]) -> str:
    """A line of the table."""
    p50_ms, p95_ms = (percentile(seconds, percent) * 1e3 for percent in (50, 95))
    ratio, ratio_95 = median(seconds) / median(idle), percentile(seconds, 95) / percentile(idle, 95)
    return f"| {title} | {p50_ms:.0f} / {p95_ms:.0f} | {ratio:.2f} / {ratio_95:.2f} |"


async def measure(title: str, driver: Driver, pids: Mapping[str, int], options: argparse.Namespace) -> None:
    """Both figures of one deployment."""
    print("| three steps, one after the other | p50 / p95 ms | to idle |", "| --- | --- | --- |", sep="\n")
    for name, work in WORKS.items():
        await driver.clear_out()
        idle, crowded = await beside_a_flood(driver, work, options.nodes, options.small)
        print(row(f"{title}, {name}, idle", idle, idle))
        print(row(f"{title}, {name}, beside {options.nodes:,}", crowded, idle))
    rate, most = await crowd(driver, pids, options.tasks, options.users)
    told = ", ".join(f"{name} {mib:.0f}" for name, mib in most.items())
    print(f"{title}: {options.tasks:,} tasks of {options.users} users at once, {rate:,.0f} subtasks/s; MiB: {told}\n")


async def main(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name, logging_set_up(settings(Path(name)), quiet=True):
        folder = Path(name)
        if AMQP_URL and POSTGRES_URL:
            async with deployed(folder, commands(1, 1, None)) as (driver, pids):
                await measure("PostgreSQL, RabbitMQ", driver, pids, options)
        async with embedded(folder) as driver:
            await measure("SQLite, in process", driver, {"all": os.getpid()}, options)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--users", type=int, default=500)
    options = parser.parse_args()
    options.nodes, options.small, options.tasks = (1_000, 5, 500) if options.quick else (10_000, 20, 5_000)
    return options


if __name__ == "__main__":
    uvloop.run(main(parsed()))
