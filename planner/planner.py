"""A request and a catalogue to a plan that can be run as it is: by a model, checked and mended, or by rules."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import structlog

from domain.errors import Malformed, ModelDown, PlanRefused, Refused
from domain.model import Completion
from domain.plan import Plan, Repair
from domain.plan_check import Limits, Problem, problems
from domain.plan_repair import repair
from domain.ports import Model
from domain.skill import Catalogue
from planner.offline import offered, plan_offline
from planner.prompt import PlanRequest, ask_again, plan_prompt
from planner.reading import read_text

MODEL_BUDGET_S = 240.0  # for both questions together; then the rules plan

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A model's plan after mending, and what is still wrong with it."""

    plan: Plan = field(default_factory=Plan)
    problems: tuple[Problem, ...] = ()
    unreadable: str = ""
    is_cut: bool = False

    @property
    def defects(self) -> list[str]:
        """What the model is told; models are spoken to in English."""
        named = [self.unreadable] if self.unreadable else [problem.say("en") for problem in self.problems]
        return [*named, "it was cut off: say it shorter"] if self.is_cut else named

    def accepted(self) -> Plan:
        """The plan. Raises Refused when it cannot be run."""
        if self.unreadable:
            raise Refused("plan.unreadable", detail=self.unreadable)
        if self.problems:
            raise PlanRefused(self.problems)
        return self.plan


class Planner:
    """Plans requests.

    Args:
        model: None plans by rules alone.
        limits: how large a plan may be.
    """

    def __init__(self, model: Model | None, limits: Limits) -> None:
        self._model = model
        self._limits = limits

    async def plan(self, request: PlanRequest) -> Plan:
        """A plan that is mended, bound to the catalogue and free of problems.

        Raises Refused (PlanRefused with every problem) when there is none; the sentence is for the person.
        """
        if self._model is None:
            return self._by_rules(request)
        try:
            async with asyncio.timeout(MODEL_BUDGET_S):
                return await self._by_model(self._model, request)
        except TimeoutError:
            return self._model_down(request, f"no plan within {MODEL_BUDGET_S:.0f} s")
        except ModelDown as down:
            return self._model_down(request, str(down.values.get("detail", "")))
        except Refused as refused:
            return self._instead(request, refused)

    async def _by_model(self, model: Model, request: PlanRequest) -> Plan:
        """Ask; if the answer has defects, name them and ask once more."""
        prompt = plan_prompt(request)
        completion = await model.complete(prompt)
        draft = self._drafted(completion, request.catalogue)
        if draft.defects:
            log.info("plan_asked_again", model=completion.model, defects=len(draft.defects))
            completion = await model.complete(ask_again(prompt, completion, draft.defects))
            draft = self._drafted(completion, request.catalogue)
        return draft.accepted()

    def _drafted(self, completion: Completion, catalogue: Catalogue) -> _Draft:
        try:
            read = read_text(completion.text, author=completion.model, is_truncated=completion.is_truncated)
        except Malformed as malformed:
            return _Draft(unreadable=str(malformed.values["detail"]), is_cut=completion.is_truncated)
        if len(read.nodes) > self._limits.max_nodes:  # mending a flood is not worth the time
            return _Draft(problems=problems(read, catalogue, self._limits))
        plan = repair(read, catalogue)
        plan = replace(plan, answer=None) if plan.nodes else plan
        is_cut = any(change == Repair(kind="text", other="truncated") for change in plan.repairs)
        return _Draft(plan=plan, problems=problems(plan, catalogue, self._limits), is_cut=is_cut)

    def _by_rules(self, request: PlanRequest) -> Plan:
        plan = plan_offline(request.text, request.catalogue, request.language)
        if found := problems(plan, request.catalogue, self._limits):
            raise PlanRefused(found)
        return plan

    def _model_down(self, request: PlanRequest, detail: str) -> Plan:
        """Plan by rules, and say so; where the rules find nothing either, say that a model might have."""
        log.warning("planned_without_model", cause=detail)
        try:
            plan = self._by_rules(request)
        except Refused as refused:
            if refused.key != "plan.nothing_placed":
                raise
            skills = offered(request.catalogue, request.language)
            raise Refused("plan.nothing_placed_model_down", detail=detail, skills=skills) from refused
        return replace(plan, repairs=(*plan.repairs, Repair(kind="model_down", other=detail)))

    def _instead(self, request: PlanRequest, refused: Refused) -> Plan:
        """The rules' plan in place of a model's that cannot be run, if the rules understand all of the request."""
        log.warning("model_plan_refused", cause=str(refused))
        try:
            plan = self._by_rules(request)
        except Refused:
            raise refused from None
        if plan.unplaced:
            raise refused
        return replace(plan, repairs=(*plan.repairs, Repair(kind="model_unusable")))
