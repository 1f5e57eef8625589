"""What is kept, for whom, how long and how much of it; and who makes what is not there: `AnswerCache`."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert, text

from domain.ports import UnitOfWork
from domain.task import Scope
from storage import Room
from storage.engines import open_engine, read_url
from storage.tables import ANSWER_CACHE
from tests.contract.stores import Ground
from tests.fakes import START

ANN, BOB = Scope(tenant="t", owner="console:ann"), Scope(tenant="t", owner="console:bob")
ELSEWHERE = replace(ANN, tenant="t2")
LATER = START + timedelta(seconds=5)
FAR = START + timedelta(days=1)
MOMENT = timedelta(microseconds=1)


def get(key: str, scope: Scope = ANN, now: datetime = START) -> Any:
    return lambda unit: unit.cache.get(scope, key, now)


def put(key: str, text: str = "text", scope: Scope = ANN, expires_at: datetime = LATER) -> Any:
    return lambda unit: unit.cache.put(scope, key, "answer", text, expires_at)


def lead(holder: str, key: str = "key", until: datetime = LATER, scope: Scope = ANN) -> Any:
    return lambda unit: unit.cache.lead(scope, key, holder, until)


def leave(holder: str, key: str = "key") -> Any:
    return lambda unit: unit.cache.leave(ANN, key, holder)


async def test_a_text_is_kept_for_its_owner_until_it_expires(ground: Ground) -> None:
    await ground.do(put("key", "答案\x00"))
    assert await ground.do(get("key")) == "答案\ufffd"
    for elsewhere in (get("key", now=LATER), get("key", BOB), get("key", ELSEWHERE), get("other")):
        assert await ground.do(elsewhere) is None


async def test_the_later_text_wins_and_expired_ones_leave(ground: Ground) -> None:
    await ground.do(put("key", "first"))
    await ground.do(put("key", "short", BOB, START + MOMENT))
    await ground.clock.advance(1)
    await ground.do(put("key", "second", expires_at=LATER + MOMENT))
    assert await ground.do(get("key", now=LATER)) == "second"
    assert await ground.do(get("key", BOB)) is None


async def test_one_leads_until_it_puts_or_leaves_or_its_lease_ends(ground: Ground) -> None:
    assert await ground.do(lead("p1"))
    assert not await ground.do(lead("p2"))
    assert await ground.do(lead("p2", "other"))
    assert await ground.do(lead("p2", scope=BOB))
    assert await ground.do(get("key")) is None
    await ground.do(leave("p2"))  # not theirs to give back
    assert not await ground.do(lead("p2"))
    await ground.do(leave("p1"))
    assert await ground.do(lead("p2"))
    await ground.do(put("key", "made"))
    assert await ground.do(lead("p1"))
    assert await ground.do(get("key")) == "made"


async def test_a_lease_can_be_extended_and_taken_when_it_ended(ground: Ground) -> None:
    assert await ground.do(lead("p1"))
    assert await ground.do(lead("p1", until=LATER + timedelta(seconds=5)))
    await ground.clock.advance(5)
    assert not await ground.do(lead("p2", until=FAR))
    await ground.clock.advance(5)
    assert await ground.do(lead("p2", until=FAR))
    assert not await ground.do(lead("p1", until=FAR))
    await ground.do(leave("p1"))  # too late: it is not theirs any more
    assert not await ground.do(lead("p1", until=FAR))


async def test_a_lease_does_not_hide_or_lengthen_the_text_that_is_there(ground: Ground) -> None:
    await ground.do(put("key", "old"))
    assert await ground.do(lead("p1", until=FAR))
    assert await ground.do(get("key")) == "old"
    assert await ground.do(get("key", now=LATER)) is None
    await ground.do(leave("p1"))
    assert await ground.do(get("key")) == "old"


async def test_an_expired_text_leaves_only_when_nobody_leads(shared: Ground) -> None:
    await shared.do(put("key", "old"))
    assert await shared.do(lead("p1", until=LATER + timedelta(minutes=1)))
    await shared.do(lead("crashed", "never made"))
    await shared.clock.advance(5)
    await shared.do(put("other", expires_at=FAR))
    assert not await shared.do(lead("p2", until=FAR))
    assert await rows_of(shared) == {"key", "other"}
    await shared.clock.advance(60)
    await shared.do(put("other", expires_at=FAR))
    assert await rows_of(shared) == {"other"}


async def test_of_two_processes_exactly_one_leads(shared: Ground) -> None:
    """In the same moment, again and again; only its transaction's end decides."""
    stores = [shared.store, shared.another(), shared.another()]
    for number in range(30):
        async with asyncio.TaskGroup() as group:
            led = [
                group.create_task(store.transact(lead(f"p{place}", f"key{number}")))
                for place, store in enumerate(stores)
            ]
        assert sorted(one.result() for one in led) == [False, False, True]


