"""The one folder skills may touch. Every path comes through here, so nothing outside it is ever read or written.

A path is judged by name first, then opened component by component from the root's own descriptor without
following symbolic links (openat(2) with O_NOFOLLOW): what was judged is what is opened, whatever somebody
renames in between.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from domain.errors import Misconfigured, NotFound, Refused, Unavailable
from domain.safe_text import safe_line

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_ENTRIES = 10_000

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A FIFO opened without O_NONBLOCK would wait for its other end for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Entry:
    """One file or folder. `path` is relative to the workspace; `size` in bytes, 0 for a folder."""

    path: str
    kind: Literal["file", "folder"]
    size: int


class Workspace:
    """A folder and nothing else.

    Args:
        root: the folder; made when it is not there. Raises Misconfigured when it cannot be used.
        max_file_bytes: the largest file that is read or written.
    """

    def __init__(self, root: Path, max_file_bytes: int = MAX_FILE_BYTES) -> None:
        self.max_file_bytes = max_file_bytes
        self._given = root.absolute()
        try:
            root.mkdir(parents=True, exist_ok=True)
            self.root = root.resolve(strict=True)
        except OSError as error:
            raise Misconfigured("error.setting", name="XINGSHU_WORKSPACE", detail=str(error)) from error

    def resolve(self, path: str) -> Path:
        """The place `path` names: existing or new, inside the root, free of symbolic links.

        `path` is relative to the root, or absolute and inside it. Raises Refused("skill.outside_workspace") for
        any other absolute path, `..`, NUL, a link that leads out, and what is neither file nor folder.
        """
        asked = self._relative(path)
        try:
            place = (self.root / asked).resolve()
            place.relative_to(self.root)
            mode = place.stat().st_mode if place.exists() else stat.S_IFREG
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
            raise Refused("skill.outside_workspace", path=shown(path)) from error
        is_loop = place.is_symlink()  # from Python 3.13 on a loop resolves to itself
        if is_loop or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise Refused("skill.outside_workspace", path=shown(path))
        return place

    def relative(self, path: Path) -> str:
        """How `path`, a place inside the root, is called in results: relative, with forward slashes."""
        return self._relative(str(path)).as_posix()

    def open_read(self, path: str) -> BinaryIO:
        """Open a regular file for reading. Raises NotFound, or Refused when it is not one or too large."""
        place = self._file(path)
        with _refusals(path), self._folder(place.parent) as folder:
            descriptor = os.open(place.name, _FILE, dir_fd=folder)
            try:
                self._check_readable(os.fstat(descriptor), path)
                return os.fdopen(descriptor, "rb")
            except Refused:
                os.close(descriptor)
                raise

    def read(self, path: str) -> bytes:
        """The whole of a file."""
        with self.open_read(path) as file:
            return file.read(self.max_file_bytes)

    def write(self, path: str, content: bytes) -> None:
        """Put `content` at `path` in one step (a reader sees the old or the new), making folders on the way.

        Raises Refused when it is too large or `path` is a folder, Unavailable when the disk is full.
        """
        place = self._file(path)
        if len(content) > self.max_file_bytes:
            raise Refused("skill.file_too_large", path=shown(path), limit=self.max_file_bytes)
        with _refusals(path), self._folder(place.parent, make=True) as folder:
            _replace(folder, place.name, content)

    def entries(self, path: str = "") -> list[Entry]:
        """What stands in a folder, by name. Links, devices and names that are not UTF-8 are not listed."""
        place = self.resolve(path)
        if place.is_file():
            raise Refused("skill.not_a_folder", path=shown(path))
        with _refusals(path), self._folder(place) as folder, os.scandir(folder) as found:
            listed = (_entry(item, place.relative_to(self.root)) for item in found)
            return sorted(entry for entry in listed if entry is not None)

    def walk(self, path: str = "", limit: int = MAX_ENTRIES) -> Iterator[Entry]:
        """Everything below a folder, at most `limit` entries. Names with a leading dot are not entered.

        A folder that goes away or may not be read while walking is passed over.
        """
        left = limit
        folders = [iter(self.entries(path))]
        while folders and left > 0:
            entry = next(folders[-1], None)
            if entry is None:
                folders.pop()
                continue
            if Path(entry.path).name.startswith("."):
                continue
            left -= 1
            yield entry
            if entry.kind == "folder":
                folders.append(self._inner(entry.path))

    def _inner(self, path: str) -> Iterator[Entry]:
        try:
            return iter(self.entries(path))
        except Refused:
            return iter(())

    def _file(self, path: str) -> Path:
        """The place of a file, there or not; a folder is refused."""
        place = self.resolve(path)
        if place.is_dir():
            raise Refused("skill.not_a_file", path=shown(path))
        return place

    def _relative(self, path: str) -> Path:
        asked = Path(path)
        if "\0" in path or ".." in asked.parts:
            raise Refused("skill.outside_workspace", path=shown(path))
        if not asked.is_absolute():
            return asked
        for root in (self.root, self._given):
            if asked.is_relative_to(root):
                return asked.relative_to(root)
        raise Refused("skill.outside_workspace", path=shown(path))

    @contextmanager
    def _folder(self, place: Path, *, make: bool = False) -> Iterator[int]:
        """A descriptor of a folder inside the root, reached one component at a time."""
        descriptor = os.open(self.root, _DIRECTORY)
        try:
            for name in place.relative_to(self.root).parts:
                if make:
                    _make_folder(descriptor, name)
                inner = os.open(name, _DIRECTORY, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)

    def _check_readable(self, found: os.stat_result, path: str) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise Refused("skill.not_a_file", path=shown(path))
        if found.st_size > self.max_file_bytes:
            raise Refused("skill.file_too_large", path=shown(path), limit=self.max_file_bytes)


def shown(path: str) -> str:
    """A path as it may stand in a sentence."""
    return safe_line(path, 200)


def _make_folder(parent: int, name: str) -> None:
    try:
        os.mkdir(name, 0o755, dir_fd=parent)
    except FileExistsError:
        return


def _replace(folder: int, name: str, content: bytes) -> None:
    part = f".{secrets.token_hex(8)}.part"
    descriptor = os.open(part, _NEW_FILE, 0o644, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        os.unlink(part, dir_fd=folder)
        raise


def _entry(item: os.DirEntry[str], folder: Path) -> Entry | None:
    try:
        item.name.encode()
        found = item.stat(follow_symlinks=False)
    except (OSError, UnicodeEncodeError):  # gone since it was listed, or no name that JSON can carry
        return None
    path = (folder / item.name).as_posix()
    if stat.S_ISDIR(found.st_mode):
        return Entry(path=path, kind="folder", size=0)
    return Entry(path=path, kind="file", size=found.st_size) if stat.S_ISREG(found.st_mode) else None


@contextmanager
def _refusals(path: str) -> Iterator[None]:
    """Say what the operating system refused in words a person can act on."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound("skill.no_such_file", path=shown(path)) from error
    except OSError as error:
        if error.errno in _FULL:
            raise Unavailable("skill.disk", path=shown(path), reason=error.strerror) from error
        raise Refused("skill.unusable_path", path=shown(path), reason=error.strerror) from error
