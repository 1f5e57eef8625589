"""A step that was given up is brought back from its dead letter, as a new task that keeps what succeeded."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.acceptance.command import Command

pytestmark = [pytest.mark.process, pytest.mark.timeout(150)]


LETTER = """
INSERT INTO dead_letter (id, tenant, at, last_at, agent, reason, subtask, detail, body, seen, fate)
SELECT 'ABCDEFGH', 'main', now, now, 'echo', 'poison', ?, '', '', 1, 'open'
FROM (SELECT strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now') AS now)
"""


def test_a_step_that_nobody_took_is_requeued(tmp_path: Path):
    command = Command(tmp_path)
    well = {"id": "a", "skill": "echo", "params": {"text": "hi"}}
    ill = {"id": "b", "skill": "file_read", "params": {"path": "not/there.txt"}}
    (tmp_path / "plan.json").write_text(json.dumps({"tasks": [well, ill]}))
    ran = command("run", "plan.json", "--json")
    assert [subtask["state"] for subtask in ran.json["subtasks"]] == ["succeeded", "failed"], ran.out
    with sqlite3.connect(tmp_path / ".xingshu/xingshu.db") as database:  # as after twenty handbacks
        database.execute(LETTER, (f"{ran.json['task_id']}.b",))
    database.close()
    (tmp_path / "not").mkdir()
    (tmp_path / "not/there.txt").write_text("mended")
    again = command("dead", "requeue", "ABCDEFGH", "--json")
    assert (again.code, again.json["task_id"] != ran.json["task_id"]) == (0, True), again.err
    refused = command("dead", "requeue", "ABCDEFGH")
    assert (refused.code, "already" in refused.err) == (2, True)
