"""A worker: one agent's skills, run for whoever sends it attempts over the broker."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

import structlog

from agents.consumption import Consumption
from agents.execution import Cut, Desk
from agents.leases import Leases
from agents.presence import Presence
from agents.reporter import Reporter
from agents.skill import Skill
from agents.surroundings import Identity, Limits, Ports
from domain.errors import Malformed, Unavailable
from domain.lives import incarnation

log = structlog.get_logger()

RECONNECT_PAUSE_S = 1.0
UNSENT_S = 5.0  # a result that nobody takes keeps no worker silent for longer
ORDERS_AT_ONCE = 64


def worker_name(host: str, agent: str, place: str) -> str:
    """A name that stays the same over restarts, as `place` does: which worker of `agent` on `host` it is."""
    return re.sub(r"[^\w-]+", "-", f"{host}-{agent}-{place}").strip("-")


class Worker:
    """Consumes an agent's queue and runs its skills until drained.

    Args:
        agent: whose queue.
        name: what this worker is called, the same over restarts (`worker_name`).
        skills: what it can do, by name.
        ports: what it reaches the world through.
        limits: how it paces itself.
    """

    def __init__(
        self, agent: str, name: str, skills: Mapping[str, Skill], ports: Ports, limits: Limits | None = None
    ) -> None:
        self.agent = agent
        self.name = name
        self._skills = skills
        self._ports = ports
        self._limits = limits or Limits()
        self._is_draining = asyncio.Event()
        self._has_left = asyncio.Event()
        self._has_left.set()

    async def run(self) -> None:
        """Work until drained. After a failure it may be called again, as another incarnation."""
        life = incarnation(self._ports.clock.now(), self._ports.entropy.bits(16))
        identity = Identity(agent=self.agent, worker=self.name, incarnation=life)
        log.info("worker_started", agent=self.agent, worker=self.name, skills=sorted(self._skills))
        self._has_left.clear()
        try:
            await _Shift(identity, self._skills, self._ports, self._limits).work_until(self._is_draining)
        finally:
            self._has_left.set()
        log.info("worker_left", agent=self.agent, worker=self.name)

    async def drain(self) -> None:
        """Take nothing more, let running work finish for a grace period, hand back the rest; returns when `run` has."""
        self._is_draining.set()
        await self._has_left.wait()


class _Shift:
    """One incarnation of a worker, from its first hello to its last heartbeat."""

    def __init__(self, identity: Identity, skills: Mapping[str, Skill], ports: Ports, limits: Limits) -> None:
        self._identity = identity
        self._ports = ports
        self._limits = limits
        self._leases = Leases()
        self._reporter = Reporter(identity, ports)
        self._presence = Presence(identity, ports, limits, [skill.spec for skill in skills.values()])
        desk = Desk(skills=skills, reporter=self._reporter, limits=limits)
        self._consumption = Consumption(identity, ports, desk, self._leases)
        self._is_listening = asyncio.Event()
        self._has_sent = asyncio.Event()

    async def work_until(self, is_draining: asyncio.Event) -> None:
        """Do everything a worker does until the event is set, then leave in good order."""
        loops = (
            self._announce(),
            self._presence.beat(self._leases),
            self._obey_orders(),
            self._send_unsent(),
        )
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(loop) for loop in loops]
            working = group.create_task(self._work())
            await is_draining.wait()
            await self._wind_down(working)
            for task in (*tasks, working):
                task.cancel()
        await self._presence.leave()

    async def _announce(self) -> None:
        """Say hello once this worker's orders come here: the broker gives that queue to one alone, so nobody who still
        lives under this name loses a lease by it."""
        await self._is_listening.wait()
        if not self._has_sent.is_set():
            await self._until_unsent_is_sent()
        await self._presence.announce()

    async def _send_unsent(self) -> None:
        await self._reporter.send_unsent()
        self._has_sent.set()

    async def _until_unsent_is_sent(self) -> None:
        """The hello ends the leases of this worker's last life, so what that life finished has to arrive before it."""
        async with asyncio.TaskGroup() as group:
            ends = {group.create_task(self._has_sent.wait()), group.create_task(self._ports.clock.sleep(UNSENT_S))}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()

    async def _work(self) -> None:
        """Consume until stopped; over when all that was begun is."""
        await self._is_listening.wait()
        async with asyncio.TaskGroup() as executions:
            await self._consumption.run(executions)

    async def _wind_down(self, working: asyncio.Task[None]) -> None:
        self._consumption.stop()
        if not self._is_listening.is_set():
            working.cancel()
        await asyncio.wait({working}, timeout=self._limits.grace_s)
        for execution in self._leases:
            execution.cut(Cut.DRAINING)
        await asyncio.wait({working}, timeout=self._limits.farewell_s)
        if not working.done():
            log.warning("worker_leaves_work", agent=self._identity.agent, running=len(list(self._leases)))

    async def _obey_orders(self) -> None:
        while True:
            try:
                async with self._ports.bus.orders(self._identity.agent, self._identity.worker) as orders:
                    self._is_listening.set()
                    while True:
                        for arrival in await orders.batch(ORDERS_AT_ONCE):
                            if not isinstance(arrival.message, Malformed):
                                self._leases.obey(arrival.message)
            except Unavailable as error:
                log.warning("orders_interrupted", agent=self._identity.agent, error=error.key)
                await self._ports.clock.sleep(RECONNECT_PAUSE_S)
