"""The files of an answer, as they may be sent: what lies in the workspace, and nothing that leads out of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from bot.drawing.answers import Found
from bot.post import Attachment
from domain.safe_text import safe_line

SHOWN = 120  # characters of a name in a sentence

Find = Callable[[Sequence[str], int], Found]
"""The files of these paths that are at most so many bytes large, and the names of the others."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A FIFO opened without O_NONBLOCK would wait for its other end for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def files_of(root: Path) -> Find:
    """Looks for files in a workspace."""
    return partial(found, root)


def nothing_found(paths: Sequence[str], _max_bytes: int) -> Found:
    """Where there is no workspace at hand: every file is missing."""
    return Found(attachments=(), missing=tuple(map(_shown, paths)))


def found(root: Path, paths: Sequence[str], max_bytes: int) -> Found:
    """Look for files.

    Args:
        root: the workspace.
        paths: relative to it; one may be named more than once.
        max_bytes: larger files are missing, too.
    """
    there: list[Attachment] = []
    missing: list[str] = []
    for path in dict.fromkeys(paths):
        place = _placed(root, path)
        size = _size(root, place) if place else None
        if place is None or size is None or not 0 < size <= max_bytes:
            missing.append(_shown(path))
        else:
            there.append(Attachment(name=place.name, path=root / place))
    return Found(attachments=tuple(there), missing=tuple(missing))


def _placed(root: Path, path: str) -> PurePosixPath | None:
    """A path inside the root, by name."""
    asked = PurePosixPath(path)
    if asked.is_absolute() and asked.is_relative_to(PurePosixPath(root)):
        asked = asked.relative_to(PurePosixPath(root))
    is_within = not asked.is_absolute() and ".." not in asked.parts and "\0" not in path
    return asked if is_within and asked.name else None


def _size(root: Path, place: PurePosixPath) -> int | None:
    """Bytes of a regular file that is reached one component at a time without following a link; else None."""
    try:
        descriptor = os.open(root, _FOLDER & ~os.O_NOFOLLOW)
        try:
            for name in place.parts[:-1]:
                inner = os.open(name, _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            return _regular_size(place.name, descriptor)
        finally:
            os.close(descriptor)
    except (OSError, UnicodeEncodeError):
        return None


def _regular_size(name: str, folder: int) -> int | None:
    descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        known = os.fstat(descriptor)
        return known.st_size if stat.S_ISREG(known.st_mode) else None
    finally:
        os.close(descriptor)


def _shown(path: str) -> str:
    return safe_line(PurePosixPath(path).name or path, SHOWN)
