"""Skills that tell the oracle what they do: a line each time one begins, acts and ends, written at once."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from agents.skill import Call, Skill
from agents.workspace import Workspace
from domain.ports import Model
from domain.skill import Effect, Param, ParamType, SkillSpec
from domain.task import Result

AGENT = "chaos"
RECORD = "record.jsonl"
ATTEMPTS = 6  # more than the usual three: here somebody kills workers all the time
POISON = ("crash", "hang", "memory")
BLOCK = 16 * 1024 * 1024

_WHICH = (
    Param(name="dag", required=True, description="which request"),
    Param(name="node", required=True, description="which step"),
    Param(name="ms", type=ParamType.INTEGER, default=10, description="how long it takes"),
)


def skills(workspace: Workspace, _model: Model | None) -> list[Skill]:
    """One of each effect class, and one that kills."""
    record = Record(Path(workspace.root) / RECORD)
    return [
        Witnessed(
            record, SkillSpec(name="look", description="Look.", params=_WHICH, max_attempts=ATTEMPTS, timeout_s=600.0)
        ),
        Witnessed(record, _spec("put", Effect.IDEMPOTENT)),
        Witnessed(record, _spec("act", Effect.EXTERNAL)),
        Poison(record),
    ]


def _spec(name: str, effect: Effect) -> SkillSpec:
    return SkillSpec(name=name, description=name, params=_WHICH, effect=effect, max_attempts=ATTEMPTS, timeout_s=600.0)


@dataclass(frozen=True, slots=True)
class Record:
    """A file outside the system: what is appended to it stays, whoever is killed then."""

    path: Path

    def say(self, event: str, call: Call, run: str) -> None:
        line = {
            "event": event,
            "dag": call.params["dag"],
            "node": call.params["node"],
            "run": run,
            "pid": os.getpid(),
            "at": time.monotonic(),
        }
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, json.dumps(line).encode() + b"\n")
        finally:
            os.close(file)


class Witnessed:
    """Takes its time and says so."""

    def __init__(self, record: Record, spec: SkillSpec) -> None:
        self.spec = spec
        self._record = record

    async def run(self, call: Call) -> Result:
        run = secrets.token_hex(8)
        self._record.say("began", call, run)
        if self.spec.effect is not Effect.NONE:
            self._record.say("acted", call, run)
        await asyncio.sleep(int(call.params.get("ms", 10)) / 1000)
        self._record.say("ended", call, run)
        return Result(summary=f"{call.params['node']} of {call.params['dag']}", output={"run": run})


class Poison:
    """Kills whoever runs it, stands in everybody's way, or eats all memory."""

    spec = SkillSpec(
        name="poison",
        description="poison",
        params=(*_WHICH, Param(name="kind", required=True, choices=POISON)),
        timeout_s=5.0,
    )

    def __init__(self, record: Record) -> None:
        self._record = record

    async def run(self, call: Call) -> Result:
        self._record.say("began", call, secrets.token_hex(8))
        match call.params["kind"]:
            case "crash":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                time.sleep(3600)  # noqa: ASYNC251 -- blocking the loop is the point
            case _:
                eaten = []
                while True:
                    eaten.append(b"x" * BLOCK)
        return Result(summary="")
