"""How the databases find what the hot path asks for, among many tasks that ended long ago: never by reading a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Insert, Table, Text, cast, event, insert, literal, select, text, true

from domain import answer as a
from domain import events as e
from domain.ids import SubtaskId
from domain.ports import UnitOfWork
from domain.task import Result, Task
from storage.tables import ATTEMPT, DELIVERY, SUBTASK, TASK
from tests.builders import chain, planned, released
from tests.contract.stores import Ground, happen
from tests.fakes import START

OLD = 20_000  # ended tasks; with fewer, reading all of a table may be the best way
READS_A_TABLE = re.compile(
    r"Seq Scan on (?:task|subtask|attempt|delivery)\b|SCAN (?:task|subtask|attempt|delivery)\b(?! USING)"
)
Statement = tuple[str, Any]


async def test_no_statement_of_a_turn_reads_a_table(shared: Ground) -> None:
    await grow_old(shared)
    fresh = [released(planned(chain("a", "b"), f"NEW{place:03}"), "a") for place in range(3)]
    await shared.add(*fresh)
    with statements() as seen:
        for _ in range(2):  # the second time nothing has to be loaded
            await shared.do(lambda unit: turn(unit, fresh))
        await shared.another().transact(lambda unit: unit.tasks.lock([task.id for task in fresh]))
    assert {"UPDATE task", "UPDATE subtask", "INSERT INTO attempt"} <= {kind(statement) for statement, _ in seen}
    paths = [path for statement in seen for path in await shared.do(lambda unit, one=statement: explained(unit, one))]
    assert [path for path in paths if READS_A_TABLE.search(path)] == []


async def test_what_a_planner_looks_for_is_found_without_reading_a_table(shared: Ground) -> None:
    await grow_old(shared)
    with statements() as seen:
        await shared.do(lambda unit: [*unit.tasks.lock_received(START, 32), *unit.tasks.lock_postponed(START, 8)])
    paths = [path for statement in seen for path in await shared.do(lambda unit, one=statement: explained(unit, one))]
    assert [path for path in paths if READS_A_TABLE.search(path)] == []
    assert any("ix_task_unplanned" in path for path in paths)
    assert any("ix_task_postponed" in path for path in paths)


def turn(unit: UnitOfWork, fresh: Sequence[Task]) -> None:
    """All that the dispatcher asks for, of the first transaction and of one whose reports come twice."""
    unit.tasks.in_flight()
    unit.tasks.next_due()
    unit.tasks.lock_ready(START, 64)
    unit.tasks.lock_ready_of([task.id for task in fresh], START)
    unit.tasks.lock_overdue(START, START, 64)
    unit.outbox.unpublished(START, 200)
    for task in unit.tasks.lock([task.id for task in fresh]).values():
        succeeded = e.Succeeded(
            key="a", attempt=1, exec_id=None, agent="echo", result=Result(summary=task.id), at=START
        )
        follows = e.Released(key="b", agent="echo", at=START, due_at=START + timedelta(minutes=1))
        happen(task.id, [succeeded, follows], unit)
    unit.outbox.confirm([(SubtaskId(task.id, "b"), 1) for task in fresh], START)


async def grow_old(ground: Ground) -> None:
    """Many tasks that were answered and shown."""
    done = e.Succeeded(key="a", attempt=1, exec_id=None, agent="echo", result=Result(summary=""), at=START)
    answer = a.Answer(statements=(a.Statement(text="done"),), author=a.Author.RULES)
    await ground.add(released(planned(chain("a"), "OLDEST"), "a"))
    await ground.happens("OLDEST", done, e.Answered(answer=answer, at=START))
    await ground.do(lambda unit: unit.deliveries.delivered("OLDEST", START))
    await ground.do(copy_oldest)


def copy_oldest(unit: UnitOfWork) -> None:
    connection: Connection = unit.tasks._transaction.connection  # type: ignore[attr-defined] # many rows, which no store writes
    for table, key in ((TASK, "id"), (SUBTASK, "task_id"), (ATTEMPT, "task_id"), (DELIVERY, "task_id")):
        connection.execute(copies(table, key))
    connection.execute(text("ANALYZE"))


def copies(table: Table, key: str) -> Insert:
    """Its first row again and again, each time of another task."""
    number = select(literal(1).label("n")).cte("number", recursive=True)
    number = number.union_all(select(number.c.n + 1).where(number.c.n < OLD))
    names = [column.name for column in table.c if not (table is ATTEMPT and column.name == "id")]
    values = [literal("OLD") + cast(number.c.n, Text) if name == key else table.c[name] for name in names]
    return insert(table).from_select(names, select(*values).join_from(table, number, true()))


@contextmanager
def statements() -> Iterator[list[Statement]]:
    """What is sent to databases meanwhile."""
    seen: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, given: Any, *rest: Any) -> None:
        seen.append((statement, given[0] if rest[-1] else given))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def kind(statement: str) -> str:
    return " ".join(statement.split()[: 3 if statement.startswith("INSERT") else 2])


def explained(unit: UnitOfWork, statement: Statement) -> list[str]:
    """The steps the database takes, with the statement behind each."""
    connection: Connection = unit.tasks._transaction.connection  # type: ignore[attr-defined] # only asked about
    sent, given = statement
    if sent.split()[0] not in {"SELECT", "UPDATE", "INSERT", "DELETE", "WITH"}:
        return []
    asks = "EXPLAIN " if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    values: Mapping[str, Any] | tuple[Any, ...] = given
    rows = connection.exec_driver_sql(asks + sent, values or None)
    return [f"{row[-1]}   <- {sent}" for row in rows]
