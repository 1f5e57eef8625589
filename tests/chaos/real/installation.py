"""The processes of an installation, and somebody who starts them again, as systemd or Docker would."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.chaos.real.program import start

AGAIN_S = 0.1
END_S = 60.0
READY = (b'"event": "serving"', b'"event": "worker_started"')
READY_S = 120.0
GIVEN_UP = ("lead_lost", "delivery_failed")
STARVED = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Blow:
    """When a process (None: any) was killed, or from when to when it could not go on."""

    at: float
    until: float
    pid: int | None
    is_kill: bool = False


class Place:
    """One process, over and over. `ends` are the exit codes of those that were not killed."""

    def __init__(self, name: str, args: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.starts = 0
        self.ends: list[int] = []
        self._args = args
        self._folder = folder
        self._environment = environment
        self._log = folder / f"{name}.log"
        self._log_from = 0
        self._is_ending = False
        self._is_over = asyncio.Event()
        self.process: ForkServerProcess | None = None

    async def keep(self) -> None:
        """Start it, and again whenever it ends, until it is to end."""
        while not self._is_ending:
            self._log_from = self._log.stat().st_size if self._log.exists() else 0
            self.process = start(self._args, self._folder, self._environment, self._log)
            self.starts += 1
            self._is_over.clear()
            await _ended(self.process)
            self._is_over.set()
            if self.process.exitcode != -signal.SIGKILL:
                self.ends.append(self.process.exitcode or 0)
            await asyncio.sleep(AGAIN_S)

    def send(self, number: signal.Signals) -> bool:
        """Send a signal; whether somebody was there to get it."""
        if self.process is None or self.process.pid is None or not self.process.is_alive():
            return False
        os.kill(self.process.pid, number)
        return True

    async def replaced(self) -> None:
        """Ask it to end in good order; returns once another one has been started."""
        starts = self.starts
        self.send(signal.SIGTERM)
        async with asyncio.timeout(END_S):
            while self.starts == starts:  # noqa: ASYNC110 -- another process sets no event here
                await asyncio.sleep(AGAIN_S)

    async def end(self) -> None:
        """Ask it to end in good order, for good; kill it when it does not."""
        self._is_ending = True
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        try:
            async with asyncio.timeout(END_S):
                if self.process is not None:
                    await self._is_over.wait()
        except TimeoutError:
            self.ends.append(-signal.SIGTERM)
            self.send(signal.SIGKILL)

    @property
    def is_ready(self) -> bool:
        """Whether the present process says that it works."""
        if self.process is None or not self.process.is_alive():
            return False
        said = self._log.read_bytes()[self._log_from :] if self._log.exists() else b""
        return any(word in said for word in READY)

    async def ready(self) -> None:
        """Wait until it works."""
        async with asyncio.timeout(READY_S):
            while not self.is_ready:  # noqa: ASYNC110 -- same
                await asyncio.sleep(AGAIN_S)


class Installation:
    """All of them, by name: `dispatcher-0`, `worker-3`, …"""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        shell = os.environ  # noqa: TID251 -- what a shell hands down
        kept = {name: shell[name] for name in ("PATH", "HOME", "LANG") if name in shell}
        self.folder = folder
        self.places: dict[str, Place] = {}
        self.blows: list[Blow] = []
        self._environment = {**kept, "XINGSHU_LOG_FORMAT": "json", **settings}

    async def working(self, kind: str) -> list[Place]:
        """The places whose name begins so, those where somebody works; waits until there is one."""
        while True:
            found = [place for name, place in self.places.items() if name.startswith(kind) and place.is_ready]
            if found:
                return found
            await asyncio.sleep(AGAIN_S)

    def kill(self, place: Place) -> None:
        """As the machine's power would: no farewell."""
        if place.send(signal.SIGKILL) and place.process is not None:
            now = time.monotonic()
            self.blows.append(Blow(now, now, place.process.pid, is_kill=True))

    def starved(self) -> list[tuple[datetime, datetime]]:
        """When the bot gave up leading, or a call: on a machine that has too much to do that needs no other fault."""
        lines = [line for log in self.folder.glob("*-0.log") for line in log.read_text(errors="replace").splitlines()]
        told = [json.loads(line) for line in lines if any(f'"{word}"' in line for word in GIVEN_UP)]
        times = [datetime.fromisoformat(each["timestamp"]) for each in told if each.get("event") in GIVEN_UP]
        return [(at - STARVED, at + STARVED) for at in times]

    @asynccontextmanager
    async def running(self, wanted: Sequence[tuple[str, Sequence[str]]]) -> AsyncIterator[None]:
        """Keep these processes while the block runs, which begins once all of them work."""
        async with asyncio.TaskGroup() as group:
            for name, args in wanted:
                place = self.places[name] = Place(name, args, self.folder, self._environment)
                group.create_task(place.keep())
            try:
                for place in self.places.values():
                    await place.ready()
                yield
            finally:
                async with asyncio.TaskGroup() as ending:
                    for place in self.places.values():
                        ending.create_task(place.end())


async def _ended(process: ForkServerProcess) -> None:
    """Wait for the end of a process."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(process.sentinel, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(process.sentinel)
    process.join()
