"""The one folder skills may touch."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from agents.workspace import Entry, Workspace, shown
from domain.errors import Misconfigured, NotFound, Refused


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    place = tmp_path / "outside"
    place.mkdir()
    (place / "secret.txt").write_text("secret")
    return place


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "inside")
    made.write("a.txt", b"one")
    made.write("folder/b.txt", b"two")
    return made


@pytest.mark.parametrize("path", ["a.txt", "./a.txt", "folder/./b.txt", "folder", "", ".", "new/deep/file.txt"])
def test_places_inside_are_found(workspace: Workspace, path: str) -> None:
    assert workspace.resolve(path) == (workspace.root / path).resolve()


def test_absolute_paths_inside_are_accepted_by_either_name_of_the_root(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to(tmp_path / "real")
    workspace = Workspace(tmp_path / "alias")
    workspace.write(str(tmp_path / "alias" / "a.txt"), b"x")
    assert workspace.read(str(tmp_path / "real" / "a.txt")) == b"x"
    assert workspace.relative(tmp_path / "alias" / "d" / "a.txt") == "d/a.txt"
    assert workspace.relative(workspace.resolve("a.txt")) == "a.txt"


BAD = [
    "..",
    "../outside/secret.txt",
    "folder/../../outside/secret.txt",
    "folder/..",
    "/etc/passwd",
    "/",
    "/dev/zero",
    "/proc/self/environ",
    "a.txt\0.png",
    "\0",
    "\ud800.txt",
    "x" * 300,
    "d/" * 3000 + "x",
]


@pytest.mark.parametrize("path", BAD)
def test_places_outside_are_refused_by_name(workspace: Workspace, outside: Path, path: str) -> None:
    for attempt in (workspace.open_read, workspace.entries, lambda path: workspace.write(path, b"x")):
        with pytest.raises(Refused) as refused:
            attempt(path)
        assert refused.value.key == "skill.outside_workspace"
    assert (outside / "secret.txt").read_text() == "secret"


def test_links_that_lead_out_are_refused(workspace: Workspace, outside: Path) -> None:
    (workspace.root / "file").symlink_to(outside / "secret.txt")
    (workspace.root / "away").symlink_to(outside)
    (workspace.root / "up").symlink_to("..")
    (workspace.root / "loop").symlink_to("loop")
    (workspace.root / "missing").symlink_to(outside / "new.txt")
    for path in ("file", "away/secret.txt", "up/outside/secret.txt", "loop", "missing", "away/new.txt"):
        with pytest.raises(Refused):
            workspace.write(path, b"changed")
        with pytest.raises(Refused):
            workspace.open_read(path)
    assert [path.name for path in outside.iterdir()] == ["secret.txt"]
    assert (outside / "secret.txt").read_text() == "secret"


def test_links_that_stay_inside_are_followed(workspace: Workspace) -> None:
    (workspace.root / "link").symlink_to("folder")
    assert workspace.read("link/b.txt") == b"two"
    assert workspace.relative(workspace.resolve("link/b.txt")) == "folder/b.txt"


def test_a_folder_swapped_for_a_link_after_the_check_is_not_followed(
    workspace: Workspace, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (outside / "b.txt").write_text("secret")
    folder, real_resolve = workspace.root / "folder", workspace.resolve

    def resolve_then_swap(path: str) -> Path:
        place = real_resolve(path)
        if not folder.is_symlink():
            folder.rename(workspace.root / "moved")
            folder.symlink_to(outside)
        return place

    monkeypatch.setattr(workspace, "resolve", resolve_then_swap)
    for attempt in (
        lambda: workspace.read("folder/b.txt"),
        lambda: workspace.write("folder/b.txt", b"changed"),
        lambda: workspace.entries("folder"),
    ):
        with pytest.raises(Refused):
            attempt()
        folder.unlink()
        (workspace.root / "moved").rename(folder)
    assert (outside / "b.txt").read_text() == "secret"


def test_a_file_swapped_for_a_link_after_the_check_is_not_followed(
    workspace: Workspace, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, real_resolve = workspace.root / "a.txt", workspace.resolve

    def resolve_then_swap(path: str) -> Path:
        place = real_resolve(path)
        file.unlink(missing_ok=True)
        file.symlink_to(outside / "secret.txt")
        return place

    monkeypatch.setattr(workspace, "resolve", resolve_then_swap)
    with pytest.raises(Refused):
        workspace.read("a.txt")
    file.unlink()
    file.write_text("one")
    workspace.write("a.txt", b"changed")
    assert (outside / "secret.txt").read_text() == "secret"
    assert file.read_text() == "changed"


def test_only_files_and_folders_exist(workspace: Workspace) -> None:
    os.mkfifo(workspace.root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(workspace.root / "socket"))
    for path in ("pipe", "socket"):
        with pytest.raises(Refused):
            workspace.open_read(path)
        with pytest.raises(Refused):
            workspace.write(path, b"x")
    assert [entry.path for entry in workspace.entries()] == ["a.txt", "folder"]


def test_a_pipe_that_appears_after_the_check_does_not_block(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_resolve = workspace.resolve

    def resolve_then_swap(path: str) -> Path:
        place = real_resolve(path)
        place.unlink()
        os.mkfifo(place)
        return place

    monkeypatch.setattr(workspace, "resolve", resolve_then_swap)
    with pytest.raises(Refused, match="not a file"):
        workspace.open_read("a.txt")


def test_files_are_read_whole_and_folders_are_not_files(workspace: Workspace) -> None:
    assert workspace.read("folder/b.txt") == b"two"
    for path in ("folder", "", "."):
        with pytest.raises(Refused, match="not a file"):
            workspace.open_read(path)
        with pytest.raises(Refused, match="not a file"):
            workspace.write(path, b"x")


@pytest.mark.parametrize("path", ["missing.txt", "missing/file.txt", "a.txt/inner"])
def test_what_is_not_there_is_not_found(workspace: Workspace, path: str) -> None:
    with pytest.raises(NotFound, match="There is no"):
        workspace.open_read(path)


def test_a_file_cannot_be_a_folder_on_the_way(workspace: Workspace) -> None:
    with pytest.raises(Refused):
        workspace.write("a.txt/inner", b"x")
    with pytest.raises(Refused, match="not a folder"):
        workspace.entries("a.txt")


def test_the_size_limit_holds_both_ways(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, max_file_bytes=3)
    workspace.write("fits", b"123")
    assert workspace.read("fits") == b"123"
    with pytest.raises(Refused, match="larger than the limit of 3"):
        workspace.write("big", b"1234")
    (tmp_path / "big").write_bytes(b"1234")
    with pytest.raises(Refused, match="larger than the limit of 3"):
        workspace.open_read("big")


def test_writing_replaces_in_one_step_and_leaves_nothing_behind(workspace: Workspace) -> None:
    reader = workspace.open_read("a.txt")
    workspace.write("a.txt", b"new")
    with reader:
        assert reader.read() == b"one"
    assert workspace.read("a.txt") == b"new"
    assert sorted(path.name for path in workspace.root.iterdir()) == ["a.txt", "folder"]


def test_a_failed_write_leaves_the_old_file(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(Exception, match="does not take") as failure:
        workspace.write("a.txt", b"new")
    assert failure.value.key == "skill.disk"
    assert workspace.read("a.txt") == b"one"
    assert sorted(path.name for path in workspace.root.iterdir()) == ["a.txt", "folder"]


def test_folders_are_listed_by_name(workspace: Workspace) -> None:
    (workspace.root / "link").symlink_to("a.txt")
    (workspace.root / os.fsdecode(b"\xff.txt")).touch()
    assert workspace.entries() == [
        Entry(path="a.txt", kind="file", size=3),
        Entry(path="folder", kind="folder", size=0),
    ]
    assert workspace.entries("folder") == [Entry(path="folder/b.txt", kind="file", size=3)]


def test_walking_goes_everywhere_but_hidden_places_and_stops_at_the_limit(workspace: Workspace) -> None:
    workspace.write(".git/config", b"x")
    workspace.write("folder/deep/c.txt", b"three")
    assert [entry.path for entry in workspace.walk()] == [
        "a.txt",
        "folder",
        "folder/b.txt",
        "folder/deep",
        "folder/deep/c.txt",
    ]
    assert [entry.path for entry in workspace.walk("folder", limit=2)] == ["folder/b.txt", "folder/deep"]


def test_a_folder_that_goes_away_while_walking_is_passed_over(workspace: Workspace) -> None:
    found = []
    for entry in workspace.walk():
        found.append(entry.path)
        if entry.path == "a.txt":
            (workspace.root / "folder" / "b.txt").unlink()
            (workspace.root / "folder").rmdir()
    assert found == ["a.txt", "folder"]


def test_a_root_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="XINGSHU_WORKSPACE"):
        Workspace(tmp_path / "file" / "inner")


def test_a_path_in_a_sentence_is_one_short_line() -> None:
    assert shown("a\nb\x1b[31m" + "c" * 500) == "a b" + "c" * 196 + "…"
