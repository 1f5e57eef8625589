"""What a worker says about itself: who it is, what it can do, that it is alive and what it still works on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import structlog

from agents.leases import Leases
from agents.surroundings import Identity, Limits, Ports
from domain.errors import Unavailable
from domain.messages import Heartbeat, Hello, Holding, ParamEntry, SkillEntry
from domain.skill import SkillSpec

log = structlog.get_logger()

WATCH_S = 1.0  # how often to see whether the connection is a new one
STOPPED = "stopped"  # a worker's last word
MAX_HOLDING = 1024  # leases one heartbeat may list


def entry(spec: SkillSpec) -> SkillEntry:
    """A skill as the wire announces it."""
    return SkillEntry(
        name=spec.name,
        description=spec.description,
        params=[
            ParamEntry(
                name=param.name,
                type=param.type.value,
                description=param.description,
                required=param.required,
                default=param.default,
                choices=list(param.choices),
            )
            for param in spec.params
        ],
        output_schema=dict(spec.output_schema),
        effect=spec.effect.value,
        timeout_s=spec.timeout_s,
        max_attempts=spec.max_attempts,
        keywords=list(spec.keywords),
        examples=list(spec.examples),
        open_params=spec.open_params,
        aliases=list(spec.aliases),
        cache_s=spec.cache_s,
    )


class Presence:
    """The two loops by which the control plane knows a worker."""

    def __init__(self, identity: Identity, ports: Ports, limits: Limits, specs: Iterable[SkillSpec]) -> None:
        self._identity = identity
        self._ports = ports
        self._limits = limits
        self._hello = Hello(
            agent=identity.agent,
            worker=identity.worker,
            incarnation=identity.incarnation,
            slots=limits.slots,
            skills=[entry(spec) for spec in specs],
        )

    async def announce(self) -> None:
        """Say hello now, after every reconnect, and every `hello_s`."""
        while True:
            said_to = self._ports.bus.connection()
            if await self._say_hello():
                again_at = self._ports.clock.now() + timedelta(seconds=self._limits.hello_s)
                while self._ports.bus.connection() == said_to and self._ports.clock.now() < again_at:
                    await self._ports.clock.sleep(WATCH_S)
            else:
                await self._ports.clock.sleep(WATCH_S)

    async def beat(self, leases: Leases) -> None:
        """Send a sign of life every `beat_s`."""
        while True:
            for heartbeat in self._heartbeats(leases.holding(), [execution.message.task_id for execution in leases]):
                await self._ports.bus.beat(heartbeat)
            await self._ports.clock.sleep(self._limits.beat_s)

    async def leave(self) -> None:
        """Say good-bye, so that nobody counts on this worker any longer."""
        (heartbeat,) = self._heartbeats([], [])
        await self._ports.bus.beat(heartbeat.model_copy(update={"status": STOPPED}))

    async def _say_hello(self) -> bool:
        try:
            await self._ports.bus.report(self._identity.agent, self._hello)
        except Unavailable as error:
            log.warning("hello_unconfirmed", agent=self._identity.agent, error=error.key)
            return False
        return True

    def _heartbeats(self, holding: list[Holding], running: list[str]) -> Iterable[Heartbeat]:
        for start in range(0, max(1, len(holding)), MAX_HOLDING):
            yield Heartbeat(
                agent=self._identity.agent,
                status="busy" if running else "idle",
                current_task=running[0] if running else None,
                timestamp=self._ports.clock.now(),
                worker=self._identity.worker,
                incarnation=self._identity.incarnation,
                holding=holding[start : start + MAX_HOLDING],
            )
