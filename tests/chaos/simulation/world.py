"""A world from a seed: people, processes, chaos for a while, then calm; and what was promised."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import structlog

from agents import presence
from agents.spool import MemorySpool
from domain.task import FINAL_TASK
from tests.chaos.chats.server import CALM, Server
from tests.chaos.simulation import chat, processes
from tests.chaos.simulation.agents import Outside
from tests.chaos.simulation.broker import Broker
from tests.chaos.simulation.chance import Chance
from tests.chaos.simulation.chaos import Chaos
from tests.chaos.simulation.database import WatchedDatabase
from tests.chaos.simulation.life import Process, owned
from tests.chaos.simulation.people import Person, Updates
from tests.chaos.simulation.scripts import Playwright
from tests.chaos.simulation.watch import Watch
from tests.quick_time import QuickLoop
from tests.virtual_time import LoopClock

CHAOS_S = 60.0  # then everything works
RECOVERED_S = 700.0  # and by then everything is answered
QUIET_S = 30.0  # watched on for what comes late
CONTROL_RISK, WORKER_RISK, BOT_RISK = 0.004, 0.01, 0.02


class World:
    """Everything there is.

    Args:
        seed: what decides everything.
        tells: hears every log line, for a story.
    """

    def __init__(self, seed: int, tells: Any = None) -> None:
        self.chance = Chance(seed)
        self.deaths: Counter[str] = Counter()
        self.broken: list[str] = []
        self.now = 0.0
        self._tells = tells

    def run(self) -> list[str]:
        """Let it happen. Returns every promise that was broken."""
        gc.disable()  # half of a world is rubbish in the end, and goes at once
        loop = QuickLoop()
        owned(loop)
        loop.set_exception_handler(self._complained)
        try:
            with self._listening(), _unhurried():
                loop.run_until_complete(self._happens())
                self.now = loop.time()
        finally:
            loop.close()
            gc.enable()
        return self.broken

    async def _happens(self) -> None:
        self._begin()
        asking = [asyncio.ensure_future(person.lives(self.chance.between(0, CHAOS_S / 2))) for person in self.people]
        chaos = asyncio.ensure_future(self._chaos())
        await self._until_over()
        for process in self.processes:
            process.end()
        for task in (*asking, chaos):
            task.cancel()
        await asyncio.sleep(0.1)
        self._judge()

    def _begin(self) -> None:
        chance, clock = self.chance, LoopClock()
        self.database = WatchedDatabase()
        self.outside = Outside()
        self.watch = Watch(self.database, self.outside)
        self.broker = Broker(clock, chance)
        updates = Updates(chance)
        self.server = Server(chance.random, chat.TRAITS, chat.LIMITS, chat.RISKS, lambda *_: None)
        self.people = [Person(number, updates, self.database, clock) for number in range(3)]
        self.around = processes.Surroundings(
            chance=chance,
            clock=clock,
            broker=self.broker,
            database=self.database,
            outside=self.outside,
            updates=updates,
            server=self.server,
            scripts={person.request: Playwright(chance).script() for person in self.people},
            deadline_s=chance.choice((40.0, 90.0, 3600.0, 3600.0)),
            is_shown=chance.happens(0.35),
        )
        self._populate()

    def _populate(self) -> None:
        chance, around = self.chance, self.around
        mains: list[tuple[str, Any, float]] = [
            (f"control{number}", partial(processes.control, around), CONTROL_RISK)
            for number in range(chance.choice((1, 1, 1, 2)))
        ]
        mains += [
            (f"bot{number}", partial(processes.bot, around), BOT_RISK) for number in range(chance.choice((1, 1, 2)))
        ]
        mains += [
            (f"w{number}", partial(processes.worker, around, MemorySpool()), WORKER_RISK)
            for number in range(chance.choice((2, 3)))
        ]
        mains.append(("foreign", partial(processes.foreign, around), WORKER_RISK))
        self.processes = [Process(name, main, chance, risk) for name, main, risk in mains]

    async def _chaos(self) -> None:
        await Chaos(self.chance, self.broker, self.database, self.processes).lasts(CHAOS_S)
        self.server.risks = CALM

    async def _until_over(self) -> None:
        loop = asyncio.get_running_loop()
        over_at = CHAOS_S + RECOVERED_S
        while loop.time() < over_at and not self._is_broken():
            await asyncio.sleep(2.0)
            if self.chance.is_calm and self._is_settled():
                over_at = min(over_at, loop.time() + QUIET_S)

    def _is_broken(self) -> bool:
        """Whether something was seen that makes going on pointless."""
        return bool(self.broken or self.watch.broken or any(process.failures for process in self.processes))

    def _is_settled(self) -> bool:
        tasks = list(self.database.tasks.values())
        is_told = not self.around.is_shown or all(shown.delivered_at for shown in self.database.shown.values())
        return len(tasks) >= len(self.people) and is_told and all(task.state in FINAL_TASK for task in tasks)

    def _judge(self) -> None:
        for process in self.processes:
            self.broken += process.failures
            self.deaths[process.name] += process.deaths
        self.broken += self.watch.broken
        if not self.broken:  # else it was not let go on
            self.broken += self.watch.at_the_end(person.request for person in self.people)
            self.broken += chat.untold(self.database, self.server) if self.around.is_shown else []

    # --- what is said -------------------------------------------------------------------------------------------------

    def _complained(self, _loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and not isinstance(error, asyncio.CancelledError):
            self.broken.append(f"nobody heard {error!r}")

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Log lines go to whoever wants the story; an error that was only logged is a promise broken."""
        kept = structlog.get_config()
        level = 10 if self._tells else 40
        structlog.configure(
            processors=[structlog.contextvars.merge_contextvars, self._heard],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            cache_logger_on_first_use=False,
        )
        try:
            yield
        finally:
            structlog.configure(**kept)

    def _heard(self, _logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        if self._tells is not None:
            self._tells(asyncio.get_running_loop().time(), method, event)
        if method in ("error", "exception", "critical"):
            self.broken.append(f"logged {event}")
        raise structlog.DropEvent


@contextmanager
def _unhurried() -> Iterator[None]:
    """An idle worker looks at its connection every second: more than anything else that happens while nothing does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presence, "WATCH_S", 4.0)
        yield
