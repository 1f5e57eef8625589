"""What the sandbox's tests run in a child: one misdeed per request."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.boxed import answer
from domain.errors import NotFound, Refused, Unavailable


def _refuse(error: type[Exception]) -> None:
    raise error("data.no_such_table", table="a", tables="b")  # type: ignore[call-arg] # all of our tree


def _linger(pipe: str) -> None:
    """Start a child of our own that holds the pipe open, say that it is there, and wait for ever."""
    with Path(pipe).open("wb", buffering=0) as out:
        subprocess.Popen(["sleep", "1000"], pass_fds=[out.fileno()])
        out.write(b"ready")
        signal.pause()


def _connect(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=2):
        return "connected"


def _write(size: int) -> int:
    return Path("large").write_bytes(bytes(size))


DEEDS: Mapping[str, Any] = {
    "echo": lambda value: value,
    "environment": lambda _: dict(os.environ),  # noqa: TID251 -- what the child was given is the question
    "folder": lambda _: str(Path.cwd()),
    "leave": lambda name: Path(name).write_text("x"),
    "print": lambda text: sys.stdout.write(text) and text,
    "refuse": lambda _: _refuse(Refused),
    "not_found": lambda _: _refuse(NotFound),
    "unavailable": lambda _: _refuse(Unavailable),
    "crash": lambda _: ctypes.string_at(0),
    "exit": os._exit,
    "complain": lambda text: (sys.stderr.write(text), sys.exit(1)),
    "kill": lambda number: os.kill(os.getpid(), number),
    "memory": lambda size: len(bytearray(size)),
    "compute": lambda limit: sum(range(limit)),
    "write": _write,
    "open": lambda count: len([os.dup(2) for _ in range(count)]),
    "talk": lambda size: "x" * size,
    "linger": _linger,
    "wait": lambda _: signal.pause(),
    "connect": _connect,
    "read": lambda path: Path(path).read_text(),
}


if __name__ == "__main__":
    answer(lambda request: DEEDS[request["deed"]](request.get("with")))
