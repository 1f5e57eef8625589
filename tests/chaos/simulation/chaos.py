"""What goes wrong on purpose, besides the small misfortunes that lie at every await."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import structlog

from tests.chaos.simulation.broker import Broker
from tests.chaos.simulation.chance import Chance
from tests.chaos.simulation.database import WatchedDatabase
from tests.chaos.simulation.life import Process

log = structlog.get_logger()


class Chaos:
    """Strikes one thing after the other."""

    def __init__(self, chance: Chance, broker: Broker, database: WatchedDatabase, processes: Sequence[Process]) -> None:
        self._chance = chance
        self._broker = broker
        self._database = database
        self._processes = processes
        self._kinds: Mapping[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "broker stops": self._broker_stops,
            "database stops": self._database_stops,
            "a queue is deleted": self._queue_is_deleted,
            "lines break": self._lines_break,
            "a process stands still": self._stands_still,
            "a process is killed": self._is_killed,
            "a process is replaced": self._is_replaced,
        }

    async def lasts(self, seconds: float) -> None:
        """Then it is over."""
        over_at = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < over_at:
            await asyncio.sleep(self._chance.between(3, 22))
            kind = self._chance.choice(tuple(self._kinds))
            log.info("chaos", what=kind)
            await self._kinds[kind]()
        log.info("calm")
        self._chance.is_calm = True

    async def _broker_stops(self) -> None:
        self._broker.goes_down()
        await asyncio.sleep(self._chance.between(0.1, 12))
        self._broker.comes_up(empty=self._chance.happens(0.3))

    async def _database_stops(self) -> None:
        self._database.is_up = False
        await asyncio.sleep(self._chance.between(0.1, 8))
        self._database.is_up = True

    async def _queue_is_deleted(self) -> None:
        self._broker.loses_a_queue()

    async def _lines_break(self) -> None:
        for line in tuple(self._broker.lines):
            if line.is_there and self._chance.happens(0.5):
                line.breaks_for_a_while()

    async def _stands_still(self) -> None:
        """As by SIGSTOP: its connection is lost, and one day it goes on as if nothing had been."""
        life = self._chance.choice(self._processes).life
        life.freeze(self._chance.between(20, 80))
        for line in tuple(self._broker.lines):
            if line.life is life and line.is_there:
                line.breaks_for_a_while()

    async def _is_killed(self) -> None:
        self._chance.choice(self._processes).life.end()

    async def _is_replaced(self) -> None:
        """As by SIGTERM, when a newer one is to take its place."""
        life = self._chance.choice(self._processes).life
        if life.leaves is not None and not life.is_over:
            life.adopt(asyncio.ensure_future(life.leaves()))
