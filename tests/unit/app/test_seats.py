"""Seats stay the same over restarts, and no two living processes share one."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from app.seats import seat

HOLDER = """
import sys, pathlib
from app.seats import seat
with seat(pathlib.Path(sys.argv[1]), "echo") as name:
    print(name, flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """A process that sits, and where."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_one_that_is_killed_leaves_its_seat_to_the_next(tmp_path: Path) -> None:
    first, first_name = holder(tmp_path)
    second, second_name = holder(tmp_path)
    assert first_name != second_name
    first.kill()
    first.wait()
    third, third_name = holder(tmp_path)
    assert third_name == first_name
    for process in (first, second, third):
        process.kill()
        process.communicate()
    with seat(tmp_path, "echo") as name:
        assert name == first_name


def test_agents_do_not_take_one_anothers_seats(tmp_path: Path) -> None:
    with seat(tmp_path, "echo") as one, seat(tmp_path, "文件") as other, seat(tmp_path, "echo") as next_to_it:
        assert one is not None
        assert one == other
        assert next_to_it == one.removesuffix("1") + "2"


def test_another_folder_is_another_place(tmp_path: Path) -> None:
    """Two containers may well have equal host names."""
    with seat(tmp_path / "a", "echo") as one, seat(tmp_path / "b", "echo") as other:
        assert one != other


def test_a_seat_that_was_given_back_is_free(tmp_path: Path) -> None:
    names = set()
    for _ in range(3):
        with seat(tmp_path, "echo") as name:
            names.add(name)
    assert len(names) == 1


def test_where_no_folder_can_be_there_is_no_seat(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with ExitStack() as stack:
        assert stack.enter_context(seat(tmp_path / "file" / "workers", "echo")) is None
