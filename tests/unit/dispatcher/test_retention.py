"""What is old goes in batches, and not before it was written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from dispatcher import retention
from dispatcher.retention import Keeping, Kept
from domain.dead import DeadLetter, Reason, buried
from storage import SqlStore
from tests.builders import chain, planned
from tests.contract.test_store_retention import _finish, _show
from tests.fakes import START, FakeClock
from tests.unit.dispatcher.turns import keep

DAY = timedelta(days=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START + 10 * DAY)


async def finished(store: SqlStore, *task_ids: str) -> None:
    for task_id in task_ids:
        await keep(store, planned(chain("a"), task_id))
        await store.transact(partial(_finish, task_id=task_id, at=START))
        await store.transact(partial(_show, task_id=task_id, at=START))


async def left(store: SqlStore) -> list[str]:
    return sorted(line.id for line in await store.transact(lambda uow: uow.tasks.recent(None, 9)))


async def test_a_batch_at_a_time_until_nothing_old_is_left(
    store: SqlStore, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "TASKS", 2)
    await finished(store, "AAAAAA", "BBBBBB", "CCCCCC")
    await keep(store, planned(chain("a"), "DDDDDD"))
    keeping = Keeping(store, clock, Kept(tasks=DAY, books=None))
    assert [await keeping.sweep(), len(await left(store))] == [True, 2]
    assert [await keeping.sweep(), await left(store)] == [False, ["DDDDDD"]]


async def test_for_ever_is_for_ever(store: SqlStore, clock: FakeClock) -> None:
    await finished(store, "AAAAAA")
    assert not await Keeping(store, clock, Kept(tasks=None, books=None)).sweep()
    assert not await Keeping(store, clock, Kept(tasks=11 * DAY, books=None)).sweep()
    assert await left(store) == ["AAAAAA"]


async def test_nothing_goes_before_it_was_written_down(store: SqlStore, clock: FakeClock) -> None:
    await finished(store, "AAAAAA")
    seen: list[tuple[list[str], list[str]]] = []

    async def archive(documents: Sequence[Mapping[str, Any]]) -> None:
        seen.append(([document["task"]["id"] for document in documents], await left(store)))

    assert await Keeping(store, clock, Kept(tasks=DAY, books=None), archive).drop_tasks() == 1
    assert seen == [(["AAAAAA"], ["AAAAAA"])]
    assert await left(store) == []


async def test_what_cannot_be_written_down_stays(store: SqlStore, clock: FakeClock) -> None:
    await finished(store, "AAAAAA")

    async def archive(_: Sequence[Mapping[str, Any]]) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await Keeping(store, clock, Kept(tasks=DAY, books=None), archive).sweep()
    assert await left(store) == ["AAAAAA"]


async def test_updates_are_known_for_a_week_at_least(store: SqlStore, clock: FakeClock) -> None:
    await store.transact(lambda uow: uow.inbox.claim("telegram", "b", "1", ""))  # the store's clock stands at the start
    await Keeping(store, FakeClock(START + 6 * DAY), Kept(tasks=DAY, books=None)).sweep()
    assert await store.transact(lambda uow: uow.inbox.known("telegram", "b", "1")) == ""
    await Keeping(store, clock, Kept(tasks=DAY, books=None)).sweep()
    assert await store.transact(lambda uow: uow.inbox.known("telegram", "b", "1")) is None


async def test_dead_letters_go_whatever_else_is_kept(store: SqlStore) -> None:
    letter = buried(DeadLetter(at=START, last_at=START, agent="echo", reason=Reason.FORGED))
    await store.transact(lambda uow: uow.dead.add([letter]))
    await Keeping(store, FakeClock(START + 31 * DAY), Kept(tasks=None, books=None)).sweep()
    assert await store.transact(lambda uow: uow.dead.open_count()) == 0
