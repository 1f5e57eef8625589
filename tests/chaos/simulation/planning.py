"""What a model would do: write plans, some piece by piece, and answers. Slowly, and no two the same."""

from __future__ import annotations

import asyncio

from aggregator.drafts import Write
from aggregator.model_answer import Miss
from domain.answer import Answer, Author, Statement
from domain.errors import ModelDown, Refused
from domain.plan import Plan
from domain.task import Task
from planner.authoring import Grow
from planner.request import PlanRequest
from tests.chaos.simulation.agents import Outside
from tests.chaos.simulation.life import Life
from tests.chaos.simulation.scripts import Script, is_safe


class Mind:
    """The model of one process, which calls itself `name`."""

    def __init__(self, name: str, life: Life, outside: Outside, scripts: dict[str, Script]) -> None:
        self._name = name
        self._life = life
        self._outside = outside
        self._scripts = scripts

    async def plans(self, task: Task, request: PlanRequest, grow: Grow) -> Plan:
        """See `planner.claim.PlanWith`."""
        script = self._outside.scripts[task.id] = self._scripts.get(task.request, Script(rounds=()))
        await self._thinks()
        if self._life.chance.goes_wrong(0.1):
            raise ModelDown("error.model_down", retry_after_s=self._life.chance.between(0, 40), detail="busy")
        if script.asks and not task.dialogue:
            return Plan(question="Which?", author=self._name)
        plan = script.plan(self._name, request.round)
        if script.streams:
            await self._streams(plan, grow)
        if self._life.chance.happens(0.05):
            raise Refused("plan.nothing_again")
        return plan

    async def answers(self, task: Task, write: Write) -> Answer | Miss:
        """See `aggregator.role.AnswerWith`."""
        await self._thinks()
        write("so far")
        number = self._life.chance.bits(32)
        answer = Answer(statements=(Statement(text=f"{task.id} says {self._name} {number}"),), author=Author.MODEL)
        rounds_left = task.plan.rounds_left if task.plan else 0
        script = self._outside.scripts.get(task.id)
        return Miss(why="no totals", answer=answer) if rounds_left and script and script.disappoints else answer

    async def _streams(self, plan: Plan, grow: Grow) -> None:
        """One safe node after the other, each as soon as it is written."""
        for node in plan.nodes:
            if is_safe(node):
                await grow([node], self._name)
            await asyncio.sleep(self._life.chance.between(0.1, 1.0))

    async def _thinks(self) -> None:
        """Usually a moment; now and then so long that a claim is over."""
        chance = self._life.chance
        await asyncio.sleep(chance.between(15, 60) if chance.goes_wrong(0.15) else chance.between(0.1, 1.5))
