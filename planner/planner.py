"""A request and a catalogue to a plan that can be run as it is: by a model, checked and mended, or by rules."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import structlog

from domain.errors import ModelDown, Refused
from domain.plan import Plan, Repair
from domain.plan_check import Limits
from domain.ports import Model
from planner.authoring import Authored, Authoring, Grow
from planner.drafts import Draft
from planner.fallbacks import general_instead, runnable_part
from planner.joining import fresh
from planner.request import PlanRequest
from planner.rules import plan_by_rules, plan_without_model

MODEL_BUDGET_S = 240.0  # for all questions to the model together; then the rules plan
_FOR_A_MODEL = frozenset({"plan.nothing_placed_model_down", "plan.incomplete", "error.model_down"})  # it may find a way
ROUNDS = 2  # how often a model's plan may be made anew
_HARMLESS = frozenset({"text_fence", "text_thought"})  # the plan itself was as it should be

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """A plan, and whether an equal request may get it again: only the first word of the first model, as it was."""

    plan: Plan
    is_keepable: bool = False


class Planner:
    """Plans requests.

    Args:
        model: None plans by rules alone.
        limits: how large a plan may be.
    """

    def __init__(self, model: Model | None, limits: Limits) -> None:
        self._model = model
        self._limits = limits

    async def plan(self, request: PlanRequest, grow: Grow | None = None) -> Planning:
        """A plan that is mended, bound to the catalogue and free of problems; or an answer, or a question.

        Args:
            request: what is to be planned. Nodes that are there already are part of the plan as they are.
            grow: commits nodes before the plan is whole.

        Raises:
            Refused: there is none (PlanRefused with every problem); the sentence is for the person.
            ModelDown: the same, but a model may find one later.
        """
        if self._model is None:
            return self._whole(self._anew_by_rules(request))
        authoring = Authoring(self._model, request, self._limits, grow)
        try:
            async with asyncio.timeout(MODEL_BUDGET_S):
                return self._judged(await authoring.authored(), request)
        except TimeoutError:
            return self._without_model(authoring.request, f"no plan within {MODEL_BUDGET_S:.0f} s")
        except ModelDown as down:
            return self._meanwhile(authoring.request, down)

    def _judged(self, authored: Authored, request: PlanRequest) -> Planning:
        draft = authored.draft
        if not draft.can_run or draft.is_cut:
            return self._whole(self._instead(draft, authored.request))
        plan = replace(draft.plan, rounds_left=ROUNDS)
        is_alone = not (request.begun or request.round or plan.question or plan.unplaced)
        is_untouched = all(change.kind in _HARMLESS for change in plan.repairs)
        return self._whole(plan, is_keepable=authored.is_first_word and is_alone and is_untouched)

    def _instead(self, draft: Draft, request: PlanRequest) -> Plan:
        """What else can be done: the rules' plan if they understand everything, what can be run of the model's if the
        person agrees, one general agent. Raises Refused when it is none of these."""
        log.warning("model_plan_refused", cause=str(draft.refusal()))
        plan = self._all_by_rules(request, Repair(kind="model_unusable")) or runnable_part(draft, request, self._limits)
        if plan is None and not request.begun:
            plan = general_instead(request)
        if plan is None:
            raise draft.refusal()
        return plan

    def _meanwhile(self, request: PlanRequest, down: ModelDown) -> Planning:
        """Plan by rules; where they find nothing, and a model may answer later, raise ModelDown."""
        detail = str(down.values.get("detail", ""))
        try:
            return self._without_model(request, detail)
        except Refused as refused:
            if down.retry_after_s is None or refused.key not in _FOR_A_MODEL:
                raise
            values = {**refused.values, "detail": detail}
            raise ModelDown(refused.key, retry_after_s=down.retry_after_s, **values) from down

    def _without_model(self, request: PlanRequest, detail: str) -> Planning:
        """Plan by rules while no model answers; beside work that has begun only if they understand everything."""
        log.warning("planned_without_model", cause=detail)
        if not request.begun:
            return self._whole(plan_without_model(request, self._limits, detail))
        plan = self._all_by_rules(request, Repair(kind="model_down", before=detail))
        if plan is None:
            raise Refused("error.model_down", detail=detail)
        return self._whole(plan)

    def _anew_by_rules(self, request: PlanRequest) -> Plan:
        plan = plan_by_rules(request, self._limits)
        return replace(plan, nodes=(*request.fixed, *fresh(plan.nodes, request.fixed)))

    def _all_by_rules(self, request: PlanRequest, note: Repair) -> Plan | None:
        """The rules' plan, if they understand all of the request. In a later round they know nothing new."""
        if request.round:
            return None
        try:
            plan = self._anew_by_rules(request)
        except Refused:
            return None
        return None if plan.unplaced else replace(plan, repairs=(*plan.repairs, note))

    def _whole(self, plan: Plan, *, is_keepable: bool = False) -> Planning:
        return Planning(plan=replace(plan, max_nodes=self._limits.max_nodes), is_keepable=is_keepable)
