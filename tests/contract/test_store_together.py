"""Transactions that wait for one another: each is whole, whatever becomes of those it is committed with."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.exc import OperationalError

from domain.errors import StoreDown
from domain.ports import UnitOfWork
from storage.faults import Conflict
from tests.builders import task
from tests.contract.stores import Ground

PATIENCE_S = 20
NAMES = [f"AAAAA{number}" for number in range(9)]


@asynccontextmanager
async def held_up(ground: Ground) -> AsyncIterator[None]:
    """Nothing is begun in the store while the block runs, so that what is asked for in it waits."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(_: UnitOfWork) -> None:
        begun.set()
        assert go_on.wait(PATIENCE_S)

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(ground.do(slow))
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        yield
        await asyncio.sleep(0)
        go_on.set()


def adding(name: str) -> Callable[[UnitOfWork], str]:
    def work(unit: UnitOfWork) -> str:
        unit.tasks.add(task(id=name))
        return name

    return work


async def test_each_gets_its_own_result(ground: Ground) -> None:
    async with held_up(ground):
        waiting = [asyncio.ensure_future(ground.do(adding(name))) for name in NAMES]
        await asyncio.sleep(0)
    assert [await one for one in waiting] == NAMES
    lines = await ground.do(lambda unit: unit.tasks.recent(None, 100))
    assert sorted(line.id for line in lines) == NAMES


async def test_one_that_fails_takes_only_its_own_changes_along(ground: Ground) -> None:
    def failing(unit: UnitOfWork) -> str:
        unit.tasks.add(task(id="BBBBBB"))
        raise LookupError("mine")

    async with held_up(ground):
        works = [adding(NAMES[0]), failing, adding(NAMES[1])]
        waiting = [asyncio.ensure_future(ground.do(work)) for work in works]
        await asyncio.sleep(0)
    first, mine, last = waiting
    assert [await first, await last] == NAMES[:2]
    with pytest.raises(LookupError, match="mine"):
        await mine
    lines = await ground.do(lambda unit: unit.tasks.recent(None, 100))
    assert sorted(line.id for line in lines) == NAMES[:2]


@pytest.mark.parametrize("fault", [Conflict(), OperationalError("INSERT", {}, Exception("disk I/O error"))])
async def test_after_a_fault_of_the_database_each_is_run_by_itself(ground: Ground, fault: Exception) -> None:
    runs = dict.fromkeys((*NAMES[:2], "faulty"), 0)

    def counted(name: str) -> Callable[[UnitOfWork], str]:
        def work(unit: UnitOfWork) -> str:
            runs[name] += 1
            return adding(name)(unit)

        return work

    def faulty(unit: UnitOfWork) -> str:
        runs["faulty"] += 1
        unit.tasks.add(task(id="BBBBBB"))
        if runs["faulty"] == 1:
            raise fault
        return "BBBBBB"

    async with held_up(ground):
        works = [counted(NAMES[0]), faulty, counted(NAMES[1])]
        waiting = [asyncio.ensure_future(ground.do(work)) for work in works]
        await asyncio.sleep(0)
    first, second, last = waiting
    assert [await first, await last] == NAMES[:2]
    try:
        expected = sorted([*NAMES[:2], await second])
    except StoreDown:  # where it was run by itself from the start
        expected = NAMES[:2]
    lines = await ground.do(lambda unit: unit.tasks.recent(None, 100))
    assert sorted(line.id for line in lines) == expected


async def test_who_gave_up_waiting_changes_nothing(ground: Ground) -> None:
    async with held_up(ground):
        kept, dropped = (asyncio.ensure_future(ground.do(adding(name))) for name in NAMES[:2])
        await asyncio.sleep(0)
        dropped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dropped
    assert await kept == NAMES[0]
    lines = await ground.do(lambda unit: unit.tasks.recent(None, 100))
    assert [line.id for line in lines] == NAMES[:1]
