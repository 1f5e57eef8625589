"""A watch over what waits for each agent: a line in the log when something gets stuck, and when it moves again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NoReturn

import structlog

from domain.agents import SILENCE
from domain.backlog import Backlog, Trouble, trouble, with_depths
from domain.errors import Unavailable
from domain.ports import Clock, ControlBus, Store, UnitOfWork

log = structlog.get_logger()

EVERY_S = 10.0


class Watch:
    """Looks every ten seconds. Each dispatcher does so for itself: a line twice is better than none.

    Args:
        store: where attempts are.
        bus: the broker, for what it has in its queues.
        clock: the time.
        limit_s: how long an attempt may wait before that is said, in seconds.
    """

    def __init__(self, store: Store, bus: ControlBus, clock: Clock, limit_s: float) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._limit_s = limit_s
        self._told: dict[str, Trouble] = {}

    async def run(self) -> NoReturn:
        """Look until cancelled; not at once, for those that started with this process have not said hello yet."""
        while True:
            await self._clock.sleep(EVERY_S)
            try:
                await self.look()
            except Unavailable as error:
                log.info("backlog_unknown", error=str(error))

    async def look(self) -> Mapping[str, Trouble]:
        """Say what has changed since the last look; the agents that are in trouble."""
        now = self._clock.now()
        backlogs, alive = await self._store.transact(lambda uow: backlogs_of(uow, now))
        depths = await self._bus.depths({backlog.agent for backlog in backlogs} | alive)
        found = with_depths(backlogs, depths)
        troubles = {one.agent: ill for one in found if (ill := trouble(one, alive, now, self._limit_s))}
        for backlog in found:
            ill = troubles.get(backlog.agent)
            if ill is not None and self._told.get(backlog.agent) is not ill:
                log.warning("backlog_stuck", trouble=ill.value, **_figures(backlog, now))
        for agent in self._told.keys() - troubles.keys():
            log.info("backlog_moves", agent=agent)
        self._told = troubles
        return troubles


def backlogs_of(uow: UnitOfWork, now: datetime) -> tuple[list[Backlog], set[str]]:
    """What waits, and for whom there was a sign of life."""
    return uow.registry.backlogs(), {worker.agent for worker in uow.registry.alive(now - SILENCE)}


def _figures(backlog: Backlog, now: datetime) -> dict[str, object]:
    return {
        "agent": backlog.agent,
        "sent": backlog.sent,
        "running": backlog.running,
        "waited_s": round(backlog.waited_s(now)),
        "queued": backlog.depth and backlog.depth.messages,
        "consumers": backlog.depth and backlog.depth.consumers,
    }
