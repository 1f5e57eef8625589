"""What goes wrong, each for as long as the load lasts."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.chaos.real.installation import Blow, Installation
from tests.chaos.real.services import Postgres, Rabbit
from tests.tcp_proxy import TcpProxy
from tests.telegram_server import TelegramServer, Trouble


@dataclass(frozen=True, kw_only=True)
class Field:
    """What faults happen to. `done` counts them by what they were."""

    installation: Installation
    broker: Rabbit
    database: Postgres
    telegram: TelegramServer
    proxies: Mapping[str, TcpProxy]
    chance: random.Random
    done: dict[str, int] = field(default_factory=dict)
    outages: list[tuple[datetime, datetime]] = field(default_factory=list)

    def count(self, what: str) -> None:
        self.done[what] = self.done.get(what, 0) + 1

    @contextmanager
    def uncertain(self, it_is: bool = True) -> Iterator[None]:  # noqa: FBT001, FBT002 -- reads as a sentence
        """What the bot sends meanwhile may be sent without anybody writing that down."""
        since = self.telegram.world.now()
        try:
            yield
        finally:
            if it_is:
                self.outages.append((since - BEFORE, self.telegram.world.now() + AFTER))

    @contextmanager
    def hitting(self, pid: int | None) -> Iterator[None]:
        """A process (None: any) cannot go on meanwhile."""
        since = time.monotonic()
        try:
            yield
        finally:
            self.installation.blows.append(Blow(since, time.monotonic(), pid))

    async def heal(self) -> None:
        """All is well again, at once."""
        self.telegram.faults.clear()
        for proxy in self.proxies.values():
            proxy.heal()
        for place in self.installation.places.values():
            place.send(signal.SIGCONT)
        await self.broker.start()
        with self.uncertain(not await self.database.answers()):
            await self.database.start()
        if "memory alarm" in self.done:
            await self.broker.alarm(0.4)


Fault = Callable[[Field], Awaitable[None]]
BEFORE, AFTER = timedelta(seconds=1), timedelta(seconds=5)  # what was sent may be written down that much later
Between = tuple[float, float]  # seconds, at least and at most


def kills(kind: str, every: Between) -> Fault:
    """kill -9 of a process of this kind, any that works."""

    async def fault(field: Field) -> None:
        while True:
            await field.installation.working(kind)
            await asyncio.sleep(field.chance.uniform(*every))
            place = field.chance.choice(await field.installation.working(kind))
            with field.uncertain(kind in {"bot", "all"}):
                field.installation.kill(place)
                field.count(f"{kind} killed")

    return fault


def zombies(kind: str, every: Between, asleep: Between) -> Fault:
    """A process of this kind stands still, for longer than its lease lasts, and goes on as if nothing had been."""

    async def fault(field: Field) -> None:
        while True:
            await asyncio.sleep(field.chance.uniform(*every))
            place = field.chance.choice(await field.installation.working(kind))
            if not place.send(signal.SIGSTOP):
                continue
            field.count(f"{kind} stopped")
            with field.hitting(place.process.pid if place.process else 0):
                await asyncio.sleep(field.chance.uniform(*asleep))
            place.send(signal.SIGCONT)

    return fault


def broker_crashes(every: Between, down: Between = (0.0, 0.0)) -> Fault:
    """kill -9 of the broker."""

    async def fault(field: Field) -> None:
        while True:
            await asyncio.sleep(field.chance.uniform(*every))
            await field.broker.crash()
            field.count("broker killed")
            await asyncio.sleep(field.chance.uniform(*down))
            await field.broker.start()

    return fault


def broker_emptied(every: Between) -> Fault:
    """Every queue deleted, or the whole virtual host, in turn."""

    async def fault(field: Field) -> None:
        while True:
            await asyncio.sleep(field.chance.uniform(*every))
            field.count("queues deleted")
            await field.broker.delete_queues()
            await asyncio.sleep(field.chance.uniform(*every))
            field.count("vhost deleted")
            await field.broker.delete_vhost()

    return fault


def broker_alarms(every: Between, lasting: Between) -> Fault:
    """The broker is out of memory: it blocks every publisher."""

    async def fault(field: Field) -> None:
        while True:
            await asyncio.sleep(field.chance.uniform(*every))
            await field.broker.alarm(0.00001)
            field.count("memory alarm")
            await asyncio.sleep(field.chance.uniform(*lasting))
            await field.broker.alarm(0.4)

    return fault


def database_stops(every: Between, down: Between = (0.0, 5.0)) -> Fault:
    """The database breaks off, and comes back."""

    async def fault(field: Field) -> None:
        while True:
            await asyncio.sleep(field.chance.uniform(*every))
            with field.uncertain():
                await field.database.crash()
                field.count("database stopped")
                await asyncio.sleep(field.chance.uniform(*down))
                await field.database.start()

    return fault


def network(every: Between, lasting: Between) -> Fault:
    """One of the ways to database, broker, chat and model: reset, a black hole, slow, cut to pieces, half open."""

    async def fault(field: Field) -> None:
        ways = list(_WAYS)
        while True:
            for name in field.chance.sample(list(field.proxies), len(field.proxies)):
                await asyncio.sleep(field.chance.uniform(*every))
                way = ways[field.done.get("network fault", 0) % len(ways)]
                field.count("network fault")
                with field.uncertain(name in {"chat", "database"}), field.hitting(None):
                    await _WAYS[way](field.proxies[name], field.chance.uniform(*lasting))

    return fault


async def _reset(proxy: TcpProxy, lasting_s: float) -> None:
    proxy.is_open = False
    proxy.cut()
    await asyncio.sleep(lasting_s)
    proxy.is_open = True


async def _black_hole(proxy: TcpProxy, lasting_s: float) -> None:
    proxy.flows.clear()
    await asyncio.sleep(lasting_s)
    proxy.flows.set()


async def _slow(proxy: TcpProxy, lasting_s: float) -> None:
    proxy.latency_s = 0.2
    await asyncio.sleep(lasting_s)
    proxy.latency_s = 0.0


async def _slices(proxy: TcpProxy, lasting_s: float) -> None:
    proxy.slice_bytes = 7
    await asyncio.sleep(lasting_s)
    proxy.slice_bytes = 0


async def _half_open(proxy: TcpProxy, lasting_s: float) -> None:
    proxy.is_half_open = True
    await asyncio.sleep(lasting_s)
    proxy.cut()  # a stream that lost bytes in its midst is of no use to anybody
    proxy.is_half_open = False


_WAYS = {"reset": _reset, "black hole": _black_hole, "slow": _slow, "slices": _slices, "half open": _half_open}


async def bad_chat(field: Field) -> None:
    """One call in ten of the chat is refused, one in ten takes effect without an answer, one in twenty is too many."""
    troubles = [(Trouble.ERROR, 0.1), (Trouble.RESET_AFTER, 0.1), (Trouble.TOO_MANY, 0.05)]
    for trouble, share in troubles:
        for method in ("sendMessage", "editMessageText"):
            field.telegram.faults.add(
                trouble, method, times=None, when=lambda _, share=share: field.chance.random() < share
            )
    await asyncio.Event().wait()


def rolling(pause_s: float) -> Fault:
    """A deploy: one process after another is asked to end, and another one takes its place."""

    async def fault(field: Field) -> None:
        while True:
            for place in list(field.installation.places.values()):
                await place.replaced()
                field.count("process replaced")
                await asyncio.sleep(pause_s)

    return fault
