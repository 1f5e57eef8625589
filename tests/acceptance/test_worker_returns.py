"""A worker that is killed and started again: what it held goes on at once, not when its lease ends."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.acceptance.command import Command
from tests.acceptance.deployment import services_of_its_own

pytestmark = [pytest.mark.process, pytest.mark.rabbitmq, pytest.mark.postgres, pytest.mark.timeout(120)]


@pytest.fixture
def command(amqp_url: str, postgres_url: str, tmp_path: Path) -> Iterator[Command]:
    """A deployment in which a lease outlasts the test by far."""
    with services_of_its_own(amqp_url, postgres_url) as settings:
        yield Command(tmp_path, {**settings, "XINGSHU_LEASE_S": "600", "XINGSHU_DISPATCH_TTL_S": "600"})


def until_held(command: Command) -> set[str]:
    """Wait until a worker holds a lease; the names of all workers there are. The database does the waiting."""
    with psycopg.connect(command.settings["DATABASE_URL"], autocommit=True) as database:
        while not database.execute("SELECT 1 FROM subtask WHERE lease_worker IS NOT NULL").fetchall():
            database.execute("SELECT pg_sleep(0.1)")
        return names_in(database)


def names_in(database: psycopg.Connection[Any]) -> set[str]:
    return {name for (name,) in database.execute("SELECT worker FROM worker WHERE agent = 'echo'")}


def test_a_killed_worker_takes_up_what_it_held(command: Command):
    slow = {"id": "slow", "skill": "echo", "params": {"text": "done", "seconds": 3}}
    (command.folder / "plan.json").write_text(json.dumps({"tasks": [slow]}))
    serving = command.start_serving("serve", "--role", "planner,dispatcher,aggregator,bot")
    workers = [command.start("worker", "echo"), command.start("worker", "echo")]
    asking = command.start("run", "plan.json", "--json")
    try:
        names = until_held(command)
        for worker in workers:
            worker.kill()
            worker.wait()
        workers = [command.start("worker", "echo"), command.start("worker", "echo")]
        assert asking.wait(60) == 0, command.log()[-4000:]
        (row,) = command("tasks", "--json").json
        (step,) = command("status", row["task_id"], "--json").json["subtasks"]
        assert (step["state"], step["attempts"]) == ("succeeded", 2)
        with psycopg.connect(command.settings["DATABASE_URL"]) as database:
            assert names_in(database) == names
    finally:
        asking.kill()
        asking.wait()
        for process in (serving, *workers):
            process.send_signal(signal.SIGTERM)
        assert [process.wait(40) for process in (serving, *workers)] == [0, 0, 0]
