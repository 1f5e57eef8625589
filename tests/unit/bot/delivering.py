"""Delivery running in tests, to a platform in memory."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from bot.delivery import Bot, DeliveryLoop, DeliverySettings, Outside
from bot.files import Find, nothing_found
from bot.governor import Governor
from bot.platform import Platform
from domain import events as e
from domain.answer import Answer, Author, Statement
from domain.plan import Node, Plan
from domain.skill import Effect
from domain.task import Task
from tests.quick_time import quickly
from tests.unit.bot.fakes import Stage, stage
from tests.virtual_time import LoopClock

BUSY = DeliverySettings(sweep_s=0.05)

Test = Callable[..., Coroutine[Any, Any, None]]


def in_quick_time(test: Test) -> Callable[..., None]:
    """A test whose time jumps whenever everybody waits."""

    @functools.wraps(test)
    def run(*args: Any, **given: Any) -> None:
        quickly(lambda: test(*args, **given))

    return run


@asynccontextmanager
async def quick_stage() -> AsyncIterator[Stage]:
    """A bot with everything behind it, in quick time."""
    async with stage(clock=LoopClock()) as on:
        yield on


def loop_of(
    on: Stage, platform: Platform, settings: DeliverySettings = BUSY, find: Find = nothing_found
) -> DeliveryLoop:
    """A process that delivers: nothing is remembered but what is in the rows."""
    outside = Outside(store=on.store, bus=on.bus, clock=on.clock, entropy=on.entropy)
    bot = Bot(platform=platform, governor=Governor(platform.traits.pace, on.clock), find=find)
    return DeliveryLoop(outside, bot, settings)


@asynccontextmanager
async def delivering(
    on: Stage, platform: Platform, settings: DeliverySettings = BUSY, find: Find = nothing_found
) -> AsyncIterator[DeliveryLoop]:
    """Deliver while the block runs."""
    loop = loop_of(on, platform, settings, find)
    async with asyncio.TaskGroup() as group:
        work = group.create_task(loop.run())
        yield loop
        work.cancel()


async def pending(on: Stage) -> int:
    """How much is still to be shown."""
    return len(await on.store.transact(lambda uow: uow.deliveries.pending("fake", "b1", 100)))


async def all_shown(on: Stage) -> None:
    """Wait until nothing is owed."""
    async with asyncio.timeout(3600):
        while await pending(on):  # noqa: ASYNC110 -- time is free here
            await asyncio.sleep(0.1)


async def is_answered(on: Stage, task_id: str, text: str = "all done", files: tuple[str, ...] = ()) -> Task:
    """Settle what is left and answer."""
    now = on.clock.now()
    answer = Answer(statements=(Statement(text=text),), author=Author.RULES, files=files)
    settle = [] if (await on.task(task_id)).settled_at else [e.CancelRequested(at=now)]
    return await on.happen(task_id, *settle, e.Answered(answer=answer, at=now))


def paying(*names: str) -> Plan:
    """Steps that each need to be allowed."""
    nodes = [
        Node(id=name, skill="pay", name=f"Pay {name}", effect=Effect.EXTERNAL, params={"to": name}) for name in names
    ]
    return Plan(nodes=tuple(nodes))