@pytest.mark.parametrize("is_committed", [True, False])
async def test_whoever_asks_meanwhile_waits_for_the_end_of_the_transaction(
    postgres: Ground, *, is_committed: bool
) -> None:
    loop, other = asyncio.get_running_loop(), postgres.another()

    def hold(unit: UnitOfWork) -> Future[bool]:
        assert lead("p1")(unit)
        waiting = asyncio.run_coroutine_threadsafe(other.transact(lead("p2")), loop)
        until_blocked(postgres)
        if not is_committed:
            raise LookupError(waiting)
        return waiting

    try:
        waiting = await postgres.do(hold)
    except LookupError as error:
        (waiting,) = error.args
    assert await asyncio.wrap_future(waiting) is not is_committed


def until_blocked(ground: Ground) -> None:
    """Return when somebody waits for a row that somebody else holds."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%answer_cache%'"
    with psycopg.connect(ground.url, autocommit=True) as connection:
        for _ in range(10_000):
            if connection.execute(waits).fetchone() != (0,):
                return
    raise TimeoutError("nobody waits")


async def test_what_is_not_there_cannot_arrive_before_its_reader_leads(postgres: Ground) -> None:
    """Else two would have it made: one that puts between another's look and its lease."""
    await postgres.do(lead("p1"))
    loop, other = asyncio.get_running_loop(), postgres.another()

    def look_and_lead(unit: UnitOfWork) -> tuple[str | None, bool, Future[None]]:
        text = get("key")(unit)
        putting = asyncio.run_coroutine_threadsafe(other.transact(put("key", "made")), loop)
        until_blocked(postgres)
        return text, lead("p2")(unit), putting

    text, is_ours, putting = await postgres.do(look_and_lead)
    assert (text, is_ours) == (None, False)
    await asyncio.wrap_future(putting)
    assert await postgres.do(get("key")) == "made"


async def test_purging_forgets_all_texts_of_one_user(ground: Ground) -> None:
    for place, scope in enumerate((ANN, ANN, BOB, ELSEWHERE)):
        await ground.do(put(f"key{place}", scope=scope))
    await ground.do(lead("p1"))
    assert await ground.do(lambda unit: unit.cache.purge(ANN)) == 2
    assert [await ground.do(get(f"key{place}")) for place in range(2)] == [None, None]
    assert [await ground.do(get("key2", BOB)), await ground.do(get("key3", ELSEWHERE))] == ["text", "text"]
    assert await ground.do(lambda unit: unit.cache.purge(ANN)) == 0


async def rows_of(ground: Ground, scope: Scope = ANN) -> set[str]:
    """The keys that have a row, a text or not, as the database says."""
    engine = open_engine(read_url(ground.url))
    with engine.connect() as connection:
        found = connection.execute(ANSWER_CACHE.select().filter_by(tenant=scope.tenant, owner=scope.owner))
        keys = {row.key for row in found}
    engine.dispose()
    return keys


async def row_of(ground: Ground, key: str) -> Any:
    engine = open_engine(read_url(ground.url))
    with engine.connect() as connection:
        found = connection.execute(ANSWER_CACHE.select().filter_by(key=key)).one()
    engine.dispose()
    return found


async def test_hits_and_size_are_written_down(shared: Ground) -> None:
    await shared.do(put("key", "四个字节"))
    await shared.clock.advance(1)
    for _ in range(3):
        await shared.do(get("key", now=START + timedelta(seconds=2)))
    await shared.do(get("key", now=LATER))  # not a hit
    row = await row_of(shared, "key")
    assert (row.kind, row.hits, row.bytes) == ("answer", 3, 12)
    assert (row.created_at, row.used_at) == (START, START + timedelta(seconds=2))


