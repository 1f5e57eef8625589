"""Starts the program quickly: one process imports it, and each start is a fork of that one. What is started is the real
command in a process of its own, with one agent more (`tests.failures.witness`)."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
POLL_S = 0.01
PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/pr_set_pdeathsig.2const.html
CLOCK_FILE = "WITNESS_CLOCK"  # names the file that says by how many seconds a child's clock is ahead

# What no child should have to import anew.
LOADED = [
    "agents.worker",
    "aggregator.model_answer",
    "aggregator.role",
    "aio_pika",
    "anyio._backends._asyncio",
    "app.commands.serve",
    "app.commands.tasks",
    "app.failing",
    "bot.commands",
    "bot.controls",
    "bot.delivery",
    "bot.door",
    "bot.fetching",
    "bot.files",
    "bot.leading",
    "bot.platforms.piped",
    "bot.platforms.telegram",
    "dispatcher.role",
    "httpcore",
    "llm",
    "messaging",
    "planner.planner",
    "planner.role",
    "storage",
    "uvloop",
]


class Nursery:
    """The other side of `main`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, args: list[str], env: Mapping[str, str], folder: Path, log: Path) -> Child:
        return Child(self, self._ask(start=args, env=dict(env), folder=str(folder), log=str(log)), log)

    def poll(self, pid: int) -> int | None:
        """How a child ended, as `Popen.returncode`; None while it runs."""
        return self._ask(poll=pid)

    def _ask(self, **order: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@dataclass
class Child:
    """A program that was started."""

    nursery: Nursery
    pid: int
    log: Path
    _code: int | None = field(default=None)

    def poll(self) -> int | None:
        self._code = self.nursery.poll(self.pid) if self._code is None else self._code
        return self._code

    def wait(self, timeout_s: float = 60.0) -> int:
        until = time.monotonic() + timeout_s
        while (code := self.poll()) is None:
            assert time.monotonic() < until, f"it did not end: {self.log.read_text(errors='replace')[-6000:]}"
            time.sleep(POLL_S)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
        self.wait()


@contextmanager
def nursery() -> Iterator[Nursery]:
    """While the block lasts."""
    shell = os.environ  # noqa: TID251 -- what a shell hands down, without what would measure every child
    env = {name: value for name, value in shell.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-m", "tests.failures.nursery"]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=-1, stdout=-1, text=True) as process:
        try:
            yield Nursery(process)
        finally:
            assert process.stdin
            process.stdin.close()
            process.wait(timeout=20)


# --- in the process that forks ------------------------------------------------------------------------------------


def _load() -> Any:
    """Import whatever the program needs, and add the agent."""
    from agents import roster
    from app.cli import cli
    from tests.failures import witness

    for name in LOADED:
        import_module(name)
    _ = import_module("openai").AsyncOpenAI  # the module loads it when first asked
    roster.BUNDLES = {**roster.BUNDLES, witness.AGENT: witness.skills}
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        shell = os.environ  # noqa: TID251 -- see `_become`
        shell["DATABASE_URL"] = f"sqlite:///{folder}/x.db"
        with suppress(SystemExit):
            cli(["tasks"], prog_name="xingshu")  # whatever is loaded late is loaded now
    return cli


def _become(cli: Any, order: Mapping[str, Any]) -> None:
    """Be the program, and end with it, or with the nursery."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    shell = os.environ  # noqa: TID251 -- it is the child's own from now on
    shell.clear()
    shell.update(order["env"])
    os.chdir(order["folder"])
    if file := order["env"].get(CLOCK_FILE):
        _bend_clock(Path(file))
    code = 0
    try:
        cli(order["start"], prog_name="xingshu")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    sys.stdout.flush()
    os._exit(code)


def _bend_clock(file: Path) -> None:
    """Let the clock be wrong by as much as the file says, once it is there."""
    true_time = time.time

    def bent() -> float:
        try:
            ahead_s = float(file.read_text())
        except FileNotFoundError:
            ahead_s = 0.0
        return true_time() + ahead_s

    time.time = bent  # whoever asks for it in this process


def main() -> None:
    cli = _load()
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            answer: int | None = os.fork()
            if answer == 0:
                _become(cli, order)
        else:
            pid, status = os.waitpid(order["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
