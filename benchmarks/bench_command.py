"""The `xingshu` command: one request end to end on both deployments, memory by role, start-up.

RabbitMQ and PostgreSQL are used where BENCH_AMQP_URL and BENCH_POSTGRES_URL say (a virtual host and a database that
may be written to); without them only the embedded figures are printed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

XINGSHU = Path(sys.executable).parent / "xingshu"
ROLES = ("planner", "dispatcher", "aggregator", "agents")


def run(folder: Path, settings: Mapping[str, str], *args: str) -> str:
    environment = {"PATH": os.environ["PATH"], "XINGSHU_AGENTS": "echo", "XINGSHU_LOG_LEVEL": "warning", **settings}  # noqa: TID251 -- a child's environment
    done = subprocess.run([XINGSHU, *args], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


@contextmanager
def serving(folder: Path, settings: Mapping[str, str]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    environment = {"PATH": os.environ["PATH"], "XINGSHU_AGENTS": "echo", "XINGSHU_LOG_LEVEL": "warning", **settings}  # noqa: TID251 -- a child's environment
    processes = {
        role: subprocess.Popen(
            [XINGSHU, "serve", "--role", role], cwd=folder, env=environment, stderr=subprocess.DEVNULL
        )
        for role in ROLES
    }
    try:
        while "echo" not in run(folder, settings, "agents"):
            pass
        yield processes
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait(40)


def memory_mib(process: subprocess.Popen[bytes]) -> float:
    text = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", text)
    return int(found[1]) / 1024 if found else 0.0


def one_request(folder: Path, settings: Mapping[str, str], title: str) -> None:
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        run(folder, settings, "ask", "echo hello world")
        seconds.append(time.perf_counter() - begun)
    told = json.loads(run(folder, settings, "ask", "echo hello world", "--json"))
    whole, inside = sorted(seconds)[2], told["timings"]["total_s"]
    print(f"ask, one step, {title}: whole command {whole:.2f} s, received to answered {inside:.3f} s")


def help_time(folder: Path) -> None:
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        run(folder, {}, "--help")
        seconds.append(time.perf_counter() - begun)
    print(f"xingshu --help: {sorted(seconds)[2]:.2f} s")


def main() -> None:
    amqp, postgres = os.environ.get("BENCH_AMQP_URL"), os.environ.get("BENCH_POSTGRES_URL")  # noqa: TID251 -- where to measure
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        help_time(folder)
        one_request(folder, {}, "embedded")
        if amqp and postgres:
            real = {"AMQP_URL": amqp, "DATABASE_URL": postgres}
            with serving(folder, real) as processes:
                one_request(folder, real, "five processes")
                for role, process in processes.items():
                    print(f"memory of {role} after it: {memory_mib(process):.0f} MiB")


if __name__ == "__main__":
    main()
