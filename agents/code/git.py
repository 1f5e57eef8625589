"""Reading a repository without running anything it says: plumbing commands only, which know no hooks, filters,
text converters or pagers, with the user's and the system's settings out of the way and every transport refused.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.errors import Malformed, Refused

_SAFE = (
    *("--no-pager", "--literal-pathspecs", "-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null"),
    # Settings of the repository cannot run anything here, so it does not matter who owns it.
    *("-c", "safe.directory=*", "-c", "core.quotePath=false", "-c", "diff.external=", "-c", "core.attributesFile="),
)
_ENVIRONMENT: Mapping[str, str] = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": os.devnull,
}
_NAME = re.compile(r"(?!-)(?!.*\.\.)(?!.*@\{)[\w./+@#-]{1,200}")
_USUAL_BASES = ("main", "master", "develop", "trunk", "origin/main", "origin/master")
_HUNK = re.compile(rb"@@ -\S+ \+(\d+)(?:,(\d+))? @@")
_GIT = "git"
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A file in a commit."""

    id: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happened to a file: lines added and removed, and the numbers of the new ones."""

    path: str
    added: int
    removed: int
    lines: frozenset[int]


class Repository:
    """A git repository inside the workspace, for reading."""

    def __init__(self, place: Path, root: Path) -> None:
        """Find the repository `place` is in. Raises Refused when there is none inside `root`."""
        self._environment = {**_ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(root.parent)}
        self._at = place if place.is_dir() else place.parent
        try:
            found = self._git("rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir")
        except Malformed as error:
            raise Refused("code.no_repository") from error
        self.top, git_dir, common = (self._at / line for line in found.decode().splitlines())
        self._at = self.top  # paths are relative to the top from here on
        _check_inside(root, [self.top, git_dir, common, common / "objects"])
        _check_inside(root, _borrowed(common / "objects"))

    def commit(self, name: str) -> str | None:
        """The commit a branch, tag or id names, in full; None when there is none."""
        if not _NAME.fullmatch(name):
            return None
        for spelling in (name, f"origin/{name}"):
            try:
                found = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{spelling}^{{commit}}")
                return found.decode().strip()
            except Malformed:
                continue
        return None

    def branches(self) -> list[str]:
        """The names of local branches."""
        return self._git("for-each-ref", "--format=%(refname:short)", "refs/heads").decode().splitlines()

    def usual_base(self, branch: str) -> str | None:
        """What a branch is usually compared with: the main line, whatever it is called here."""
        tip = self.commit(branch)
        return next((name for name in _USUAL_BASES if name != branch and self.commit(name) not in (None, tip)), None)

    def fork_point(self, base: str, tip: str) -> str:
        """Where `tip` left `base`; `base` itself when they share no history."""
        try:
            return self._git("merge-base", base, tip).decode().split()[0]
        except Malformed:
            return base

    def count(self, start: str, tip: str) -> int:
        """How many commits lead from `start` to `tip`."""
        return int(self._git("rev-list", "--count", f"{start}..{tip}"))

    def blobs(self, commit: str, within: str) -> list[Blob]:
        """The regular files of a commit below a folder ("" for all)."""
        listed = self._git("ls-tree", "-r", "-z", "--full-tree", commit, *(["--", within] if within else []))
        entries = (entry.partition(b"\t") for entry in listed.split(b"\0") if entry)
        return [
            Blob(id=about.split()[2].decode(), path=path.decode(errors="replace"))
            for about, _, path in entries
            if about.startswith(b"100")  # neither links nor submodules
        ]

    def contents(self, blobs: Sequence[Blob]) -> Iterator[tuple[Blob, bytes]]:
        """What stands in files, in order."""
        asked = "".join(f"{blob.id}\n" for blob in blobs).encode()
        said = self._git("cat-file", "--batch", stdin=asked)
        for blob in blobs:
            head, _, rest = said.partition(b"\n")
            fields = head.split()
            if len(fields) != 3:
                raise Malformed("code.broken_repository")
            size = int(fields[2])
            said = rest[size + 1 :]
            yield blob, rest[:size]

    def changes(self, start: str, tip: str, within: str) -> list[Change]:
        """What changed between two commits below a folder."""
        asked = ("diff-tree", "-r", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color")
        where = ["--", within] if within else []
        counted = self._git(*asked, "--numstat", "-z", start, tip, *where).split(b"\0")
        patches = self._git(*asked, "-p", "-U0", start, tip, *where).split(b"\ndiff --git ")
        rows = (entry.split(b"\t", 2) for entry in counted if entry)
        return [
            Change(
                path=path.decode(errors="replace"),
                added=int(added) if added.isdigit() else 0,  # "-" for a binary file
                removed=int(removed) if removed.isdigit() else 0,
                lines=frozenset(_new_lines(patch)),
            )
            for (added, removed, path), patch in zip(rows, patches, strict=False)
        ]

    def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        try:
            done = subprocess.run(  # noqa: S603 -- argv only; names are checked before they get here
                [_GIT, *_SAFE, "-C", str(self._at), *arguments],
                input=stdin,
                capture_output=True,
                env=self._environment,
                timeout=_TIMEOUT_S,
                check=True,
            )
        except FileNotFoundError as error:
            raise Refused("code.no_git") from error
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise Malformed("code.broken_repository") from error
        return done.stdout


def _check_inside(root: Path, places: Sequence[Path]) -> None:
    if not all(place.resolve().is_relative_to(root) for place in places):
        raise Refused("code.repository_outside")


def _borrowed(objects: Path) -> list[Path]:
    """Other repositories this one takes objects from."""
    alternates = objects / "info" / "alternates"
    return [objects / line for line in alternates.read_text().splitlines()] if alternates.is_file() else []


def _new_lines(patch: bytes) -> Iterator[int]:
    for line in patch.split(b"\n"):
        hunk = _HUNK.match(line)
        if hunk:
            start, count = int(hunk[1]), int(hunk[2] or 1)
            yield from range(start, start + count)
