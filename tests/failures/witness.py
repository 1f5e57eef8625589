"""An agent whose every deed is written down outside of the system, in a file that a test reads."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.skill import Call, Skill, output_schema
from domain.skill import Effect, Param, ParamType, SkillSpec
from domain.task import Result

FILE = "witness.jsonl"
AGENT = "witness"
LOOK_S = 0.02

Doing = Callable[[Call], Awaitable[str]]


def skills(*_: object) -> list[Skill]:
    """The skills of the agent; their folder is where the program runs."""
    return [
        Witnessed(_spec("witness_read", Effect.NONE), _takes_its_time),
        Witnessed(_spec("witness_note", Effect.IDEMPOTENT), _takes_its_time),
        Witnessed(_spec("witness_act", Effect.EXTERNAL), _takes_its_time),
        Witnessed(_spec("witness_wait", Effect.NONE), _waits_for_its_gate),
        Witnessed(_spec("witness_hang", Effect.NONE, timeout_s=1.0), _hangs_at_first),
        Witnessed(_spec("witness_poison", Effect.NONE), _kills),
        Witnessed(_spec("witness_talk", Effect.NONE), _says_much),
    ]


def deeds(folder: Path, text: str = "") -> list[dict[str, Any]]:
    """What was done in a folder, in order; only with this text."""
    file = folder / FILE
    lines = file.read_text().splitlines() if file.exists() else []
    done = [json.loads(line) for line in lines]
    return [deed for deed in done if text in ("", deed["text"])]


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A skill that writes down that it runs, then does something."""

    spec: SkillSpec
    doing: Doing

    async def run(self, call: Call) -> Result:
        deed = {"skill": self.spec.name, "text": call.params["text"], "key": call.key, "pid": os.getpid()}
        _write(json.dumps(deed) + "\n")
        said = await self.doing(call)
        return Result(summary=f"{call.params['text']}: done", output={"text": said})


def _write(line: str) -> None:
    with Path(FILE).open("a") as file:
        file.write(line)


def _is_open(gate: str) -> bool:
    return Path(f"gate-{gate}").exists()


def _spec(name: str, effect: Effect, timeout_s: float = 60.0) -> SkillSpec:
    return SkillSpec(
        name=name,
        description=f"For tests: {name}.",
        params=(
            Param(name="text", required=True),
            Param(name="seconds", type=ParamType.NUMBER, default=0),
        ),
        output_schema=output_schema(text="string"),
        effect=effect,
        timeout_s=timeout_s,
    )


async def _takes_its_time(call: Call) -> str:
    await asyncio.sleep(call.params["seconds"])
    return str(call.params["text"])


async def _waits_for_its_gate(call: Call) -> str:
    """Until the test has made a file of that name."""
    while not _is_open(call.params["text"].partition(".")[0]):  # noqa: ASYNC110 -- a file tells nobody that it is there
        await asyncio.sleep(LOOK_S)
    return str(call.params["text"])


async def _hangs_at_first(call: Call) -> str:
    if len(deeds(Path(), call.params["text"])) == 1:
        await asyncio.Event().wait()
    return str(call.params["text"])


async def _kills(call: Call) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return str(call.params["text"])


async def _says_much(call: Call) -> str:
    return "word " * 2000
