"""The archive: a line per task, on the disk when it says so."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from app import archive
from app.commands.purge import read_duration
from domain.errors import Misconfigured


def lines(path: Path) -> list[object]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_per_document_private_and_growing(tmp_path: Path) -> None:
    path = tmp_path / "old" / "tasks.jsonl"
    archive.append(path, [{"a": 1}, {"b": "审查\n"}])
    archive.append(path, [{"c": "\ud800"}])
    assert lines(path)[:2] == [{"a": 1}, {"b": "审查\n"}]
    assert len(lines(path)) == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_is_on_the_disk_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    path = tmp_path / "tasks.jsonl"
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.stat().st_size))
    archive.append(path, [{"a": 1}])
    assert synced == [9, 9]  # the file, and the name of a new one


def test_a_line_that_a_crash_cut_off_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_text('{"a": 1}\n{"cut of')
    archive.append(path, [{"b": 2}])
    first, _, last = path.read_text().splitlines()
    assert (json.loads(first), json.loads(last)) == ({"a": 1}, {"b": 2})


@pytest.mark.parametrize(("typed", "seconds"), [("90d", 7_776_000), ("12h", 43_200), ("4w", 2_419_200), ("0s", 0)])
def test_ages_are_read(typed: str, seconds: int) -> None:
    assert read_duration(typed).total_seconds() == seconds


@pytest.mark.parametrize("typed", ["", "90", "d", "-1d", "1.5h", "1y"])
def test_what_is_no_age_is_refused(typed: str) -> None:
    with pytest.raises(Misconfigured, match="not an age"):
        read_duration(typed)
