"""Python files to review: where they come from, and how many are too many."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from domain.errors import Refused

MAX_FILES = 1000
MAX_BYTES = 20 * 1024 * 1024  # of all files together
MAX_FILE_BYTES = 1024 * 1024
_NOT_OURS = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist", "_build"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One file, named as its findings will be: relative to the workspace."""

    name: str
    content: bytes

    @property
    def is_test(self) -> bool:
        """Whether it holds tests, by the habits of pytest and unittest."""
        path = PurePosixPath(self.name)
        is_named_so = path.stem.startswith("test_") or path.stem.endswith("_test") or path.stem in {"tests", "conftest"}
        return is_named_so or "tests" in path.parent.parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What is reviewed, and the names of files left out as too large or too many."""

    files: tuple[SourceFile, ...]
    left_out: tuple[str, ...] = ()


def is_source(name: str) -> bool:
    """Whether a relative path is Python somebody here wrote: not hidden, installed or built."""
    path = PurePosixPath(name)
    folders = path.parent.parts
    return path.suffix == ".py" and not any(part.startswith(".") or part in _NOT_OURS for part in folders)


def read_folder(place: Path, root: Path) -> Sources:
    """The Python files of a folder, or the one file `place` is. Links are not followed."""
    names = [place.name] if place.is_file() else sorted(_below(place))
    folder = place.parent if place.is_file() else place
    prefix = PurePosixPath(folder.relative_to(root).as_posix())
    return within_limits((str(prefix / name), (folder / name).stat().st_size, folder / name) for name in names)


def _below(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        within = Path(parent).relative_to(folder)
        folders[:] = [name for name in folders if is_source((within / name / "x.py").as_posix())]
        for name in files:
            inner = (within / name).as_posix()
            if is_source(inner) and not (Path(parent) / name).is_symlink():
                yield inner


def within_limits(found: Iterable[tuple[str, int, Path | bytes]]) -> Sources:
    """Of (name, size, content or where it is) as many as a review takes. Raises Refused when there is none."""
    files: list[SourceFile] = []
    left_out: list[str] = []
    room = MAX_BYTES
    for name, size, content in found:
        if len(files) == MAX_FILES or size > min(MAX_FILE_BYTES, room):
            left_out.append(name)
            continue
        room -= size
        files.append(SourceFile(name=name, content=content if isinstance(content, bytes) else content.read_bytes()))
    if not files and not left_out:
        raise Refused("code.no_python")
    return Sources(files=tuple(files), left_out=tuple(left_out))
