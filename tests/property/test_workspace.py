"""Whatever path is asked for, nothing outside the workspace is read, written or made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.workspace import Workspace
from domain.errors import Refused, Unavailable

SECRET = b"secret"
PARTS = st.one_of(
    st.sampled_from(
        ["..", ".", "", "~", "in", "out", "link", "up", "loop", "f.txt", "secret.txt", "...", "..\\", "%2e%2e", "a b"]
    ),
    st.text(max_size=6),
    st.sampled_from(["‥", "．．", "/", "\0", "\\..\\", "..\n", "\u202e..", "．．/", "C:", "//"]),
)
PATHS = st.builds(
    lambda root, parts: root + "/".join(parts), st.sampled_from(["", "/", "./", "//"]), st.lists(PARTS, max_size=6)
)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Path]:
    """A workspace with every kind of link in it, beside a folder nobody may touch."""
    top = tmp_path_factory.mktemp("ground")
    outside = top / "out"
    outside.mkdir()
    (outside / "secret.txt").write_bytes(SECRET)
    workspace = Workspace(top / "workspace")
    workspace.write("in/f.txt", b"fine")
    for name, target in {"link": outside, "up": "..", "loop": "loop", "out": "../out/secret.txt"}.items():
        (workspace.root / name).symlink_to(target)
    return workspace, top


def snapshot(top: Path, workspace: Workspace) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes() if path.is_file() else b""
        for path in top.rglob("*")
        if not path.is_relative_to(workspace.root)
    }


@given(path=PATHS)
def test_no_path_reaches_out(ground: tuple[Workspace, Path], path: str) -> None:
    workspace, top = ground
    before = snapshot(top, workspace)
    try:
        with workspace.open_read(path) as file:
            assert file.read() != SECRET
            inside = Path(f"/proc/self/fd/{file.fileno()}").resolve()
        assert inside.is_relative_to(workspace.root)
    except Refused:
        pass
    try:
        workspace.write(path, b"written")
    except (Refused, Unavailable):
        pass
    else:
        assert workspace.resolve(path).read_bytes() == b"written"
    assert snapshot(top, workspace) == before


@given(path=PATHS)
def test_a_resolved_place_is_inside_and_keeps_its_name(ground: tuple[Workspace, Path], path: str) -> None:
    workspace, _ = ground
    try:
        place = workspace.resolve(path)
    except Refused:
        return
    assert place.is_relative_to(workspace.root)
    assert workspace.resolve(workspace.relative(place)) == place
    assert ".." not in os.path.relpath(place, workspace.root).split("/")
