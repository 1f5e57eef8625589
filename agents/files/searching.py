"""Looking for a text in the files of the workspace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from agents.files.text import decoded
from agents.workspace import Workspace
from domain.errors import Refused
from domain.safe_text import clipped

MAX_MATCHES = 200
MAX_LINE = 200
MAX_FILE_BYTES = 4 * 1024 * 1024  # larger files are hardly written by people


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to look for, literally, and in files of which names."""

    text: str
    glob: str | None = None
    match_case: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One line that holds it."""

    path: str
    line: int
    text: str


@dataclass(slots=True, kw_only=True)
class Found:
    """What was found: the first matches, how many lines there are (`count`) in how many files (`hits`), and how many
    files were looked into."""

    matches: list[Match] = field(default_factory=list)
    count: int = 0
    hits: int = 0
    files: int = 0

    @property
    def is_truncated(self) -> bool:
        """Whether there are more matches than listed."""
        return self.count > len(self.matches)


def is_named(path: str, glob: str) -> bool:
    """Whether a file is named as `glob` says: its name, or the end of its path when the glob has folders."""
    glob = glob.removeprefix("**/")
    if "/" not in glob:
        return fnmatchcase(PurePosixPath(path).name, glob)
    return fnmatchcase(path, glob) or fnmatchcase(path, f"*/{glob}")


async def search(workspace: Workspace, path: str, query: Query) -> Found:
    """Look into a file, or all text files below a folder. One file at a time off the event loop, so that it can be
    cancelled between two."""
    found = Found()
    for candidate in await asyncio.to_thread(lambda: list(_candidates(workspace, path, query))):
        lines = await asyncio.to_thread(_lines, workspace, candidate, query)
        if lines is not None:
            found.files += 1
            found.hits += bool(lines)
            found.count += len(lines)
            found.matches += lines[: MAX_MATCHES - len(found.matches)]
    return found


def _candidates(workspace: Workspace, path: str, query: Query) -> Iterator[str]:
    if workspace.resolve(path).is_file():
        yield path
        return
    for entry in workspace.walk(path):
        is_wanted = not query.glob or is_named(entry.path, query.glob)
        if entry.kind == "file" and is_wanted and entry.size <= MAX_FILE_BYTES:
            yield entry.path


def _lines(workspace: Workspace, path: str, query: Query) -> list[Match] | None:
    """The lines of one file that match; None for what is no text, or gone."""
    try:
        text = decoded(workspace.read(path), path).text
    except Refused:
        return None
    wanted = query.text if query.match_case else query.text.casefold()
    return [
        Match(path=path, line=number, text=clipped(line.strip(), MAX_LINE))
        for number, line in enumerate(text.splitlines(), start=1)
        if wanted in (line if query.match_case else line.casefold())
    ]
