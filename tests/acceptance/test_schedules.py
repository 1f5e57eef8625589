"""Work that begins later, with the real command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.command import Command

pytestmark = pytest.mark.process


def test_ask_waits_for_its_time(tmp_path: Path) -> None:
    ran = Command(tmp_path)("ask", "echo hello", "--in", "1s", "--expires", "1m", "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["answer"], ran.json["schedule"]) == ("hello", None)
    assert ran.json["run_at"] <= ran.json["subtasks"][0]["started_at"]


def test_what_is_scheduled_in_a_chat_is_seen_on_the_command_line(tmp_path: Path) -> None:
    xingshu = Command(tmp_path, {"XINGSHU_TIMEZONE": "Asia/Shanghai"})
    ran = xingshu("chat", "--user", "ann", text="/schedule 每天 9:00 汇总新闻\n/schedule\n/schedule blah\n")
    assert ran.out.startswith("已安排 ")
    assert "● " in ran.out
    (row,) = xingshu("schedule", "list", "--user", "ann", "--json").json
    assert (row["request"], row["zone"], row["is_paused"]) == ("汇总新闻", "Asia/Shanghai", False)
    assert row["schedule_id"] in ran.out
