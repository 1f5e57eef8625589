"""Heavy or hostile work runs in a child process of its own, in a box if the machine has one.

The child is `python -m <module>` of this project (see `agents.boxed`), in a new session, with an almost empty
environment, limits on memory, processor time, file sizes and open files, one scratch folder to write in, one
JSON question on stdin and one JSON answer on stdout. With bubblewrap (bwrap) it also sees nothing but the
system's programs, this project and its inputs, all read-only, and has no network. It is killed with everything
it started when its caller is cancelled or its time is up.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import structlog

from domain.errors import NotFound, Refused, Unavailable, XingshuError

MAX_ANSWER = 1024 * 1024  # bytes of stdout
MAX_STDERR = 16 * 1024  # bytes of stderr kept for the log

_PROJECT = Path(__file__).parents[1]
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_SETTINGS = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts")
_PROGRAMS = "/usr/local/bin:/usr/bin:/bin"
_KINDS: Mapping[str, type[XingshuError]] = {kind.__name__: kind for kind in (Refused, NotFound, Unavailable)}

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a child may use. `memory_mb` is address space, which is more than what is really used."""

    timeout_s: float = 30.0
    cpu_s: int = 60
    memory_mb: int = 2048
    file_mb: int = 2048
    open_files: int = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work for a child: the module to run, its JSON request, and the places it may read."""

    module: str
    request: Mapping[str, Any]
    inputs: tuple[Path, ...] = ()
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """How a child ended: its exit code as `subprocess` gives it (negative: a signal), and what it said."""

    code: int
    answer: bytes
    stderr: bytes


async def run(job: Job) -> Any:
    """Run a child and return the output it answered with.

    Raises whatever Refused, NotFound or Unavailable the child answered with; Refused("sandbox.…") when it broke
    a limit or crashed, Unavailable when it ran out of time or somebody else killed it.
    """
    bwrap = await asyncio.to_thread(usable_bubblewrap)
    with tempfile.TemporaryDirectory(prefix="xingshu-", ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        ended = await _converse(argv_of(job, scratch, bwrap), job, scratch)
    return _output(ended, job)


@functools.cache
def usable_bubblewrap() -> str | None:
    """The path of bwrap when it is installed and this machine lets it make namespaces."""
    found = shutil.which("bwrap", path=_PROGRAMS)
    argv = [found or "", "--ro-bind", "/", "/", "--unshare-all", "--unshare-user", "/bin/true"]
    try:
        works = found is not None and subprocess.run(argv, capture_output=True, timeout=5, check=False).returncode == 0  # noqa: S603 -- fixed argv
    except (OSError, subprocess.TimeoutExpired):
        works = False
    _log.info("sandbox_found", kind="bubblewrap" if works else "limits_only")
    return found if works else None


def argv_of(job: Job, scratch: Path, bwrap: str | None) -> list[str]:
    """The command line of a child, inside bubblewrap when there is one."""
    python = [sys.executable, "-P", "-s", "-m", job.module]
    return [bwrap, *_box(job, scratch), "--", *python] if bwrap else python


def _box(job: Job, scratch: Path) -> list[str]:
    # No --new-session: the child already leads its own session, and must stay in its group to be killed with it.
    options = ["--unshare-all", "--unshare-user", "--die-with-parent", "--cap-drop", "ALL"]
    options += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 -- the box's own
    for place in (*_SYSTEM, *_SETTINGS, sys.base_prefix, sys.prefix):
        options += ["--ro-bind-try", place, place]
    # Of the project only the code: its folder may hold an .env.
    for path in (_PROJECT / "agents", _PROJECT / "domain", *job.inputs):
        options += ["--ro-bind", str(path), str(path)]
    return [*options, "--bind", str(scratch), str(scratch), "--chdir", str(scratch)]


def _environment(scratch: Path) -> dict[str, str]:
    home = dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR"), str(scratch))
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
    python = {"PYTHONPATH": str(_PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
    return {"PATH": _PROGRAMS, "LANG": "C.UTF-8", "TZ": "UTC", **home, **threads, **python}


async def _converse(argv: list[str], job: Job, scratch: Path) -> _Ended:
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(scratch),
        cwd=scratch,
        start_new_session=True,
    )
    question = json.dumps({"limits": asdict(job.limits), "request": dict(job.request)}).encode()
    try:
        async with asyncio.timeout(job.limits.timeout_s), asyncio.TaskGroup() as group:
            group.create_task(_ask(process.stdin, question))
            answer = group.create_task(_read(process.stdout, MAX_ANSWER + 1))
            stderr = group.create_task(_read(process.stderr, MAX_STDERR))
        code = await process.wait()
    except TimeoutError as error:
        raise Unavailable("sandbox.timeout", seconds=job.limits.timeout_s) from error
    finally:
        await _kill(process)
    return _Ended(code=code, answer=answer.result(), stderr=stderr.result())


async def _ask(stdin: asyncio.StreamWriter | None, question: bytes) -> None:
    if stdin is None:  # there is one: a pipe was asked for
        return
    try:
        stdin.write(question)
        await stdin.drain()
    except ConnectionError:  # it ended without listening: its exit code tells
        return
    finally:
        stdin.close()


async def _read(stream: asyncio.StreamReader | None, limit: int) -> bytes:
    """Everything until the end; what is beyond `limit` is read too, but not kept."""
    kept = bytearray()
    while stream and (chunk := await stream.read(64 * 1024)):
        kept += chunk[: limit - len(kept)]
    return bytes(kept)


async def _kill(process: asyncio.subprocess.Process) -> None:
    """End the whole group: what the child started may outlive it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # the latter is macOS's word for a group of zombies
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _output(ended: _Ended, job: Job) -> Any:
    if ended.code != 0:
        _log.warning("sandbox_ended_badly", module=job.module, code=ended.code, stderr=_text(ended.stderr))
        raise _broken(ended.code, job.limits)
    if len(ended.answer) > MAX_ANSWER:
        raise Refused("sandbox.answer_too_large", limit=MAX_ANSWER)
    answer = json.loads(ended.answer)
    if "error" in answer:
        raise _KINDS[answer["error"]](answer["key"], **answer["values"])
    return answer["output"]


def _broken(code: int, limits: Limits) -> XingshuError:
    number = -code if code < 0 else code - 128  # bwrap, like a shell, says 128 + signal
    if number == signal.SIGXCPU:
        return Refused("sandbox.cpu", seconds=limits.cpu_s)
    if number in {signal.SIGKILL, signal.SIGTERM}:  # not us: we would not be here
        return Unavailable("sandbox.killed")
    reason = signal.Signals(number).name if number in set(signal.Signals) else f"exit code {code}"
    return Refused("sandbox.crashed", reason=reason)


def _text(stderr: bytes) -> str:
    return stderr[-2000:].decode(errors="replace")
