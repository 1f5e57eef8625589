"""The `planner` skill: an agent that divides a goal which was too coarse to plan into a plan of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain.errors import Refused
from domain.plan_check import Limits
from domain.plan_json import plan_document
from domain.ports import Model
from domain.skill import Catalogue, Param, SkillSpec
from domain.texts import Language
from planner.planner import Planner
from planner.request import PlanRequest, middle_clipped

MAX_CONTEXT = 8_000  # characters of what is known about a goal

PLANNER = SkillSpec(
    name="planner",
    description=(
        "Divide a goal that is too coarse to plan at once, such as a project of several parts, into subtasks of its "
        "own, which are then done. Not for anything that one or two other skills can do."
    ),
    params=(
        Param(name="goal", required=True, description="what is to be reached, in full"),
        Param(name="context", description="what is known about it, such as results of earlier tasks"),
    ),
    timeout_s=300.0,
    keywords=("plan", "project", "organise", "规划", "项目", "拆分", "分解"),
    examples=("plan the migration of examples/shop to Python 3.13", "规划一次完整的代码质量整改"),
    aliases=("decompose", "subplan", "sub_plan", "plan"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is to be divided, and with which skills."""

    text: str
    context: str = ""
    language: Language
    catalogue: Catalogue


async def decompose(goal: Goal, model: Model | None, limits: Limits) -> dict[str, Any]:
    """Plan JSON that reaches the goal, or answers it directly.

    It never uses the `planner` again: what cannot be planned in two steps will not be in three.

    Args:
        goal: what is to be divided.
        model: who is asked; None plans by rules.
        limits: how large the plan may be.

    Raises:
        Refused: it cannot be divided, or not without asking a person.
        ModelDown: not as long as no model answers.
    """
    skills = Catalogue.of(
        (agent, spec)
        for spec in goal.catalogue
        if spec.name != PLANNER.name
        for agent in goal.catalogue.agents[spec.name]
    )
    known = f"\n\n(Known about it: {middle_clipped(goal.context, MAX_CONTEXT)})" if goal.context.strip() else ""
    request = PlanRequest(text=goal.text + known, language=goal.language, catalogue=skills)
    plan = (await Planner(model, limits).plan(request)).plan
    if plan.question is not None:
        raise Refused("plan.goal_unclear", question=plan.question)
    return plan_document(plan)
