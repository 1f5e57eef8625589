"""Transactions: what `Store.transact` promises, alone and with others at the same rows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import pytest

from domain import events as e
from domain.errors import StoreDown
from domain.ids import SubtaskId
from domain.ports import UnitOfWork
from domain.task import Result, SubtaskState
from storage import loading, open_store
from tests.builders import chain, node, plan, planned, released, task
from tests.contract.stores import Ground, Runs, claim, happen, overlap, peek
from tests.fakes import START, FakeClock

PATIENCE_S = 20


async def test_what_work_returns_is_returned_and_what_it_raises_passes_through(ground: Ground) -> None:
    assert await ground.do(lambda _: 42) == 42

    def fail(unit: UnitOfWork) -> None:
        unit.tasks.add(task())
        unit.registry.process_seen("bot", "p", START)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await ground.do(fail)
    assert await ground.do(peek) is None
    assert await ground.do(lambda unit: unit.registry.roles_alive(START)) == set()


async def test_a_rolled_back_change_is_not_remembered(ground: Ground) -> None:
    await ground.add(task())

    def fail(unit: UnitOfWork) -> None:
        claim()(unit)
        assert unit.tasks.lock_received(START, 1)  # writes it
        raise LookupError

    with pytest.raises(LookupError):
        await ground.do(fail)
    assert await ground.do(peek) == task()
    assert (await ground.do(claim())).version == 1


async def test_whoever_is_cancelled_leaves_a_whole_transaction_behind(ground: Ground) -> None:
    await ground.add(task())
    begun, go_on = threading.Event(), threading.Event()

    def slow(unit: UnitOfWork) -> None:
        claim()(unit)
        begun.set()
        assert go_on.wait(PATIENCE_S)

    waiting = asyncio.ensure_future(ground.do(slow))
    await asyncio.to_thread(begun.wait, PATIENCE_S)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    await ground.store.close()
    if ground.url != "sqlite://":
        assert (await ground.another().transact(peek)).version == 1  # type: ignore[union-attr] # it was added


async def test_work_that_has_not_begun_is_dropped_with_whoever_wanted_it(tmp_path: Any) -> None:
    store = open_store("sqlite://", FakeClock())
    begun, go_on, dropped = threading.Event(), threading.Event(), Runs(lambda *_: None)

    def slow(_: UnitOfWork) -> None:
        begun.set()
        assert go_on.wait(PATIENCE_S)

    first = asyncio.ensure_future(store.transact(slow))
    await asyncio.to_thread(begun.wait, PATIENCE_S)
    second = asyncio.ensure_future(store.transact(dropped))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    go_on.set()
    await first
    await store.close()
    assert dropped.count == 0


async def test_closing_twice_is_closing(ground: Ground) -> None:
    await ground.store.close()
    await ground.store.close()


async def test_what_another_process_changed_is_seen(shared: Ground) -> None:
    other = shared.another()
    await shared.add(planned(plan(node("a"), node("b"))))
    for event, store in zip("abab", (shared.store, other, other, shared.store), strict=True):
        release = e.Released(key=event, agent="echo", at=START, due_at=START)
        await store.transact(partial(happen, "AAAAAA", [release]))
        for reader in (shared.store, other):
            assert await reader.transact(peek) == await store.transact(
                lambda unit: unit.tasks.lock(["AAAAAA"])["AAAAAA"]
            )


async def test_two_processes_at_the_same_task_lose_nothing(shared: Ground) -> None:
    await shared.add(task())
    stores = [shared.store, shared.another()]

    def change(unit: UnitOfWork) -> None:
        held = unit.tasks.lock(["AAAAAA"])["AAAAAA"]
        unit.tasks.put(replace(held, deadline_at=held.deadline_at + (held.deadline_at - START)))

    async with asyncio.TaskGroup() as group:
        for turn in range(10):
            group.create_task(stores[turn % 2].transact(change))
    found = await shared.do(peek)
    assert found is not None
    assert (found.version, found.deadline_at - START) == (10, (task().deadline_at - START) * 2**10)


async def test_two_processes_claim_an_update_and_one_gets_it(shared: Ground) -> None:
    stores = [shared.store, shared.another()] * 3
    async with asyncio.TaskGroup() as group:
        claims = [
            group.create_task(store.transact(lambda unit, name=f"AAAAA{turn}": unit.inbox.claim("t", "b", "1", name)))
            for turn, store in enumerate(stores)
        ]
    (winner,) = [turn for turn, one in enumerate(claims) if one.result() is None]
    assert {one.result() for one in claims} == {None, f"AAAAA{winner}"}


async def test_a_held_task_is_waited_for(postgres: Ground) -> None:
    await postgres.add(task())
    _, second = await overlap(postgres, claim(), claim())
    assert second.version == 2


async def test_a_deadlock_is_resolved_by_running_one_again(postgres: Ground) -> None:
    await postgres.add(task("AAAAAA"), task("BBBBBB"))
    meet = threading.Barrier(2)

    def both(first: str, second: str) -> Runs:
        def work(unit: UnitOfWork, run: int) -> None:
            for name in (first, second):
                held = unit.tasks.lock([name])[name]
                unit.tasks.put(replace(held, claimed_until=START))
                if name == first and run == 1:
                    meet.wait(PATIENCE_S)

        return Runs(work)

    one, two = both("AAAAAA", "BBBBBB"), both("BBBBBB", "AAAAAA")
    async with asyncio.TaskGroup() as group:
        group.create_task(postgres.do(one))
        group.create_task(postgres.another().transact(two))
    assert sorted((one.count, two.count)) == [1, 2]
    assert [
        (await postgres.do(lambda unit, name=name: unit.tasks.peek(name))).version for name in ("AAAAAA", "BBBBBB")
    ] == [2, 2]


async def test_confirming_does_not_wait_for_whoever_moves_the_subtask_on(postgres: Ground) -> None:
    await postgres.add(released(planned(plan(node("a"), node("b"))), "a", "b"))
    loop, other = asyncio.get_running_loop(), postgres.another()
    sent = [(SubtaskId("AAAAAA", key), 1) for key in "ab"]

    def move_on(unit: UnitOfWork) -> None:
        happen("AAAAAA", [e.HandedBack(key="a", attempt=1, exec_id=None, at=START)], unit)
        assert unit.tasks.lock_ready(START, 1)  # writes it
        confirming = other.transact(lambda unit: unit.outbox.confirm(sent, START))
        asyncio.run_coroutine_threadsafe(confirming, loop).result(PATIENCE_S)

    await postgres.do(move_on)
    assert await postgres.do(lambda unit: unit.outbox.unpublished(START, 10)) == []


@pytest.fixture
async def meddled(postgres: Ground, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[int], Ground]]:
    """A ground whose task changes in the middle of the next so many reads: reading takes no lock."""
    other, reader = postgres.another(), postgres.another()
    await postgres.add(planned(plan(node("a"), node("b"))))
    await other.transact(claim())  # from now on it knows the task and need not read it
    loop, read_plans = asyncio.get_running_loop(), loading._plans

    def meddle(times: int) -> Ground:
        changes = iter([e.Released(key="a", agent="echo", at=START, due_at=START), *[None] * (times - 1)][:times])

        def read_slowly(*arguments: Any) -> Any:
            for release in islice(changes, 1):
                work = claim() if release is None else partial(happen, "AAAAAA", [release])
                asyncio.run_coroutine_threadsafe(other.transact(work), loop).result(PATIENCE_S)
            return read_plans(*arguments)

        monkeypatch.setattr(loading, "_plans", read_slowly)
        return replace(postgres, store=reader)

    yield meddle
    monkeypatch.undo()


async def test_a_task_that_changes_while_it_is_read_is_never_read_half(meddled: Callable[[int], Ground]) -> None:
    ground = meddled(1)
    found = await ground.do(peek)
    assert found is not None
    assert (found.version, found.subtasks["a"].state) == (2, SubtaskState.DISPATCHED)
    assert await ground.another().transact(peek) == found


async def test_a_task_that_never_stands_still_cannot_be_read_but_does_not_hang(
    meddled: Callable[[int], Ground],
) -> None:
    with pytest.raises(StoreDown):
        await meddled(1000).do(peek)


async def test_who_takes_turns_at_a_task_sees_what_the_other_did(shared: Ground) -> None:
    """What is known to have succeeded is not read again, and comes back at its place."""
    other = shared.another()
    await shared.add(planned(chain("a", "b", "c")))
    for store, key in ((shared.store, "a"), (other, "b"), (shared.store, "c")):
        sent = e.Released(key=key, agent="echo", at=START, due_at=START)
        result = Result(summary=key, output={"of": key})
        done = e.Succeeded(key=key, attempt=1, exec_id=None, agent="echo", result=result, at=START)
        await store.transact(partial(happen, "AAAAAA", [sent, done]))
    seen = [await store.transact(peek) for store in (shared.store, other, shared.another())]
    assert seen[0] == seen[1] == seen[2]
    assert [(sub.key, sub.result and sub.result.output) for sub in seen[0].subtasks.values()] == [
        (key, {"of": key}) for key in "abc"
    ]
