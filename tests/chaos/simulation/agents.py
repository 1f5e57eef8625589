"""What agents do, as the world outside sees it; and a listener that knows nothing but task and result."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import structlog

from agents.skill import Call, Delegation
from domain.errors import BrokerDown, Malformed, Refused, Unavailable
from domain.messages import ResultContent, ResultMessage
from domain.ports import AgentBus
from domain.skill import Effect, SkillSpec
from domain.task import Result
from tests.chaos.simulation.life import Life
from tests.chaos.simulation.scripts import TIMEOUTS_S, Script

Name = tuple[str, str]  # a subtask


@dataclass
class Outside:
    """What really happened, whatever the rows say. `execs` are executions by their number: subtask and attempt."""

    acted: Counter[Name] = field(default_factory=Counter)
    kills: Counter[Name] = field(default_factory=Counter)
    execs: list[tuple[str, str, int]] = field(default_factory=list)
    scripts: dict[str, Script] = field(default_factory=dict)  # by task, once it is being planned


class Played:
    """A skill. What it does is its name."""

    def __init__(self, kind: str, life: Life, outside: Outside) -> None:
        effect = Effect.EXTERNAL if kind == "external" else Effect.NONE
        self.spec = SkillSpec(name=kind, description=kind, effect=effect, timeout_s=TIMEOUTS_S[kind], open_params=True)
        self._kind = kind
        self._life = life
        self._outside = outside

    async def run(self, _call: Call) -> Result | Delegation:
        about = structlog.contextvars.get_contextvars()
        task, key, attempt = about["task"], about["subtask"], about["attempt"]
        self._outside.execs.append((task, key, attempt))
        number = len(self._outside.execs) - 1
        await self._acts((task, key))
        parts = self._parts(task, key)
        if parts:
            return Delegation(summary="several", plan={"tasks": parts})
        return Result(summary=self._kind, output={"exec": number, "items": list(range(number % 4))})

    def _parts(self, task: str, key: str) -> list[Mapping[str, Any]]:
        script = self._outside.scripts.get(task)
        return list(script.parts.get(key, ())) if script else []

    async def _acts(self, name: Name) -> None:
        chance = self._life.chance
        match self._kind:
            case "poison":
                self._dies(name)
            case "deadly":
                await asyncio.sleep(chance.between(2.0, 12.0))
                self._dies(name)
            case "external":
                await self._affects(name)
            case "long":
                await asyncio.sleep(chance.between(2.0, 40.0))
            case _:
                await asyncio.sleep(chance.between(0.05, 0.9))
        if self._kind != "external" and chance.happens(0.08):
            raise Unavailable("error.model_down", detail="busy")

    def _dies(self, name: Name) -> NoReturn:
        self._outside.kills[name] += 1
        self._life.end()
        raise asyncio.CancelledError

    async def _affects(self, name: Name) -> None:
        if self._life.chance.happens(0.05):
            raise Refused("skill.unapproved", skill="external")
        await self._life.point()
        self._outside.acted[name] += 1
        await self._life.point()
        await asyncio.sleep(self._life.chance.between(0.05, 3.0))


async def listener(agent: str, bus: AgentBus, life: Life) -> None:
    """Runs whatever it gets, says the result once without looking whether it arrived, then acknowledges."""
    async with bus.tasks(agent, 1) as tasks:
        while True:
            for arrival in await tasks.batch(1):
                if not isinstance(arrival.message, Malformed):
                    await asyncio.sleep(life.chance.between(0.1, 3.0))
                    await _say(agent, bus, arrival.message.task_id)
                await tasks.ack([arrival])


async def _say(agent: str, bus: AgentBus, subtask: str) -> None:
    content = ResultContent(summary="plain", output={"items": [1, 2]})
    try:
        await bus.report(agent, ResultMessage(task_id=subtask, source=agent, status="success", content=content))
    except BrokerDown:
        return
