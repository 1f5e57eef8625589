"""Results that wait for the broker outlive the process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.spool import FileSpool, MemorySpool, Spool
from domain.errors import Misconfigured
from domain.messages import ResultContent, ResultMessage


def result(agent: str = "echo", summary: str = "完成") -> ResultMessage:
    return ResultMessage(
        task_id="AAAAAA.a", source=agent, status="success", content=ResultContent(summary=summary, output={"n": [1]})
    )


@pytest.fixture(params=["memory", "file"])
def spool(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Spool]:
    made: Spool = MemorySpool() if request.param == "memory" else FileSpool(tmp_path / "new" / "spool.db")
    yield made
    made.close()


def test_a_result_waits_until_it_is_removed(spool: Spool) -> None:
    spool.put("x1", result())
    spool.put("x2", result(summary="second"))
    spool.put("x3", result("other"))
    assert spool.waiting("echo") == [("x1", result()), ("x2", result(summary="second"))]
    spool.remove("x1")
    spool.remove("never there")
    assert [exec_id for exec_id, _ in spool.waiting("echo")] == ["x2"]


def test_the_same_result_twice_is_kept_once(spool: Spool) -> None:
    spool.put("x1", result())
    spool.put("x1", result())
    assert len(spool.waiting("echo")) == 1


def test_a_file_outlives_its_process_and_can_be_shared(tmp_path: Path) -> None:
    first, second = FileSpool(tmp_path / "spool.db"), FileSpool(tmp_path / "spool.db")
    first.put("x1", result())
    assert second.waiting("echo") == [("x1", result())]
    first.close()
    second.close()
    third = FileSpool(tmp_path / "spool.db")
    assert third.waiting("echo") == [("x1", result())]
    third.close()


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path / "spool.db")
    spool._db.execute("INSERT INTO result VALUES ('old', 'echo', '{}')")
    spool.put("x1", result())
    assert [exec_id for exec_id, _ in spool.waiting("echo")] == ["x1"]
    spool.close()


def test_a_spool_that_fails_stops_nothing(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path / "spool.db")
    spool._db.execute("DROP TABLE result")
    spool.put("x1", result())
    spool.remove("x1")
    assert spool.waiting("echo") == []
    spool.close()


@pytest.mark.parametrize("kind", ["not a database", "a folder", "inside a file"])
def test_a_place_that_cannot_hold_a_spool_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "spool.db"
    if kind == "a folder":
        path.mkdir()
    else:
        path.write_text("something else entirely, long enough to be looked at" * 100)
    place = path / "inner" if kind == "inside a file" else path
    with pytest.raises(Misconfigured, match="XINGSHU_SPOOL"):
        FileSpool(place)


def test_a_spool_file_is_a_plain_sqlite_file(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path / "spool.db")
    spool.put("x1", result())
    spool.close()
    database = sqlite3.connect(tmp_path / "spool.db")
    assert database.execute("SELECT exec_id, agent FROM result").fetchall() == [("x1", "echo")]
    database.close()
