"""Which files of an answer may go out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.files import files_of, nothing_found


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    (root / "out" / "deep").mkdir(parents=True)
    (root / "a.txt").write_text("a")
    (root / "out" / "deep" / "图.png").write_bytes(b"png")
    (root / "large.bin").write_bytes(b"x" * 101)
    (root / "empty").write_bytes(b"")
    (tmp_path / "secret").write_text("secret")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "way").symlink_to(tmp_path)
    (root / "inner").symlink_to(root / "a.txt")
    os.mkfifo(root / "pipe")
    return root


def test_files_of_the_workspace_are_found(workspace: Path) -> None:
    found = files_of(workspace)(["a.txt", "out/deep/图.png", "a.txt", "./a.txt"], 100)
    assert [(one.name, one.path) for one in found.attachments][:2] == [
        ("a.txt", workspace / "a.txt"),
        ("图.png", workspace / "out/deep/图.png"),
    ]
    assert found.missing == ()


def test_an_absolute_path_into_the_workspace_is_fine(workspace: Path) -> None:
    found = files_of(workspace)([str(workspace / "a.txt")], 100)
    assert [one.path for one in found.attachments] == [workspace / "a.txt"]


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "out/../../secret",
        "link",
        "inner",
        "way/secret",
        "/etc/passwd",
        "out",
        "out/deep",
        "pipe",
        "large.bin",
        "empty",
        "gone.txt",
        "",
        ".",
        "..",
        "a.txt\0",
        "a.txt/b",
        "x" * 5000,
        "\ud800",
    ],
)
def test_nothing_else_is(workspace: Path, path: str) -> None:
    found = files_of(workspace)([path, "a.txt"], 100)
    assert [one.name for one in found.attachments] == ["a.txt"]
    assert len(found.missing) == 1
    assert len(found.missing[0]) <= 130
    found.missing[0].encode()


def test_without_a_workspace_everything_is_missing() -> None:
    assert nothing_found(["out/a.txt"], 100).missing == ("a.txt",)


def test_no_descriptor_stays_open(workspace: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(50):
        files_of(workspace)(["a.txt", "way/secret", "out/deep/图.png", "out/gone/x"], 100)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
