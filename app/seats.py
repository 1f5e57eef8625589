"""Seats: names for workers that stay the same over restarts and that no two living processes share.

The system itself gives a seat back when its holder ends, however that ends, so whoever sits there next may take the
last one for dead.
"""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import structlog

log = structlog.get_logger()

MAX_SEATS = 1024  # workers of one agent on one machine
_FOLDER_NAME = "name"


@contextmanager
def seat(folder: Path, agent: str) -> Iterator[str | None]:
    """The first seat of an agent in this folder that nobody has, held while the block runs; its name: `3f9a01c2-1`.

    The folder has a random name, so that equal host names, as of two containers, do not make equal seats. None where
    the folder cannot be used.
    """
    with ExitStack() as held:
        name = None
        try:
            if (taken := _taken(folder, agent)) is not None:
                number, lock = taken
                held.enter_context(lock)  # closing it gives the seat back
                name = f"{_name_of(folder)}-{number}"
        except OSError as error:
            log.warning("no_seat", folder=str(folder), agent=agent, error=str(error))
        yield name


def _taken(folder: Path, agent: str) -> tuple[int, BinaryIO] | None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(1, MAX_SEATS + 1):
        lock = (folder / f"{agent}-{number}").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        except OSError:
            lock.close()
            raise
        else:
            return number, lock
    return None


def _name_of(folder: Path) -> str:
    """The folder's random name, given once; a link appears with all its content or not at all."""
    named = folder / _FOLDER_NAME
    if not named.exists():
        draft = folder / f"{_FOLDER_NAME}.{secrets.token_hex(4)}"
        draft.write_text(secrets.token_hex(4))
        with suppress(FileExistsError):
            named.hardlink_to(draft)
        draft.unlink()
    return named.read_text()
