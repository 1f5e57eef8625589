"""Who takes part, and how one round of it is measured."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.dags import machine
from benchmarks.dags.places import AMQP_URL, PEERS_PYTHON, POSTGRES_URL, child_environment
from benchmarks.dags.protocol import Load, Report

ROOT = Path(__file__).parents[2]
PEERS = ("celery", "taskiq", "dbos")


@dataclass(frozen=True)
class Entry:
    """A contender: its command, whether it works without RabbitMQ and PostgreSQL, and whether it is an order of
    magnitude slower, so that a round of it is made shorter."""

    name: str
    command: Sequence[str]
    is_alone: bool = False
    is_slow: bool = False


def entries(ours: Sequence[str] = ()) -> list[Entry]:
    """Everybody there can be here; `ours` are more arguments for Xingshu."""
    python = (sys.executable, "-m")
    known = [
        Entry("bare", (*python, "benchmarks.dags.bare")),
        Entry("limit", (*python, "benchmarks.dags.bare", "--postgres")),
        Entry("ours", (*python, "benchmarks.dags.ours", *ours)),
        Entry("embedded", (*python, "benchmarks.dags.ours", "--embedded"), is_alone=True),
    ]
    if PEERS_PYTHON:
        known += [Entry(name, (PEERS_PYTHON, "-m", f"benchmarks.peers.{name}_dags"), is_slow=True) for name in PEERS]
    has_services = bool(AMQP_URL and POSTGRES_URL)
    return [entry for entry in known if has_services or entry.is_alone]


@dataclass(frozen=True)
class Round:
    """One load of one contender: its report, and processor seconds by process."""

    contender: str
    load: Load
    report: Report
    cpu_s: Mapping[str, float]
    machine_s: float

    @property
    def rate(self) -> float:
        """Subtasks per second."""
        return self.report.subtasks / self.report.seconds

    @property
    def own_cpu_us(self) -> float:
        """Processor microseconds per subtask of the contender's own processes and its database connections; the broker
        is everybody's and stands apart."""
        own = sum(seconds for name, seconds in self.cpu_s.items() if name not in {"broker", "driver"})
        return own / self.report.subtasks * 1e6


class Contender:
    """A process that takes loads."""

    def __init__(self, entry: Entry, process: subprocess.Popen[str]) -> None:
        self.entry = entry
        self._process = process
        self._pids: dict[str, int] = {"driver" if entry.name == "ours" else "orchestrator": process.pid}
        self._pids |= self._line()["processes"]
        broker = None if entry.is_alone else machine.listener(urlsplit(AMQP_URL).port or 5672)
        if broker is not None:
            self._pids["broker"] = broker

    def perform(self, load: Load) -> Round:
        """One round. Raises RuntimeError when the contender ends instead."""
        before, began_s = self._cpu_s(), machine.whole_s()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(load)) + "\n")
        self._process.stdin.flush()
        report = Report(**self._line())
        cpu_s = machine.spent(before, self._cpu_s())
        return Round(self.entry.name, load, report, cpu_s, machine.whole_s() - began_s)

    def memory_mib(self) -> dict[str, float]:
        """Resident memory by process."""
        return {name: machine.memory_mib(pid) for name, pid in self._pids.items() if name != "broker"}

    def _cpu_s(self) -> dict[str, float]:
        counted = {name: machine.cpu_s(pid) for name, pid in self._pids.items()}
        if not self.entry.is_alone:
            own = machine.backends(POSTGRES_URL, f"bench_{self.entry.name}")
            counted["postgres"] = sum(map(machine.cpu_s, own))
        return counted

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.entry.name} ended with {self._process.wait(10)}")
        document: dict[str, Any] = json.loads(line)
        return document


@contextmanager
def taking_part(entry: Entry) -> Iterator[Contender]:
    """A contender that is up."""
    environment = child_environment(PYTHONPATH=str(ROOT))
    with subprocess.Popen(
        entry.command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Contender(entry, process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(45)
    except subprocess.TimeoutExpired:
        process.kill()
