"""A process dies at every point where it waits, and another takes over: nothing is lost, no answer comes twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.delivery import Bot, DeliveryLoop, DeliverySettings, Outside
from bot.drawing.answers import Found
from bot.governor import Governor
from bot.platform import Platform, Traits
from bot.post import Attachment, Post
from domain import events as e
from domain.ports import UnitOfWork
from domain.task import Place
from tests.unit.bot.delivering import all_shown, in_quick_time, is_answered, paying, quick_stage
from tests.unit.bot.fakes import FakePlatform, Stage, until

ON = "which goes on and on " * 7
TEXT = "\n\n".join(f"Paragraph number {number} of the answer, {ON}to its end." for number in range(3))
SMALL = Traits(max_text=300, max_parts=8)


@dataclass
class Fate:
    """Dies at point number `at`; 0: never."""

    at: int
    points: int = 0
    is_dead: bool = False

    async def point(self) -> None:
        """Somebody waits; a dead process waits for ever."""
        self.points += 1
        if self.points == self.at or self.is_dead:
            self.is_dead = True
            await asyncio.Event().wait()


@dataclass
class MortalStore:
    store: Any
    fate: Fate

    async def transact(self, work: Callable[[UnitOfWork], Any]) -> Any:
        await self.fate.point()
        result = await self.store.transact(work)
        await self.fate.point()
        return result


@dataclass
class MortalPlatform:
    platform: FakePlatform
    fate: Fate

    def __getattr__(self, name: str) -> Any:
        return getattr(self.platform, name)

    async def send(self, place: Place, post: Post, nonce: str, *, is_repeat: bool = False) -> str:
        await self.fate.point()
        message_id = await self.platform.send(place, post, nonce, is_repeat=is_repeat)
        await self.fate.point()
        return message_id

    async def edit(self, place: Place, message_id: str, post: Post) -> None:
        await self.fate.point()
        await self.platform.edit(place, message_id, post)
        await self.fate.point()


def process(on: Stage, platform: FakePlatform, fate: Fate) -> DeliveryLoop:
    """One process that delivers and may die."""
    store: Any = MortalStore(on.store, fate)
    mortal: Platform = MortalPlatform(platform, fate)  # type: ignore[assignment] # the rest is the platform's own
    outside = Outside(store=store, bus=on.bus, clock=on.clock, entropy=on.entropy)
    bot = Bot(platform=mortal, governor=Governor(platform.traits.pace, on.clock), find=_found)
    return DeliveryLoop(outside, bot, DeliverySettings(private_refresh_s=1e6, sweep_s=1.0))


def _found(paths: Any, _max_bytes: int) -> Found:
    return Found(attachments=tuple(Attachment(name=path, content=b"x") for path in paths))


async def story(on: Stage, task_id: str) -> None:
    """What happens to the task: something is to be approved, is approved, and then there is an answer."""
    await asyncio.sleep(3.0)
    [offer] = await on.store.transact(lambda uow: uow.offers.live(task_id, on.clock.now())) or [None]
    if offer is not None:
        now = on.clock.now()
        await on.store.transact(lambda uow: uow.offers.decide(offer.code, "fake:ann", now, is_allowed=True))
    await on.happen(task_id, e.Approved(at=on.clock.now()))
    await asyncio.sleep(3.0)
    await is_answered(on, task_id, TEXT, files=("chart.png",))
    await all_shown(on)


async def lived(on: Stage, platform: FakePlatform, at: int) -> Fate:
    """The whole story, with a death at this point."""
    fate = Fate(at)
    async with asyncio.TaskGroup() as group:
        task_id = await on.accepted(paying("rent"))
        first = group.create_task(process(on, platform, fate).run())
        telling = group.create_task(story(on, task_id))
        await (until(lambda: fate.is_dead or telling.done()) if at else telling)
        first.cancel()
        second = group.create_task(process(on, platform, Fate(0)).run())
        await telling
        await asyncio.sleep(10.0)
        second.cancel()
    return fate


def check(platform: FakePlatform, deaths: int) -> None:
    """What was promised."""
    texts = [line.text for line in platform.of("a") if not line.is_stub]
    assert "\n\n".join(texts) == TEXT
    assert sum(line.post.attachment is not None for line in platform.of("f")) == 1
    assert len(platform.stubs) <= deaths
    assert len(platform.of("c")) <= 1 + deaths
    assert len(platform.of("s")) <= 1 + deaths
    assert platform.violations == []
    if platform.traits.sends_once:
        assert platform.stubs == []
        assert len(platform.of("c")) == len(platform.of("s")) == 1


@pytest.mark.parametrize("sends_once", [False, True])
@in_quick_time
async def test_nothing_is_lost_and_nothing_is_said_twice(*, sends_once: bool) -> None:
    traits = replace(SMALL, sends_once=sends_once)
    at, points, deaths = 0, 1, 0
    async with quick_stage() as on:
        while at <= points:
            platform = FakePlatform(traits=traits)
            fate = await lived(on, platform, at)
            check(platform, int(fate.is_dead))
            points = max(points, fate.points) if at == 0 else points
            deaths += fate.is_dead
            at += 1
    assert points > 40
    assert deaths >= points - 5  # the last ones come after everything was shown
