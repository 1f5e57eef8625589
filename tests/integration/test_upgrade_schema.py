"""Upgrades of the database lose nothing: from every older schema, killed in the middle, beside older programs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from structlog.testing import capture_logs

from dispatcher.turn import Arrived
from domain import events as e
from domain.answer import Answer, Author, Statement
from domain.task import Result, SubtaskState, TaskState
from storage import SqlStore, check, migrate, open_store
from storage.engines import open_engine, read_url
from storage.schema import MIGRATIONS, alembic_config
from tests.contract.stores import POSTGRES, fresh_url, happen
from tests.fakes import START, FakeClock
from tests.integration.test_migrations import counts, known_tables, write
from tests.unit.dispatcher.turns import stored, take

SCRIPTS = ScriptDirectory(str(MIGRATIONS))
HEADS = sorted(step.revision for step in SCRIPTS.walk_revisions())
OLDER = HEADS[:-1]
DONE = Answer(statements=(Statement(text="done"),), author=Author.RULES)
IN_FLIGHT = ("task", "subtask", "delivery", "inbox", "worker")


@pytest.fixture(params=["file", POSTGRES])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with fresh_url(request) as url:
        yield url


def filled_at(url: str, head: str) -> dict[str, int]:
    """A database of an older program with tasks in every state; how many rows it has."""
    engine = open_engine(read_url(url))
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), head)
        write(connection, known_tables(connection), *IN_FLIGHT)
        counted = counts(connection)
    engine.dispose()
    return counted


# --- tasks in flight ------------------------------------------------------------------------------------------


def _succeeds(key: str, attempt: int) -> Arrived:
    result = Result(summary="ok", output=[1])
    event = e.Succeeded(key=key, attempt=attempt, exec_id=None, agent="echo", result=result, at=START)
    return Arrived(readers={"RUNNIN": [lambda _: (event,)]}, looks_around=True)


@pytest.mark.parametrize("head", OLDER)
async def test_tasks_in_flight_at_every_older_schema_finish(url: str, head: str) -> None:
    filled_at(url, head)
    migrate(url)
    store: SqlStore = open_store(url, FakeClock())
    decided = await take(store, _succeeds("a", 1))
    assert decided.settled == ["RUNNIN"]
    answered = e.Answered(answer=DONE, at=START)
    await store.transact(lambda unit: happen("RUNNIN", [answered], unit))
    done = await stored(store, "RUNNIN")
    assert (done.state, done.subtasks["a"].state) == (TaskState.ANSWERED, SubtaskState.SUCCEEDED)
    waiting = await store.transact(lambda unit: unit.tasks.lock_received(START, 9))
    assert sorted(task.id for task in waiting) == ["CLAIME", "RECEIV"]
    expired = Arrived(timers=lambda task: [e.DeadlinePassed(at=task.deadline_at)], leases_until=START)
    late = timedelta(hours=2).total_seconds()
    settled = (await take(store, expired, at_s=late)).settled
    await store.close()
    assert set(settled) >= {"WAITIN"}


# --- the rule: first add, later take away ---------------------------------------------------------------------

Shape = dict[str, dict[str, bool]]
"""Tables, their columns, and whether a program that does not know a column can leave it out."""


def shape(connection: Connection) -> Shape:
    looked = inspect(connection)
    return {
        table: {
            column["name"]: bool(column["nullable"])
            or column["default"] is not None
            or column.get("autoincrement") is True
            for column in looked.get_columns(table)
        }
        for table in looked.get_table_names()
        if table != "alembic_version"
    }


def breaches(before: Shape, after: Shape) -> list[str]:
    """What of a step would break a program of the version before."""
    gone = [f"{table} is gone" for table in before.keys() - after.keys()]
    for table in before.keys() & after.keys():
        gone += [f"{table}.{column} is gone" for column in before[table].keys() - after[table].keys()]
        fresh = after[table].keys() - before[table].keys()
        gone += [f"{table}.{column} is necessary" for column in fresh if not after[table][column]]
    return sorted(gone)


@pytest.mark.parametrize(("before", "head"), list(pairwise(HEADS)))
def test_every_step_only_adds_or_says_why_not(tmp_path: object, before: str, head: str) -> None:
    engine = open_engine(read_url(f"sqlite:///{tmp_path}/x.db"))
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), before)
        known = shape(connection)
        command.upgrade(alembic_config(connection), head)
        found = breaches(known, shape(connection))
    engine.dispose()
    step = SCRIPTS.get_revision(head)
    assert step is not None
    assert found == sorted(getattr(step.module, "CONTRACT", {}))


def test_the_rule_can_be_broken() -> None:
    before = {"a": {"x": True, "y": True}, "b": {}}
    after = {"a": {"x": True, "new": False, "fine": True}, "c": {"z": False}}
    assert breaches(before, after) == ["a.new is necessary", "a.y is gone", "b is gone"]


# --- killed in the middle -------------------------------------------------------------------------------------

STOPS_INSIDE = """
import sys, time
from alembic import op
from storage import migrate

real = op.create_index

def stop(*args, **options):
    real(*args, **options)
    print("inside", flush=True)
    time.sleep(600)

op.create_index = stop
migrate(sys.argv[1])
"""


def test_a_migration_that_is_killed_is_done_by_the_next(url: str) -> None:
    counted = filled_at(url, OLDER[-1])
    dying = subprocess.Popen([sys.executable, "-c", STOPS_INSIDE, url], stdout=subprocess.PIPE, text=True)
    assert dying.stdout is not None
    assert dying.stdout.readline() == "inside\n"
    dying.kill()
    dying.communicate()
    engine = open_engine(read_url(url))
    with engine.begin() as connection:
        assert counts(connection) == counted  # as if it had never begun
    migrate(url)
    with engine.begin() as connection:
        after = counts(connection)
    engine.dispose()
    assert {table: after[table] for table in IN_FLIGHT} == {table: counted[table] for table in IN_FLIGHT}
    assert check(url).endswith(f"schema {HEADS[-1]}")


# --- and back -------------------------------------------------------------------------------------------------


async def test_a_program_of_the_version_before_starts_on_the_newer_schema(url: str) -> None:
    """Steps only add, so whoever goes back to the last release need not touch the database."""
    migrate(url)
    engine = open_engine(read_url(url))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with capture_logs() as logs:
        migrate(url)
    assert [line["event"] for line in logs] == ["schema_is_newer"]
    store = open_store(url, FakeClock())
    assert await store.transact(lambda unit: unit.tasks.recent(None, 9)) == []
    await store.close()
