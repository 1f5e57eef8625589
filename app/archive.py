"""Finished tasks in a file, a JSON value a line, before their rows go."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dispatcher.retention import Archive


def archive_in(path: Path) -> Archive:
    """An archive that appends to a file; several processes may share it. Its writes raise OSError."""

    async def write(documents: Sequence[Mapping[str, Any]]) -> None:
        await asyncio.to_thread(append, path, documents)

    return write


def append(path: Path, documents: Sequence[Mapping[str, Any]]) -> None:
    """Add a line per document; returns once the disk has them. A line that a crash cut off before is ended first, so
    that it spoils none but itself. Raises OSError."""
    is_new = not path.exists()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        lines = "".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents)
        left = memoryview((b"" if _ends_well(file.fileno()) else b"\n") + lines.encode(errors="replace"))
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())
    if is_new:
        _sync_folder(path.parent)


def _ends_well(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _sync_folder(folder: Path) -> None:
    """The file's name is on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
