"""Crash points: which there are, and that a process which is told to ends there and nowhere else."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.failpoints import POINTS, Failpoints
from app.settings import load
from domain.errors import Misconfigured

PROGRAM = """
import sys
from app.failpoints import Failpoints
points = Failpoints(sys.argv[1])
for point in sys.argv[2:]:
    points.reached(point)
    print(point, flush=True)
"""


def reaching(text: str, *points: str) -> tuple[int, list[str]]:
    """How a process ends that reaches these points, and which it came past."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM, text, *points], capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout.splitlines()


ROW = ("intake.commit.before", "intake.commit.after", "intake.commit.before", "agent.skill.after")


def test_a_process_ends_at_its_crash_point_without_a_farewell():
    assert reaching("intake.commit.after", *ROW) == (-signal.SIGKILL, list(ROW[:1]))
    assert reaching("intake.commit.before:2", *ROW) == (-signal.SIGKILL, list(ROW[:2]))
    assert reaching("chat.card.after", *ROW) == (0, list(ROW))


def test_a_file_says_when_and_is_used_up(tmp_path: Path):
    order = tmp_path / "point"
    assert reaching(f"@{order}", *ROW) == (0, list(ROW))
    order.write_text("agent.skill.after\n")
    assert reaching(f"@{order}", *ROW) == (-signal.SIGKILL, list(ROW[:3]))
    assert not order.exists()


@pytest.mark.parametrize("text", ["nowhere", "intake.commit", "intake.commit.after:0", "intake.commit.after:x"])
def test_what_is_no_crash_point_is_refused_and_the_list_named(text: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XINGSHU_FAIL", text)
    with pytest.raises(Misconfigured, match="XINGSHU_FAIL"):
        load()


def test_every_crash_point_is_listed_with_what_happens_there():
    listed = subprocess.run([sys.executable, "-m", "app.failpoints"], capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(POINTS)
    assert all(POINTS.values())


def test_without_the_setting_there_are_none():
    assert load().fail == ""
    with pytest.raises(ValueError, match=r"app\.failpoints"):
        Failpoints("")