async def test_when_rows_run_out_the_longest_unused_go(shared: Ground) -> None:
    store = shared.another(room=Room(rows=8))
    for number in range(7):
        await shared.clock.advance(1)
        await store.transact(put(f"key{number}", expires_at=FAR))
    await store.transact(put("theirs", scope=ELSEWHERE, expires_at=FAR))  # not counted: another tenant
    assert len(await rows_of(shared)) == 7
    await store.transact(get("key1", now=START + timedelta(minutes=1)))
    await shared.clock.advance(60)
    await store.transact(put("key7", expires_at=FAR))
    assert await rows_of(shared) == {"key7", "key1", "key6", "key5", "key4", "key3"}
    assert await rows_of(shared, ELSEWHERE) == {"theirs"}


async def test_when_bytes_run_out_the_longest_unused_go(shared: Ground) -> None:
    store = shared.another(room=Room(bytes=800))
    for number in range(9):
        await shared.clock.advance(1)
        await store.transact(put(f"key{number}", "x" * 100, expires_at=FAR))
        assert len(await rows_of(shared)) <= 7
    assert await rows_of(shared) == {f"key{number}" for number in range(2, 9)}


async def test_a_text_too_large_for_the_room_is_not_kept_and_costs_no_other(shared: Ground) -> None:
    store = shared.another(room=Room(bytes=800))
    await store.transact(put("small"))
    await store.transact(lead("p1"))
    await store.transact(put("key", "x" * 101))
    assert await rows_of(shared) == {"small"}
    assert await store.transact(lead("p2"))


async def test_the_bounds_hold_however_many_come(shared: Ground) -> None:
    """The room is measured only now and then, and never left."""
    room = Room(rows=500)
    store = shared.another(room=room)
    for number in range(0, 1200, 100):
        await store.transact(partial(_put_many, number))
        assert len(await rows_of(shared)) <= room.rows
    assert len(await rows_of(shared)) >= room.rows / 2


async def test_making_room_is_quick_in_a_table_the_server_believes_empty(postgres: Ground) -> None:
    """Its statistics are as old as its last look, and what was deleted is not gone from the disk."""

    def hurrying(unit: Any, start: int) -> None:
        unit.cache._transaction.execute(text("SET LOCAL statement_timeout = '5s'"))
        _put_many(start, unit)

    fill(postgres, 17_000)
    for statement in ("DELETE FROM answer_cache", "ANALYZE answer_cache"):
        await postgres.do(lambda unit, it=statement: unit.cache._transaction.execute(text(it)))
    store = postgres.another(room=Room(rows=500))
    for number in range(0, 1200, 100):
        await store.transact(partial(hurrying, start=number))
    assert len(await rows_of(postgres)) <= 500


def _put_many(start: int, unit: UnitOfWork) -> None:
    for number in range(start, start + 100):
        put(f"key{number}", "x" * 10, expires_at=FAR)(unit)


async def test_a_full_cache_is_as_quick_as_an_empty_one(shared: Ground, record_property: Any) -> None:
    fill(shared, 17_000)
    spent: dict[str, list[float]] = {"get": [], "put": [], "lead": []}
    for number in range(40):
        key = f"key{number * 400}"
        for name, work in (("get", get(key)), ("put", put(f"n{number}", expires_at=FAR)), ("lead", lead("p", key))):
            began = perf_counter()
            await shared.do(work)
            spent[name].append(perf_counter() - began)
    for name, times in spent.items():
        record_property(f"{name}_ms", median(times) * 1e3)
        assert median(times) < 0.05


def fill(ground: Ground, count: int) -> None:
    same = {"kind": "answer", "created_at": START, "used_at": START, "expires_at": FAR, "hits": 0, "bytes": 2000}
    rows = [{"tenant": "t", "owner": ANN.owner, "key": f"key{n}", "text": "x" * 2000, **same} for n in range(count)]
    engine = open_engine(read_url(ground.url))
    with engine.begin() as connection:
        connection.execute(insert(ANSWER_CACHE), rows)
    engine.dispose()
