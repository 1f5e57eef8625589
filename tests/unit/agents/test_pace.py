"""How much a worker takes on."""

from __future__ import annotations

import asyncio

from agents.pace import Pace, Slots


def fed(pace: Pace, duration_s: float, count: int) -> list[int]:
    widths = []
    for _ in range(count):
        pace.took(duration_s)
        widths.append(pace.prefetch)
    return widths


def test_work_counts_as_long_until_it_proves_short() -> None:
    pace = Pace(4, 64)
    assert pace.prefetch == 4
    widths = fed(pace, 0.001, 60)
    assert 10 <= widths.index(64) <= 20
    assert widths[-1] == 64


def test_long_work_narrows_it_and_one_outlier_does_not() -> None:
    pace = Pace(4, 64)
    fed(pace, 0.001, 60)
    assert fed(pace, 600.0, 1) == [64]
    assert 4 in fed(pace, 2.0, 8)


def test_work_between_short_and_long_changes_nothing() -> None:
    pace = Pace(4, 64)
    assert set(fed(pace, 0.1, 100)) == {4}
    fed(pace, 0.001, 60)
    assert set(fed(pace, 0.1, 100)) == {64}


def test_the_prefetch_is_never_below_the_slots() -> None:
    pace = Pace(16, 1)
    assert set(fed(pace, 0.001, 60)) == {16}


async def test_slots_are_counted() -> None:
    slots = Slots(2, Pace(2, 8))
    first, second = slots.take(), slots.take()
    assert slots.free == 0
    first.leave()
    first.leave()
    first.lasts()
    assert slots.free == 1
    second.lasts()
    assert not slots.is_crowded
    second.leave()
    assert slots.free == 2


async def test_lasting_work_in_every_slot_is_a_crowd_and_takes_the_pace_back() -> None:
    pace = Pace(2, 8)
    fed(pace, 0.001, 60)
    slots = Slots(2, pace)
    held = [slots.take(), slots.take()]
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(slots.until_free_or_crowded())
        freed = group.create_task(slots.until_free())
        for slot in held:
            slot.lasts()
            slot.lasts()
        await waiting
        assert slots.is_crowded
        assert pace.prefetch == 2
        assert not freed.done()
        held[0].leave()
    assert not slots.is_crowded
