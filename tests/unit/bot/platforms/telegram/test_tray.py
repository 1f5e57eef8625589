from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from telegram import Update

from bot.platforms.telegram.tray import OVERTAKE_S, Tray
from tests.fakes import FakeClock
from tests.unit.bot.platforms.telegram.updates import GROUP, PRIVATE, said


class Hands:
    """Takes updates when told to."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self._may_end: dict[int, asyncio.Event] = {}

    async def take(self, update: Update) -> None:
        self.begun.append(update.update_id)
        await self._end_of(update).wait()

    def end(self, update: Update) -> None:
        self._end_of(update).set()

    def _end_of(self, update: Update) -> asyncio.Event:
        return self._may_end.setdefault(update.update_id, asyncio.Event())


class Scene:
    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.clock = FakeClock()
        self.hands = Hands()
        self.tray = Tray(group, self.clock, self.hands.take)

    async def put(self, *updates: Update) -> None:
        for update in updates:
            await self.tray.put(update)
        await self.clock.advance(0)


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    async with asyncio.TaskGroup() as group:
        made = Scene(group)
        yield made
        made.tray.drop()


async def test_other_chats_do_not_wait():
    async with scene() as here:
        one, two = said("a", chat=PRIVATE), said("b", chat=GROUP)
        await here.put(one, two)
        assert here.hands.begun == [one.update_id, two.update_id]


async def test_in_a_chat_one_is_taken_after_the_other():
    async with scene() as here:
        one, two = said("a"), said("b")
        await here.put(one, two)
        assert here.hands.begun == [one.update_id]
        here.hands.end(one)
        await here.clock.advance(0)
        assert here.hands.begun == [one.update_id, two.update_id]


async def test_one_that_does_not_end_is_overtaken():
    async with scene() as here:
        one, two = said("a"), said("b")
        await here.put(one, two)
        await here.clock.advance(OVERTAKE_S)
        assert here.hands.begun == [one.update_id, two.update_id]
        assert here.tray.lowest == one.update_id


async def test_what_is_not_taken_is_the_lowest():
    async with scene() as here:
        one, two = said("a", chat=PRIVATE), said("b", chat=GROUP)
        await here.put(one, two)
        here.hands.end(one)
        await here.clock.advance(0)
        assert here.tray.lowest == two.update_id
        assert not here.tray.is_new(one.update_id)
        here.hands.end(two)
        await here.clock.advance(0)
        assert here.tray.lowest is None
        here.tray.clear()
        assert here.tray.is_new(one.update_id)


async def test_the_same_update_twice_is_there_until_both_are_taken():
    async with scene() as here:
        update = said("a")
        await here.put(update, update)
        here.hands.end(update)
        await here.clock.advance(OVERTAKE_S)
        assert len(here.hands.begun) == 2
        assert here.tray.lowest is None


async def test_settled_waits_for_all_or_for_a_while():
    async with scene() as here, asyncio.TaskGroup() as waits:
        update = said("a")
        await here.put(update)
        impatient = waits.create_task(here.tray.settled(5.0))
        patient = waits.create_task(here.tray.settled(500.0))
        await here.clock.advance(0)
        await here.clock.advance(5.0)
        assert (impatient.done(), patient.done()) == (True, False)
        here.hands.end(update)
        await here.clock.advance(0)
        assert patient.done()


async def test_what_is_dropped_is_not_taken():
    async with scene() as here:
        update = said("a")
        await here.put(update)
        here.tray.drop()
        await here.clock.advance(0)
        assert here.tray.lowest == update.update_id
