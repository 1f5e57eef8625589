"""Who speaks for a bot: one process at a time, whatever dies or stalls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.leading import LEASE_S, PARTS, Leadership
from domain.errors import Misconfigured
from storage import open_store
from tests.unit.bot.delivering import in_quick_time
from tests.unit.bot.fakes import FlakyStore
from tests.virtual_time import LoopClock


@asynccontextmanager
async def database() -> AsyncIterator[FlakyStore]:
    store = FlakyStore(open_store("sqlite://", LoopClock()))
    try:
        yield store
    finally:
        await store.close()


class Shift:
    """Who was at work when; and whether two ever were."""

    def __init__(self) -> None:
        self.at: list[tuple[float, str]] = []
        self.working: set[str] = set()
        self.overlapped = False

    async def work(self, name: str, seconds: float = 1e9) -> None:
        self.overlapped |= bool(self.working)
        self.working.add(name)
        self.at.append((round(now(), 1), f"{name} begins"))
        try:
            await asyncio.sleep(seconds)
        finally:
            self.working.discard(name)
            self.at.append((round(now(), 1), f"{name} ends"))


def now() -> float:
    return asyncio.get_running_loop().time()


def process(store: Any, name: str, shift: Shift, seconds: float = 1e9) -> Any:
    """One process that wants to lead."""
    return Leadership(store, LoopClock(), "fake:b1", name).while_leading(lambda: shift.work(name, seconds))


@in_quick_time
async def test_one_leads_and_another_takes_over_at_once_when_it_leaves() -> None:
    shift = Shift()
    async with database() as store, asyncio.TaskGroup() as group:
        first = group.create_task(process(store, "a", shift))
        await asyncio.sleep(0.1)
        second = group.create_task(process(store, "b", shift))
        await asyncio.sleep(99.9)
        assert shift.working == {"a"}
        first.cancel()
        await asyncio.sleep(5.1)
        assert shift.working == {"b"}
        second.cancel()
    assert not shift.overlapped


@in_quick_time
async def test_one_that_died_is_followed_after_its_lease() -> None:
    shift = Shift()
    async with database() as store, asyncio.TaskGroup() as group:
        dead = Leadership(store, LoopClock(), "fake:b1", "dead")
        assert await dead._take()
        assert dead.is_leading
        second = group.create_task(process(store, "b", shift))
        await asyncio.sleep(LEASE_S - 0.1)
        assert shift.working == set()
        await asyncio.sleep(LEASE_S / PARTS + 0.2)
        assert shift.working == {"b"}
        second.cancel()


@in_quick_time
async def test_work_ends_before_anybody_else_can_lead() -> None:
    """The first is cut off from the database, the second is not."""
    shift = Shift()
    async with database() as store, asyncio.TaskGroup() as group:
        cut_off = FlakyStore(store)
        first = group.create_task(process(cut_off, "a", shift))
        await asyncio.sleep(0.1)
        second = group.create_task(process(store, "b", shift))
        await asyncio.sleep(60.0)
        cut_off.is_down = True
        await asyncio.sleep(60.0)
        assert shift.working == {"b"}
        cut_off.is_down = False
        await asyncio.sleep(60.0)
        assert shift.working == {"b"}
        first.cancel()
        second.cancel()
    assert not shift.overlapped
    ends = next(at for at, what in shift.at if what == "a ends")
    begins = next(at for at, what in shift.at if what == "b begins")
    assert ends + 3.0 < begins


@in_quick_time
async def test_a_database_that_hangs_is_one_that_is_down() -> None:
    shift = Shift()

    class Hanging(FlakyStore):
        async def transact(self, work: Any) -> Any:
            if self.is_down:
                await asyncio.Event().wait()
            return await super().transact(work)

    async with database() as store, asyncio.TaskGroup() as group:
        hanging = Hanging(store)
        first = group.create_task(process(hanging, "a", shift))
        await asyncio.sleep(1.0)
        hanging.is_down = True
        await asyncio.sleep(14.0)
        assert shift.working == set()
        hanging.is_down = False
        await asyncio.sleep(20.0)
        assert shift.working == {"a"}
        hanging.is_down = True
        first.cancel()
    assert now() < 60.0


@in_quick_time
async def test_a_short_outage_is_not_noticed() -> None:
    shift = Shift()
    async with database() as store, asyncio.TaskGroup() as group:
        first = group.create_task(process(store, "a", shift))
        await asyncio.sleep(4.9)
        store.is_down = True
        await asyncio.sleep(0.3)
        store.is_down = False
        await asyncio.sleep(100.0)
        assert [what for _, what in shift.at] == ["a begins"]
        first.cancel()


@in_quick_time
async def test_work_that_is_done_gives_the_lead_away() -> None:
    shift = Shift()
    async with database() as store:
        await process(store, "a", shift, seconds=1.0)
        await process(store, "b", shift, seconds=1.0)
    assert [at for at, _ in shift.at] == [0.0, 1.0, 1.0, 2.0]


@in_quick_time
async def test_what_work_raises_passes_through() -> None:
    async def refused() -> None:
        raise Misconfigured("chat.token_refused", platform="Fake", setting="TOKEN")

    async with database() as store:
        leadership = Leadership(store, LoopClock(), "fake:b1", "a")
        with pytest.raises(Misconfigured):
            await leadership.while_leading(refused)
        assert not leadership.is_leading
        assert await Leadership(store, LoopClock(), "fake:b1", "b")._take()


@in_quick_time
async def test_names_are_led_apart() -> None:
    async with database() as store:
        assert await Leadership(store, LoopClock(), "fake:b1", "a")._take()
        assert await Leadership(store, LoopClock(), "fake:b2", "b")._take()
        assert not await Leadership(store, LoopClock(), "fake:b1", "b")._take()


@in_quick_time
async def test_three_processes_never_overlap_while_the_database_comes_and_goes() -> None:
    shift = Shift()
    async with database() as store, asyncio.TaskGroup() as group:
        links = [FlakyStore(store) for _ in range(3)]
        parts = [group.create_task(process(link, f"p{number}", shift)) for number, link in enumerate(links)]
        for turn in range(200):
            links[turn % 3].is_down = turn % 7 in {1, 2, 4}
            await asyncio.sleep(1.0 + turn % 5)
        for part in parts:
            part.cancel()
    assert not shift.overlapped
    assert sum(what.endswith("begins") for _, what in shift.at) > 3
