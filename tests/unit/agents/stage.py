"""A worker on stage: scripted skills, a broker in memory, time that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from agents.skill import Call
from agents.spool import MemorySpool, Spool
from agents.surroundings import Limits, Ports
from agents.worker import Worker
from domain.skill import SkillSpec
from domain.task import Result
from tests.fakes import CountingEntropy, FakeClock
from tests.fakes_bus import FakeAgentBus

# Nothing outlasts `quick_s` and every wait is long, unless a test says otherwise.
CALM = Limits(slots=2, prefetch=8, quick_s=30.0, grant_s=30.0, grace_s=5.0, farewell_s=5.0, sweep_s=0.001)
LASTING = Limits(slots=2, prefetch=8, quick_s=0.0, grant_s=30.0, grace_s=5.0, farewell_s=5.0, sweep_s=0.001)


async def done(call: Call) -> Result:
    return Result(summary="done", output=dict(call.params))


@dataclass
class Scripted:
    """A skill that does what its script says and remembers its calls."""

    script: Callable[[Call], Awaitable[Any]] = done
    spec: SkillSpec = field(default_factory=lambda: SkillSpec(name="echo", description="says it", open_params=True))
    calls: list[Call] = field(default_factory=list)
    was_cancelled: bool = False

    async def run(self, call: Call) -> Any:
        self.calls.append(call)
        try:
            return await self.script(call)
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


class Held:
    """A script that waits to be let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, call: Call) -> Result:
        await self.go.wait()
        return Result(summary="at last")


@dataclass
class Stage:
    bus: FakeAgentBus
    clock: FakeClock
    spool: Spool
    worker: Worker
    running: asyncio.Task[None] | None = None


@asynccontextmanager
async def staged(
    *skills: Scripted,
    limits: Limits = CALM,
    bus: FakeAgentBus | None = None,
    spool: Spool | None = None,
    clock: FakeClock | None = None,
) -> AsyncIterator[Stage]:
    """A worker that runs while the block does and is drained after it."""
    bus, clock, spool = bus or FakeAgentBus(), clock or FakeClock(), spool or MemorySpool()
    ports = Ports(bus=bus, spool=spool, clock=clock, entropy=CountingEntropy())
    worker = Worker("echo", "here-echo-1", {skill.spec.name: skill for skill in skills}, ports, limits)
    stage = Stage(bus, clock, spool, worker)
    async with asyncio.TaskGroup() as group:
        stage.running = group.create_task(worker.run())
        yield stage
        await worker.drain()


async def until(condition: Callable[[], object]) -> None:
    """Let everybody else run until the condition holds; fail when it never does."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 -- conditions of every kind; the pause is a turn of the loop
            await asyncio.sleep(0)


async def settle() -> None:
    """Let everybody else run until nothing moves that can."""
    for _ in range(50):
        await asyncio.sleep(0)
