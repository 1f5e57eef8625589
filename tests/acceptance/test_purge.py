"""Old tasks go, and are in the archive before; killed at any moment, no task is in neither place."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.acceptance.command import Command

pytestmark = [pytest.mark.process, pytest.mark.timeout(150)]


def test_what_was_purged_is_in_the_archive_and_nowhere_else(tmp_path: Path):
    command = Command(tmp_path)
    asked = command("ask", "echo hello", "--json")
    assert asked.code == 0, asked.err
    task = asked.json["task_id"]
    assert command("purge", "--older-than", "0s", "--dry-run", "--json").json["tasks"] == 1
    gone = command("purge", "--older-than", "0s", "--archive", "old.jsonl", "--json")
    assert (gone.code, gone.json["tasks"]) == (0, 1), gone.err
    (document,) = [json.loads(line) for line in (tmp_path / "old.jsonl").read_text().splitlines()]
    assert (document["task"]["id"], document["subtask"][0]["state"]) == (task, "succeeded")
    status = command("status", task)
    assert (status.code, task in status.err) == (2, True)
    with sqlite3.connect(tmp_path / ".xingshu/xingshu.db") as database:
        assert database.execute("SELECT count(*) FROM task, subtask, attempt").fetchall() == [(0,)]
    database.close()
