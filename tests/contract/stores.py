"""The store contract's grounds: SQLite in memory, a SQLite file, a schema of its own on a real PostgreSQL, and the twin
that simulations use."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import insert

from domain import events as e
from domain.ports import UnitOfWork
from domain.progress import run
from domain.task import Attempt, Task
from storage import Room, migrate, open_store
from storage.rows import Row
from tests.fakes import START, FakeClock
from tests.twins.rows import Database
from tests.twins.store import MemoryStore

T = TypeVar("T")

POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)
GROUNDS = ["twin", "memory", "file", POSTGRES]
REAL = ["file", POSTGRES]  # which several processes can open
SHARED = ["twin", *REAL]  # which several stores can
LOOSE = (  # tables to empty: deleting a task deletes all that belongs to it
    *("task", "inbox", "worker", "process", "answer_cache", "llm_call", "dead_letter"),
    *("person", "known_chat", "pairing", "knock", "preview", "leader", "cursor", "schedule"),
)

_SCHEMA: pytest.StashKey[str] = pytest.StashKey()
_FILE: pytest.StashKey[Path] = pytest.StashKey()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A database, empty but for its schema, and the first store that is open on it."""

    url: str
    clock: FakeClock
    store: Any  # a `domain.ports.Store`, of which some tests know what is inside
    stack: AsyncExitStack
    database: Database | None = None  # the twin's

    def another(self, room: Room | None = None, **options: str) -> Any:
        """One more store on the same database, as another process would have it. Options go to the server."""
        if self.database is not None:
            return MemoryStore(self.database, self.clock)
        joint = "&" if "?" in self.url else "?"
        url = self.url + "".join(f"{joint}{name}={value}" for name, value in options.items())
        store = open_store(url, self.clock, room)
        self.stack.push_async_callback(store.close)
        return store

    async def add(self, *tasks: Task) -> None:
        """Store new tasks."""
        await self.store.transact(lambda unit: [unit.tasks.add(task) for task in tasks])

    async def happens(self, task_id: str, *events: e.Event) -> Task:
        """Apply events to a stored task."""
        return await self.store.transact(partial(happen, task_id, events))

    async def do(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run work in the first store."""
        return await self.store.transact(work)


def happen(task_id: str, events: Sequence[e.Event], unit: UnitOfWork) -> Task:
    """What every stage does: lock, decide, put."""
    decided, effects = run(unit.tasks.lock([task_id])[task_id], events)
    return unit.tasks.put(decided, ended(effects))


def ended(effects: Sequence[e.Effect]) -> list[Attempt]:
    """The attempts that ended."""
    return [effect.attempt for effect in effects if isinstance(effect, e.RecordAttempt)]


class Runs:
    """Counts how often work was run."""

    def __init__(self, work: Callable[[UnitOfWork, int], Any]) -> None:
        self.count = 0
        self._work = work

    def __call__(self, unit: UnitOfWork) -> Any:
        self.count += 1
        return self._work(unit, self.count)


def claim(until: Any = START) -> Callable[[UnitOfWork], Task]:
    """A small change."""

    def work(unit: UnitOfWork) -> Task:
        return unit.tasks.put(replace(unit.tasks.lock(["AAAAAA"])["AAAAAA"], claimed_until=until))

    return work


def peek(unit: UnitOfWork) -> Task | None:
    return unit.tasks.peek("AAAAAA")


async def race(shared: Ground, *works: Callable[[UnitOfWork], T]) -> list[T]:
    """Run works at once, each in a process of its own as far as two go; what they returned."""
    stores = [shared.store, shared.another()]
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(stores[place % 2].transact(work)) for place, work in enumerate(works)]
    return [run.result() for run in runs]


async def overlap(postgres: Ground, first: Callable[[UnitOfWork], T], second: Callable[[UnitOfWork], T]) -> list[T]:
    """Commit the first only when the second is waiting for it: the tightest race there is; what they returned."""
    name = f"waits-{secrets.token_hex(4)}"
    loop, other = asyncio.get_running_loop(), postgres.another(application_name=name)

    def hold(unit: UnitOfWork) -> Any:
        done = first(unit)
        waiting = asyncio.run_coroutine_threadsafe(other.transact(second), loop)
        with psycopg.connect(postgres.url, autocommit=True) as watcher:
            stuck = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
            while watcher.execute(stuck, [name]).fetchone() != (1,):
                assert not waiting.done()
        return done, waiting

    done, waiting = await postgres.do(hold)
    return [done, await asyncio.wrap_future(waiting)]


async def plant(ground: Ground, table: str, **values: Any) -> None:
    """A row that no store of ours writes, such as one of another installation."""
    its = Row.metadata.tables[table]
    await ground.do(lambda unit: unit.tasks._transaction.execute(insert(its), [values]))  # type: ignore[attr-defined]


@asynccontextmanager
async def ground_of(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    """The ground a fixture is parametrised with."""
    clock = FakeClock()
    async with AsyncExitStack() as stack:
        if request.param == "twin":
            database = Database()
            yield Ground(url="", clock=clock, store=MemoryStore(database, clock), stack=stack, database=database)
            return
        url = _url_of(request)
        store = open_store(url, clock)
        stack.push_async_callback(store.close)
        yield Ground(url=url, clock=clock, store=store, stack=stack)


def _url_of(request: pytest.FixtureRequest) -> str:
    match request.param:
        case "memory":
            return "sqlite://"
        case "file":
            file = request.getfixturevalue("tmp_path") / "store.db"
            shutil.copy(_migrated_file(request), file)
            return f"sqlite:///{file}"
        case _:
            url = request.getfixturevalue("postgres_url")
            private = in_schema(url, _schema(request.config, url))
            _empty(private)
            return private


def in_schema(url: str, schema: str) -> str:
    """The server's URL with everything inside one schema, and no waiting for the disk."""
    return f"{url}?options=-csearch_path%3D{schema}%20-csynchronous_commit%3Doff"


def _migrated_file(request: pytest.FixtureRequest) -> Path:
    stash = request.config.stash
    if _FILE not in stash:
        stash[_FILE] = request.getfixturevalue("tmp_path_factory").mktemp("store") / "migrated.db"
        migrate(f"sqlite:///{stash[_FILE]}")
    return stash[_FILE]


def _schema(config: pytest.Config, url: str) -> str:
    if _SCHEMA not in config.stash:
        schema = config.stash[_SCHEMA] = new_schema(url)
        config.add_cleanup(partial(drop_schema, url, schema))
        migrate(in_schema(url, schema))
    return config.stash[_SCHEMA]


def new_schema(url: str) -> str:
    """An empty schema that nobody else uses."""
    schema = f"test_store_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    return schema


def drop_schema(url: str, schema: str) -> None:
    """Leave nothing behind."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


def _empty(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for table in LOOSE:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))


@contextmanager
def fresh_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database nobody migrated yet."""
    if request.param == "file":
        yield f"sqlite:///{request.getfixturevalue('tmp_path') / 'fresh.db'}"
        return
    url = request.getfixturevalue("postgres_url")
    schema = new_schema(url)
    try:
        yield in_schema(url, schema)
    finally:
        drop_schema(url, schema)
