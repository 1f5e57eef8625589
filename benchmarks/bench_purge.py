"""What letting old tasks go costs, and what work costs meanwhile, with many finished tasks stored.

    python -m benchmarks.bench_purge [TASKS] [sqlite:///path | postgresql://...]...

`purge` is one batch: find the oldest tasks, delete them and all that belongs to them. `settle` is a small turn of the
dispatcher: lock a task, settle a result, release its child. It is measured with nothing stored, with everything stored,
and while the purge goes on.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from time import perf_counter, process_time
from typing import Any

import psycopg
from sqlalchemy import Connection, insert, select

from dispatcher.retention import TASKS
from domain import events as e
from domain.answer import Answer, Author, Statement
from domain.ids import task_id
from domain.plan import Node, Plan
from domain.ports import UnitOfWork
from domain.progress import run
from domain.task import Attempt, Result, Route, Scope, Task
from storage import SqlStore, migrate, open_store
from storage.engines import open_engine, read_url
from storage.tables import ATTEMPT, DELIVERY, INBOX, SUBTASK, TASK

OLD = datetime(2025, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
POSTGRES = "postgresql://postgres@127.0.0.1:5432/test"
SCHEMA = "bench_purge"
CHUNK = 2000
BATCHES = 100
TURNS = 200
ANSWER = Answer(statements=(Statement(text="x" * 400),), author=Author.RULES)
RESULT = Result(summary="x" * 120, output={"rows": list(range(10)), "text": "y" * 60})


class StillClock:
    """Time that stands still: nothing here depends on it."""

    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def planned(name: str, at: datetime, length: int) -> Task:
    nodes = tuple(Node(id=f"n{n}", skill="echo", dependencies=(f"n{n - 1}",) if n else ()) for n in range(length))
    task = Task(
        id=name,
        scope=Scope(tenant="main", owner="bench:1"),
        route=Route(platform="bench", bot_id="b", chat_id="c"),
        request="do it " * 10,
        language="en",
        trace_id="0" * 32,
        created_at=at,
        deadline_at=at + timedelta(hours=1),
    )
    return run(task, [e.Planned(plan=Plan(nodes=nodes), at=at)])[0]


def happen(uow: UnitOfWork, name: str, happened: Sequence[e.Event]) -> None:
    task, effects = run(uow.tasks.lock([name])[name], happened)
    ended: list[Attempt] = [effect.attempt for effect in effects if isinstance(effect, e.RecordAttempt)]
    uow.tasks.put(task, ended)


def done(key: str, at: datetime, attempt: int = 1) -> list[e.Event]:
    released = e.Released(key=key, agent="echo", at=at, due_at=at + timedelta(minutes=2))
    return [released, e.Succeeded(key=key, attempt=attempt, exec_id=None, agent="echo", result=RESULT, at=at)]


def finish(uow: UnitOfWork, name: str) -> None:
    """A finished task, shown and all: what the others are copies of."""
    uow.inbox.claim("bench", "b", name, name, "do it")
    uow.tasks.add(planned(name, OLD, 3))
    happen(uow, name, [*done("n0", OLD), *done("n1", OLD), *done("n2", OLD), e.Answered(answer=ANSWER, at=OLD)])
    uow.deliveries.shown(name, uow.tasks.lock([name])[name].version, "m")
    uow.deliveries.delivered(name, OLD)


def fill(connection: Connection, template: str, count: int) -> None:
    """Copies of the template, all that belongs to it included."""
    tables = (TASK, SUBTASK, ATTEMPT, DELIVERY, INBOX)
    for table in tables:
        owner = table.c.id if table is TASK else table.c.task_id
        rows = [dict(row) for row in connection.execute(select(table).where(owner == template)).mappings()]
        for chunk in chunks(count):
            connection.execute(insert(table), [copy(table.name, row, n) for n in chunk for row in rows])
    connection.commit()


def chunks(count: int) -> Iterator[range]:
    return (range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))


def copy(table: str, row: dict[str, Any], number: int) -> dict[str, Any]:
    name, at = task_id(number + 1), OLD + timedelta(seconds=number)
    if table == "task":
        return row | {"id": name, "created_at": at, "answered_at": at}
    fresh = {column: value for column, value in row.items() if (table, column) != ("attempt", "id")}
    return fresh | {"task_id": name} | ({"update_key": name, "claimed_at": at} if table == "inbox" else {})


async def settle(store: SqlStore, name: str, turn: int) -> float:
    """One small turn; its milliseconds."""
    began = perf_counter()
    await store.transact(lambda uow: happen(uow, name, done(f"n{turn}", NOW)))
    return (perf_counter() - began) * 1000


async def turns(store: SqlStore, name: str) -> list[float]:
    await store.transact(lambda uow: uow.tasks.add(planned(name, NOW, TURNS)))
    return [await settle(store, name, turn) for turn in range(TURNS)]


def purge(uow: UnitOfWork) -> int:
    return uow.retention.drop(uow.retention.over(NOW, TASKS))


async def purges(store: SqlStore, pause_s: float) -> list[float]:
    spent: list[float] = []
    for _ in range(BATCHES):
        began = perf_counter()
        await store.transact(purge)
        spent.append((perf_counter() - began) * 1000)
        await asyncio.sleep(pause_s)
    return spent


async def processor_ms(store: SqlStore) -> float:
    """Our own processor time of one batch; on a busy machine it says more than the clock on the wall."""
    began = process_time()
    await purges(store, 0.0)
    return (process_time() - began) * 1000 / BATCHES


def told(name: str, spent: list[float]) -> None:
    ordered = sorted(spent)
    at = {share: ordered[int((len(ordered) - 1) * share)] for share in (0.5, 0.95, 1.0)}
    print(f"  {name:34} p50 {at[0.5]:7.2f}   p95 {at[0.95]:7.2f}   max {at[1.0]:7.2f} ms")


async def measure(url: str, count: int) -> None:
    migrate(url)
    store = open_store(url, StillClock())
    told("settle, nothing stored", await turns(store, "ZZZZZ0"))
    await store.transact(partial(finish, name="ZZZZZZ"))
    engine = open_engine(read_url(url))
    with engine.connect() as connection:
        fill(connection, "ZZZZZZ", count)
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    engine.dispose()
    told(f"settle, {count:,} tasks stored", await turns(store, "ZZZZZ1"))
    told(f"purge, {TASKS} tasks", await purges(store, 0.0))
    print(f"  purge, our processor time of a batch   {await processor_ms(store):7.2f} ms")
    other = open_store(url, StillClock())  # as another process would have it
    async with asyncio.TaskGroup() as group:
        purging = group.create_task(purges(other, 0.05))
        told("settle, while the purge goes on", await turns(store, "ZZZZZ2"))
    told(f"purge, {TASKS} tasks, while work goes on", purging.result())
    await other.close()
    await store.close()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        for url in sys.argv[2:] or [f"sqlite:///{folder}/bench.db", POSTGRES]:
            print(url.partition("?")[0].rpartition("@")[2] or url)
            if not url.startswith("postgresql"):
                asyncio.run(measure(url, count))
                continue
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
                connection.execute(f"CREATE SCHEMA {SCHEMA}")
                asyncio.run(measure(f"{url}?options=-csearch_path%3D{SCHEMA}", count))
                connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


if __name__ == "__main__":
    main()
