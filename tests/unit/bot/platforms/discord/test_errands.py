"""Work that arrivals start: in order per key, and none brings the others down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.platforms.discord.errands import Errand, Errands, Lanes


@pytest.fixture
async def lanes() -> AsyncIterator[Lanes]:
    async with asyncio.TaskGroup() as group:
        errands = Errands(group)
        yield Lanes(errands)
        errands.cancel()


class Diary:
    """What was done, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.gate = asyncio.Event()

    def entry(self, line: str) -> Errand:
        async def write() -> None:
            self.lines.append(line)

        return write

    def waiting(self, line: str) -> Errand:
        async def write() -> None:
            await self.gate.wait()
            self.lines.append(line)

        return write


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_same_key_waits_and_another_does_not(lanes: Lanes) -> None:
    diary = Diary()
    lanes.queue("a", diary.waiting("a1"))
    lanes.queue("a", diary.entry("a2"))
    lanes.queue("b", diary.entry("b1"))
    await settled()
    assert diary.lines == ["b1"]
    diary.gate.set()
    await settled()
    assert diary.lines == ["b1", "a1", "a2"]


async def test_what_fails_stops_nothing_behind_it(lanes: Lanes) -> None:
    diary = Diary()

    async def broken() -> None:
        raise ZeroDivisionError

    lanes.queue("a", broken)
    lanes.queue("a", diary.entry("a2"))
    await settled()
    assert diary.lines == ["a2"]


async def test_what_is_held_begins_when_it_is_released_and_what_is_first_goes_first(lanes: Lanes) -> None:
    diary = Diary()
    lanes.queue("a", diary.waiting("under way"))
    await settled()
    lanes.hold()
    lanes.queue("a", diary.entry("new"))
    lanes.queue("b", diary.entry("elsewhere"))
    diary.gate.set()
    await settled()
    assert diary.lines == ["under way"]
    lanes.queue_first("a", diary.entry("missed"))
    lanes.release()
    await settled()
    assert sorted(diary.lines) == ["elsewhere", "missed", "new", "under way"]
    assert [line for line in diary.lines if line != "elsewhere"] == ["under way", "missed", "new"]


async def test_a_lane_that_was_done_begins_again(lanes: Lanes) -> None:
    diary = Diary()
    for number in range(3):
        lanes.queue("a", diary.entry(str(number)))
        await settled()
    assert diary.lines == ["0", "1", "2"]


async def test_what_was_cancelled_ends() -> None:
    diary = Diary()
    async with asyncio.TaskGroup() as group:
        errands = Errands(group)
        errands.start(diary.waiting("never"))
        Lanes(errands).queue("a", diary.waiting("never"))
        await settled()
        errands.cancel()
        errands.start(diary.entry("too late"))
    assert diary.lines == []
