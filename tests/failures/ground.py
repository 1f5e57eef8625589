"""A deployment to break: the real program, a strict Telegram, a scripted model, a file that witnesses deeds."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pamqp.commands import Connection as Words

from app.roles import PLANNER_AGENT
from tests.acceptance.command import Command
from tests.acceptance.talking_model import settings_for, talking
from tests.failures.nursery import CLOCK_FILE, Child, Nursery
from tests.failures.proxies import Services
from tests.failures.script import Script
from tests.failures.telegram import Request, Telegram, telegram
from tests.failures.witness import AGENT, deeds

T = TypeVar("T")

ARMED, CLOCK = "point", "clock"
UNTIL_S = 60.0
LOOK_S = 0.02

# One process with every role, or the control plane in one and the agents in another.
SQLITE = {"house": ("serve",)}
SERVERS = {
    "house": ("serve", "--role", "bot,planner,dispatcher,aggregator"),
    "agents": ("serve", "--role", "agents"),
}

QUICK = {
    "XINGSHU_AGENTS": f"{AGENT}={AGENT}",
    "XINGSHU_LEASE_S": "6",
    "XINGSHU_SWEEP_S": "0.5",
    "XINGSHU_DISPATCH_TTL_S": "4",
    "XINGSHU_LEAD_S": "2",
    "XINGSHU_USER_TASKS": "50",
    "XINGSHU_LOG_FORMAT": "json",
    "XINGSHU_FAIL": f"@{ARMED}",
}


def until(condition: Callable[[], T | None], timeout_s: float = UNTIL_S) -> T:
    """What `condition` gives once it is true."""
    end = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < end, "it never came to that"
        time.sleep(LOOK_S)
    return found


@dataclass
class Ground:
    """The deployment, and everything around it that a test can touch."""

    folder: Path
    settings: Mapping[str, str]
    roles: Mapping[str, tuple[str, ...]]
    nursery: Nursery
    telegram: Telegram
    script: Script
    services: Services | None = None
    children: dict[str, Child] = field(default_factory=dict)
    started: int = 0
    is_spoiled: bool = False  # its rows hold times that no other test can live with
    _read: dict[Path, int] = field(default_factory=dict)
    _odd: set[str] = field(default_factory=set)

    @property
    def has_servers(self) -> bool:
        """Whether broker and database are servers of their own."""
        return self.services is not None

    # --- processes ------------------------------------------------------------------------------------------------

    def start(self, name: str, *args: str, **settings: str) -> Child:
        """Start one of the processes, or another one, and wait until it serves."""
        child = self.launch(name, *args, **settings)
        until(lambda: '"serving"' in child.log.read_text(errors="replace") or _died(child))
        return child

    def launch(self, name: str, *args: str, **settings: str) -> Child:
        """Start one without waiting for it."""
        child = self._begin(args or self.roles[name], {CLOCK_FILE: f"{CLOCK}-{name}", **settings})
        self.children[name] = child
        if settings:
            self._odd.add(name)
        return child

    def run(self, *args: str, **settings: str) -> tuple[int, str]:
        """A command beside them: its exit code, and what it printed."""
        child = self._begin(args, {"XINGSHU_FAIL": "", "XINGSHU_LOG_LEVEL": "error", **settings})
        return child.wait(), child.log.read_text()

    def _begin(self, args: tuple[str, ...], settings: Mapping[str, str]) -> Child:
        self.started += 1
        log = self.folder / f"process-{self.started:03}.log"
        log.touch()
        env = Command(self.folder, {**self.settings, **settings}).environment
        return self.nursery.start(list(args), env, self.folder, log)

    def crash(self, point: str, *names: str) -> str:
        """Wait until some process dies of this crash point; its name."""
        dead = until(lambda: next((name for name in names or self.children if self._is_dead(name)), None))
        assert self.children[dead].poll() == -signal.SIGKILL, self.log()
        assert not (self.folder / ARMED).exists(), f"it died, but not of {point}"
        return dead

    def _is_dead(self, name: str) -> bool:
        return self.children[name].poll() is not None

    def skew(self, name: str, seconds: float) -> None:
        """From now on the clock of a process is that much ahead."""
        self.is_spoiled = True
        unfinished = self.folder / f"{CLOCK}-{name}.new"
        unfinished.write_text(str(seconds))
        unfinished.rename(self.folder / f"{CLOCK}-{name}")

    def arm(self, point: str) -> None:
        """The next process that reaches this crash point dies."""
        unfinished = self.folder / f"{ARMED}.new"
        unfinished.write_text(point)
        unfinished.rename(self.folder / ARMED)

    def mend(self) -> None:
        """Make it whole again after a test."""
        (self.folder / ARMED).unlink(missing_ok=True)
        self.script.be_well()
        for clock in self.folder.glob(f"{CLOCK}-*"):
            clock.unlink()
        self.telegram.remote("clear_faults")
        for wire in (self.services.broker, self.services.database) if self.services else ():
            wire.join()
        if self.services:
            self.services.broker.tell(Words.Unblocked())
        for name in [name for name in self.children if name not in self.roles]:
            self.children.pop(name).kill()
        for name in self._odd & set(self.roles):
            self.children[name].kill()
        self._read = {log: log.stat().st_size for log in self._logs()}
        if dead := [name for name in self.roles if self._is_dead(name)]:
            for name in dead:
                self.start(name)
                self.until_announced(PLANNER_AGENT if self.roles[name] == SERVERS["house"] else AGENT)
        self._odd.clear()

    def has_logged(self, *texts: str) -> bool:
        """Whether any process said all that in one line in this test."""
        logs = (log.read_bytes()[self._read.get(log, 0) :] for log in self._logs())
        lines = (line for said in logs for line in said.splitlines())
        return any(all(text.encode() in line for text in texts) for line in lines)

    def until_announced(self, agent: str) -> None:
        """Wait until a dispatcher has heard of an agent: only then a plan may name its skills."""
        until(lambda: self.has_logged('"agent_announced"', f'"agent": "{agent}"'))

    def _logs(self) -> list[Path]:
        return sorted(self.folder.glob("process-*.log"))

    def log(self, size: int = 6000) -> str:
        """The ends of what all processes said."""
        files = self._logs()[-4:]
        return "\n".join(f"--- {file.name}\n{file.read_text(errors='replace')[-size:]}" for file in files)

    def leave(self) -> None:
        """Everything ends at once, and nothing is mended."""
        for child in self.children.values():
            child.kill()

    def stop(self) -> None:
        """Everything ends in good order."""
        for child in self.children.values():
            child.send_signal(signal.SIGTERM)
        codes = {name: child.wait() for name, child in self.children.items()}
        assert set(codes.values()) == {0}, f"{codes}: {self.log()}"

    # --- what came of it ------------------------------------------------------------------------------------------

    def deeds(self, request: Request) -> list[dict[str, Any]]:
        """What was done for it, as witnessed."""
        return deeds(self.folder, request.word)

    def all_deeds(self, request: Request) -> list[dict[str, Any]]:
        """The same, with what its other steps did."""
        return [deed for deed in deeds(self.folder) if deed["text"].partition(".")[0] == request.word]

    def open_gate(self, request: Request) -> None:
        """Let the skill that waits for it go on."""
        (self.folder / f"gate-{request.word}").touch()

    def task(self, request: Request) -> dict[str, Any]:
        """The one task that it became, as the command line tells it."""
        code, said = self.run("tasks", "--json", "--limit", "1000")
        assert code == 0, said
        (line,) = [row for row in json.loads(said) if request.word in row["request"]]
        code, said = self.run("status", line["task_id"], "--json")
        assert code == 0, said
        document: dict[str, Any] = json.loads(said)
        return document

    def check_ended(self, request: Request) -> dict[str, Any]:
        """The task, once it has its answer."""

        def found() -> dict[str, Any] | None:
            task = self.task(request)
            return task if task["answer"] else None

        return until(found)

    def check_answered_once(self, request: Request, text: str = "") -> dict[str, Any]:
        """One answer in the chat, one task behind it."""
        self.telegram.answer(request, text)
        task = self.task(request)
        answers = self.telegram.answers(request, text)
        assert len(answers) == 1, [one["text"] for one in self.telegram.shown(request)]
        return task


def _died(child: Child) -> bool:
    assert child.poll() is None, child.log.read_text(errors="replace")[-6000:]
    return False


@contextmanager
def ground(folder: Path, nursery: Nursery, services: Services | None, **settings: str) -> Iterator[Ground]:
    """A deployment on these services (none: SQLite and the broker in the process), running."""
    script = Script()
    with telegram() as chats, talking(script) as model:
        configured = {**settings_for(model), **chats.settings, **QUICK, **(services.settings if services else {})}
        roles = SERVERS if services else SQLITE
        here = Ground(folder, {**configured, **settings}, roles, nursery, chats, script, services)
        try:
            for name in roles:
                here.start(name)
            here.until_announced(AGENT)
            yield here
        finally:
            for child in here.children.values():
                child.send_signal(signal.SIGKILL)
