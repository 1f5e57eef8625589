"""A child process can neither outlive, outgrow nor out-talk its limits, and says what stopped it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents import boxed, sandbox
from agents.sandbox import Job, Limits, argv_of, run
from domain.errors import NotFound, Refused, Unavailable

TESTS = Path(__file__).parents[2]
MODULE = "tests.unit.agents.sandboxed"


def job(deed: str, given: Any = None, **limits: Any) -> Job:
    request = {"deed": deed, "with": given}
    return Job(module=MODULE, request=request, inputs=(TESTS,), limits=Limits(**{"timeout_s": 20.0, **limits}))


@pytest.fixture(autouse=True)
def _limits_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same everywhere, whether or not bubblewrap is installed; the box has tests of its own below."""
    monkeypatch.setattr(sandbox, "usable_bubblewrap", lambda: None)


async def test_the_answer_comes_back() -> None:
    assert await run(job("echo", {"a": [1, "é中", None]})) == {"a": [1, "é中", None]}


async def test_what_a_library_prints_is_not_the_answer() -> None:
    assert await run(job("print", '{"output": 1}')) == '{"output": 1}'


async def test_the_environment_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    found = await run(job("environment"))
    assert "sk-secret" not in str(found)
    assert set(found) - {"LC_CTYPE"} == set(sandbox._environment(Path()))


async def test_the_scratch_folder_goes_with_the_child() -> None:
    folder = await run(job("folder"))
    assert "xingshu-" in folder
    assert not await asyncio.to_thread(os.path.lexists, folder)


@pytest.mark.parametrize(
    ("deed", "error"), [("refuse", Refused), ("not_found", NotFound), ("unavailable", Unavailable)]
)
async def test_a_refusal_crosses_over(deed: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="There is no table a") as caught:
        await run(job(deed))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        (job("crash"), "sandbox.crashed"),
        (job("exit", 3), "sandbox.crashed"),
        (job("complain", "why"), "sandbox.crashed"),
        (job("open", 100, open_files=64), "sandbox.crashed"),
        (job("write", 3 << 20, file_mb=1), "sandbox.crashed"),
        (job("memory", 1 << 30, memory_mb=512), "sandbox.memory"),
        (job("compute", 10**13, cpu_s=1), "sandbox.cpu"),
        (job("talk", 2 << 20), "sandbox.answer_too_large"),
    ],
    ids=lambda value: value.request["deed"] if isinstance(value, Job) else "",
)
async def test_a_broken_limit_is_named(asked: Job, key: str) -> None:
    with pytest.raises(Refused) as caught:
        await run(asked)
    assert caught.value.key == key


async def test_one_ended_from_outside_may_be_tried_again() -> None:
    with pytest.raises(Unavailable) as caught:
        await run(job("kill", 9))
    assert caught.value.key == "sandbox.killed"


async def test_a_child_that_cannot_start_is_a_crash() -> None:
    with pytest.raises(Refused, match="exit code 1"):
        await run(Job(module="tests.no_such_module", request={"large": "x" * 300_000}))


async def test_out_of_time() -> None:
    with pytest.raises(Unavailable, match="longer than 0 seconds") as caught:
        await run(job("wait", timeout_s=0.3))
    assert caught.value.key == "sandbox.timeout"


async def test_cancelling_ends_the_whole_family(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(run(job("linger", str(pipe))))
        with await asyncio.to_thread(pipe.open, "rb", buffering=0) as reader:
            assert await asyncio.to_thread(reader.read, 5) == b"ready"
            running.cancel()
            assert await asyncio.to_thread(reader.read) == b""  # only once nobody holds the other end
    assert running.cancelled()


def test_limits_never_rise_above_what_there_is() -> None:
    script = (
        "import resource\n"
        "from agents.boxed import apply_limits\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))\n"
        "apply_limits({'memory_mb': 4096, 'cpu_s': 5, 'file_mb': 1, 'open_files': 99, 'timeout_s': 9.5})\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_CPU))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=TESTS.parent)
    assert done.stdout == "(50, 50) (5, 7)\n"


def test_attempt_tells_the_kinds_of_failure_apart() -> None:
    def out_of_memory(_: Any) -> Any:
        raise MemoryError

    assert boxed.attempt(lambda request: request, {"a": 1}) == {"output": {"a": 1}}
    assert boxed.attempt(out_of_memory, {}) == {"error": "Refused", "key": "sandbox.memory", "values": {}}


def test_the_box_shows_only_what_is_needed(tmp_path: Path) -> None:
    asked = Job(module="agents.data", request={}, inputs=(tmp_path / "in.csv",))
    argv = argv_of(asked, tmp_path / "scratch", "/usr/bin/bwrap")
    options, command = argv[: argv.index("--")], argv[argv.index("--") + 1 :]
    assert command == argv_of(asked, tmp_path, None) == [sys.executable, "-P", "-s", "-m", "agents.data"]
    assert {"--unshare-all", "--unshare-user", "--die-with-parent"} < set(options)
    bound = [options[place + 1] for place, option in enumerate(options) if option.startswith("--ro-bind")]
    assert str(tmp_path / "in.csv") in bound
    assert not {"/", "/etc", "/home", "/root", str(TESTS.parent)} & set(bound)
    writable = [options[place + 1] for place, option in enumerate(options) if option == "--bind"]
    assert writable == [str(tmp_path / "scratch")]


def test_bubblewrap_is_tried_before_it_is_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for code, expected in ((0, True), (1, False)):
        fake = tmp_path / "bwrap"
        fake.write_text(f"#!/bin/sh\nexit {code}\n")
        fake.chmod(0o755)
        monkeypatch.setattr(sandbox, "_PROGRAMS", str(tmp_path))
        assert (UNCACHED() == str(fake)) is expected
    fake.write_text("#!/no/such/interpreter\n")
    assert UNCACHED() is None
    fake.unlink()
    assert UNCACHED() is None


UNCACHED = sandbox.usable_bubblewrap.__wrapped__


@pytest.mark.skipif(UNCACHED() is None, reason="bubblewrap is not installed or not allowed here")
class TestInTheBox:
    @pytest.fixture(autouse=True)
    def _boxed(self, monkeypatch: pytest.MonkeyPatch, _limits_only: None) -> None:
        monkeypatch.setattr(sandbox, "usable_bubblewrap", UNCACHED)

    async def test_work_is_done(self) -> None:
        assert await run(job("echo", 1)) == 1

    @pytest.mark.parametrize(("deed", "given"), [("read", "/etc/passwd"), ("leave", str(TESTS / "new"))])
    async def test_nothing_outside_is_read_or_written(self, deed: str, given: str) -> None:
        with pytest.raises(Refused, match="exit code"):
            await run(job(deed, given))
        assert not (TESTS / "new").exists()

    async def test_there_is_no_network(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(Refused, match="exit code"):
            await run(job("connect", server.getsockname()[1]))

    async def test_limits_hold_there_too(self) -> None:
        with pytest.raises(Refused) as caught:
            await run(job("compute", 10**13, cpu_s=1))
        assert caught.value.key == "sandbox.cpu"
