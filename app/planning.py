"""How this process plans: with the model and the response cache if there is a model, else by rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.again import is_again
from domain.agents import SILENCE, offers
from domain.model import Completion, Prompt, Purpose, Usage
from domain.skill import Catalogue
from domain.task import Scope, Task
from domain.texts import Language

if TYPE_CHECKING:
    from agents.skill import Call, Skill
    from app.wiring import House
    from bot.commands import Preview
    from domain.plan import Plan
    from domain.ports import Listener, Model
    from planner.authoring import Grow
    from planner.claim import PlanWith
    from planner.planner import Planning
    from planner.request import PlanRequest


async def live_catalogue(house: House) -> Catalogue:
    """The skills that can be asked for now: announced and alive, or vouched for by configuration."""
    since = house.clock.now() - SILENCE
    workers = await house.store.transact(lambda uow: uow.registry.alive(since))
    return Catalogue.of(offers(workers, house.configured))


def plan_with(house: House) -> PlanWith:
    """Plans one request of a task; what its model says is kept for its owner only."""

    async def plan(task: Task, request: PlanRequest, grow: Grow) -> Plan:
        planning = await _planned(
            house, _Asked(scope=task.scope, task_id=task.id, is_fresh=task.is_fresh), request, grow
        )
        return planning.plan

    return plan


def preview(house: House) -> Preview:
    """Plans a text for its owner without starting anything."""
    from planner.request import PlanRequest

    async def plan(scope: Scope, text: str, language: Language) -> Plan:
        catalogue = await live_catalogue(house)
        request = PlanRequest(text=text, language=language, catalogue=catalogue, now=house.clock.now())
        return await plan_request(house, scope, request)

    return plan


async def plan_request(house: House, scope: Scope, request: PlanRequest) -> Plan:
    """Plan a request that is no task."""
    return (await _planned(house, _Asked(scope=scope), request, None)).plan


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Whose request it is, for which task if it is one, and whether nothing kept may be used."""

    scope: Scope
    task_id: str | None = None
    is_fresh: bool = False


async def _planned(house: House, asked: _Asked, request: PlanRequest, grow: Grow | None) -> Planning:
    from planner.planner import Planner

    planner = Planner(house.model_for(asked.scope, asked.task_id), house.limits)
    if house.model is None or request.begun or request.round:  # what stands beside begun work fits no other task
        return await planner.plan(request, grow)

    from llm import Question
    from planner.kept import PlanCodec
    from planner.prompt import shaped_by

    question = Question(
        scope=asked.scope,
        kind="plan",
        purpose=Purpose.PLAN,
        shaped_by=shaped_by(request),
        ttl_s=house.settings.plan_cache_s,
        is_bypassed=asked.is_fresh or is_again(request.text),
        task_id=asked.task_id,
    )
    codec = PlanCodec(request, house.limits)
    return await house.response_cache.through(question, lambda: planner.plan(request, grow), codec)


def decomposer(house: House) -> Skill:
    """The `planner` skill: what it returns is checked by the dispatcher like every plan."""
    from agents.skill import Delegation
    from planner.skill import PLANNER, Goal, decompose

    class Decomposer:
        """Divides a goal with the skills that are alive."""

        spec = PLANNER

        async def run(self, call: Call) -> Delegation:
            """Plan the goal. Raises Refused when it cannot be divided, ModelDown when no model answers."""
            goal = Goal(
                text=str(call.params["goal"]),
                context=str(call.params.get("context") or ""),
                language=call.context.language,
                catalogue=await live_catalogue(house),
            )
            model = _Tallied(house.model) if house.model else None
            plan = await decompose(goal, model, house.limits)
            return Delegation(summary=goal.text, plan=plan, usage=tuple(model.usage) if model else ())

    return Decomposer()


class _Tallied:
    """`domain.ports.Model` that remembers what its answers took, for an agent's report."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.usage: list[Usage] = []

    async def complete(self, prompt: Prompt, listener: Listener | None = None) -> Completion:
        """Ask, and note it. Raises ModelDown as the model does."""
        completion = await self._model.complete(prompt, listener)
        self.usage += completion.usage
        return completion
