"""When the database fails: what is run again, what is not, and what the caller is told."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
import pytest
from sqlalchemy import Connection, update
from sqlalchemy.exc import IntegrityError

import storage.store
from domain.errors import Misconfigured, StoreDown
from domain.ports import UnitOfWork
from domain.task import Attempt, Outcome, Task
from storage import SqlStore, engines, open_store
from storage.faults import Conflict, Unsure
from storage.tables import TASK
from tests.builders import chain, planned, task
from tests.contract.stores import Ground, Runs, claim, ground_of, peek
from tests.fakes import START, FakeClock

T = TypeVar("T")


@pytest.fixture(params=["file"])
async def file(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    async with ground_of(request) as ground:
        yield ground


async def test_a_conflict_runs_the_work_again(ground: Ground) -> None:
    await ground.add(task())

    def work(unit: UnitOfWork, run: int) -> Task:
        changed = claim()(unit)
        if run < 3:
            raise Conflict
        return changed

    runs = Runs(work)
    assert (await ground.do(runs)).version == 1
    assert runs.count == 3


async def test_a_task_that_is_not_what_was_locked_is_a_conflict(ground: Ground) -> None:
    await ground.add(task())

    def work(unit: Any, run: int) -> Task:
        changed = claim()(unit)
        if run == 1:
            unit.tasks._transaction.connection.execute(update(TASK).values(version=7))
        return changed

    runs = Runs(work)
    assert (await ground.do(runs)).version == 1
    assert runs.count == 2


async def test_a_bug_passes_through_and_is_not_repeated(ground: Ground) -> None:
    await ground.add(planned(chain("a")))
    nameless = Attempt(
        key="a",
        number=None,  # type: ignore[arg-type] # the bug
        agent="",
        worker=None,
        exec_id=None,
        started_at=None,
        ended_at=START,
        outcome=Outcome.FAILED,
    )
    runs = Runs(lambda unit, _: unit.tasks.put(unit.tasks.lock(["AAAAAA"])["AAAAAA"], [nameless]))
    with pytest.raises(IntegrityError):
        await ground.do(runs)
    assert runs.count == 1
    assert await ground.do(peek) == planned(chain("a"))


async def test_a_conflict_that_stays_is_the_database_being_down(ground: Ground) -> None:
    def work(_: UnitOfWork, __: int) -> None:
        raise Conflict

    runs = Runs(work)
    with pytest.raises(StoreDown) as caught:
        await ground.do(runs)
    assert runs.count == 5
    assert isinstance(caught.value.__cause__, Conflict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """A store whose connections can be ended from outside."""

    store: SqlStore
    url: str
    name: str

    async def do(self, work: Callable[[UnitOfWork], T]) -> T:
        return await self.store.transact(work)

    def die(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            theirs = "FROM pg_stat_activity WHERE application_name = %s"
            ended = connection.execute(f"SELECT pg_terminate_backend(pid, 10000) {theirs}".encode(), [self.name])
            assert ended.fetchall()


@pytest.fixture
async def victim(postgres: Ground) -> Victim:
    name = f"victim-{secrets.token_hex(4)}"
    store = postgres.another(application_name=name)
    await postgres.add(task())
    await store.transact(peek)
    return Victim(store=store, url=postgres.url, name=name)


async def test_connections_that_died_idle_are_replaced(victim: Victim) -> None:
    victim.die()
    assert await victim.do(peek) == task()


async def test_a_connection_that_dies_before_the_commit_costs_one_more_run(victim: Victim) -> None:
    def work(unit: UnitOfWork, run: int) -> Task:
        changed = claim()(unit)
        if run == 1:
            victim.die()
        return changed

    runs = Runs(work)
    assert (await victim.do(runs)).version == 1
    assert runs.count == 2
    assert (await victim.do(peek)).version == 1


async def test_a_connection_that_dies_again_is_the_database_being_down(victim: Victim) -> None:
    def work(unit: UnitOfWork, _: int) -> None:
        claim()(unit)
        victim.die()

    runs = Runs(work)
    with pytest.raises(StoreDown):
        await victim.do(runs)
    assert runs.count == 2
    assert await victim.do(peek) == task()


async def test_a_commit_of_unknown_outcome_is_not_repeated_and_can_be_asked_again(victim: Victim) -> None:
    def work(unit: UnitOfWork, run: int) -> str | None:
        earlier = unit.inbox.claim("telegram", "b", "7", "BBBBBB")
        if earlier is None:
            unit.tasks.add(task("BBBBBB"))
        if run == 1:
            victim.die()
        return earlier

    runs = Runs(work)
    with pytest.raises(StoreDown) as caught:
        await victim.do(runs)
    assert runs.count == 1
    assert caught.value.__cause__ is not None
    assert await victim.do(runs) is None  # it was not committed: the update is new
    assert await victim.do(runs) == "BBBBBB"  # now it was: asking again finds the same task
    assert await victim.do(lambda unit: len(unit.tasks.recent(None, 10))) == 2


async def test_a_commit_whose_confirmation_was_lost_is_found_when_asked_again(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit_and_die(connection: Connection) -> None:
        connection.commit()
        raise Unsure

    def accept(unit: UnitOfWork) -> str | None:
        earlier = unit.inbox.claim("telegram", "b", "7", "AAAAAA")
        if earlier is None:
            unit.tasks.add(task())
        return earlier

    with monkeypatch.context() as patch:
        patch.setattr(storage.store, "_commit", commit_and_die)
        with pytest.raises(StoreDown):
            await ground.do(accept)
    assert await ground.do(accept) == "AAAAAA"
    assert await ground.do(peek) == task()


async def test_a_server_that_is_not_there_is_down(unused_tcp_port: int) -> None:
    store = open_store(f"postgresql://u:secret@127.0.0.1:{unused_tcp_port}/x", FakeClock())
    with pytest.raises(StoreDown) as caught:
        await store.transact(peek)
    assert "secret" not in repr(caught.value) + str(caught.value.__cause__)
    await store.close()


async def test_a_database_without_its_schema_says_what_to_do(tmp_path: Any) -> None:
    store = open_store(f"sqlite:///{tmp_path}/empty.db", FakeClock())
    with pytest.raises(Misconfigured, match="xingshu setup"):
        await store.transact(peek)
    await store.close()


async def test_a_file_that_is_no_database_is_named_so(tmp_path: Any) -> None:
    (tmp_path / "not.db").write_text("this is no database, whatever it is called" * 100)
    store = open_store(f"sqlite:///{tmp_path}/not.db", FakeClock())
    with pytest.raises(Misconfigured, match="not a SQLite database"):
        await store.transact(peek)
    await store.close()


async def test_a_file_somebody_else_keeps_locked_is_down(file: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_S", 0)
    with sqlite3.connect(file.url.removeprefix("sqlite:///"), isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreDown):
            await file.another().transact(peek)
        holder.execute("ROLLBACK")
    holder.close()
    assert await file.do(peek) is None
