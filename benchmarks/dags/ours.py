"""Xingshu itself: the real dispatcher and the real `echo` worker, in processes of their own or all in one.

python -m benchmarks.dags.ours [--dispatchers N] [--workers N] [--concurrency N]
python -m benchmarks.dags.ours --embedded
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvloop

from app.roles import performing, roles_missing
from app.settings import Settings, load
from app.telemetry import logging_set_up
from app.wiring import House, house
from benchmarks.dags.driver import Driver
from benchmarks.dags.places import AMQP_URL, POSTGRES_URL, child_environment
from benchmarks.dags.protocol import obey

XINGSHU = Path(sys.executable).parent / "xingshu"
ROLES = ("dispatcher", "agents")


def commands(dispatchers: int, workers: int, concurrency: int | None) -> Mapping[str, list[str]]:
    """What to start, by a name for its figures."""
    width = [] if concurrency is None else ["--concurrency", str(concurrency)]
    serving = {f"dispatcher {number}": ["serve", "--role", "dispatcher"] for number in range(1, dispatchers + 1)}
    return serving | {f"worker {number}": ["worker", "echo", *width] for number in range(1, workers + 1)}


@contextmanager
def started(folder: Path, wanted: Mapping[str, list[str]]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Real processes of Xingshu; stopped in good order on the way out."""
    running = {name: _start(folder, name, arguments) for name, arguments in wanted.items()}
    try:
        yield running
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait(40)


def _start(folder: Path, name: str, arguments: list[str]) -> subprocess.Popen[bytes]:
    environment = child_environment(
        AMQP_URL=AMQP_URL,
        DATABASE_URL=database_url("ours"),
        XINGSHU_LOG_LEVEL="warning",
        XINGSHU_SPOOL=str(folder / f"{name}.spool.db"),
        XINGSHU_WORKSPACE=str(folder),
    )
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen([XINGSHU, *arguments], cwd=folder, env=environment, stderr=log)


def database_url(name: str) -> str:
    """The database, and a name by which the server knows whose connections those are."""
    return f"{POSTGRES_URL}{'&' if '?' in POSTGRES_URL else '?'}application_name=bench_{name}"


def settings(folder: Path, **changes: str) -> Settings:
    """Settings that owe nothing to where the benchmark runs."""
    return load(_env_file=None, XINGSHU_WORKSPACE=folder, XINGSHU_AGENTS="echo", **changes)


async def until_performed(here: House) -> None:
    """Wait for the processes."""
    async with asyncio.timeout(60):
        while await roles_missing(here, ROLES):  # noqa: ASYNC110 -- what other processes do sets no event here
            await asyncio.sleep(0.1)


@asynccontextmanager
async def deployed(folder: Path, wanted: Mapping[str, list[str]]) -> AsyncIterator[tuple[Driver, Mapping[str, int]]]:
    """A driver of processes that are up, and their ids."""
    given = settings(folder, AMQP_URL=AMQP_URL, DATABASE_URL=database_url("driver"))
    async with house(given) as here:
        driver = Driver(here.store, here.control_bus, here.clock)  # migrates, before many would
        with started(folder, wanted) as running:
            await until_performed(here)
            pids = {name: process.pid for name, process in running.items()}
            yield driver, pids


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[Driver]:
    """A driver of a dispatcher and a worker in this very process, on SQLite."""
    given = settings(folder, DATABASE_URL=f"sqlite:///{folder}/bench.db")
    async with house(given) as here, performing(here, ROLES):
        yield Driver(here.store, here.control_bus, here.clock)


async def main(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name, logging_set_up(settings(Path(name)), quiet=True):
        folder = Path(name)
        if arguments.embedded:
            async with embedded(folder) as driver:
                await obey(driver.perform, {})
        else:
            wanted = commands(arguments.dispatchers, arguments.workers, arguments.concurrency)
            async with deployed(folder, wanted) as (driver, pids):
                await obey(driver.perform, pids)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embedded", action="store_true")
    parser.add_argument("--dispatchers", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--concurrency", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(main(parsed()))
