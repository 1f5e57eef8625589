"""Planning without a model: small talk is answered, “again” means the last request, the rest is cut into clauses."""

from __future__ import annotations

from dataclasses import replace

from domain.errors import PlanRefused, Refused
from domain.plan import Plan, Repair
from domain.plan_check import Limits, problems
from domain.uploads import pointed
from planner.offline import AUTHOR, offered, plan_offline
from planner.request import PlanRequest, is_only_again
from planner.talk import small_talk


def plan_by_rules(request: PlanRequest, limits: Limits) -> Plan:
    """A plan, or a direct answer. Raises Refused when nothing in the request can be placed; PlanRefused when the plan
    would be too large."""
    answer = small_talk(request.wish, request.catalogue, request.language)
    if answer is not None:
        return Plan(answer=answer, author=AUTHOR)
    plan = plan_offline(_meant(request), request.catalogue, request.language)
    if found := problems(plan, request.catalogue, limits):
        raise PlanRefused(found)
    return plan


def plan_without_model(request: PlanRequest, limits: Limits, detail: str) -> Plan:
    """The same while the model does not answer, and says so; what the rules do not find, a model might have."""
    try:
        plan = plan_by_rules(request, limits)
    except Refused as refused:
        if refused.key != "plan.nothing_placed":
            raise
        skills = offered(request.catalogue, request.language)
        raise Refused("plan.nothing_placed_model_down", detail=detail, skills=skills) from refused
    return replace(plan, repairs=(*plan.repairs, Repair(kind="model_down", before=detail)))


def _meant(request: PlanRequest) -> str:
    """The text to read: the last real request when it is only “again”, and what was replied to a question."""
    if not is_only_again(request.wish):
        wish = pointed(request.wish, request.files)
        return " ".join([wish, *(exchange.reply for exchange in request.dialogue)])
    earlier = (exchange.said for exchange in reversed(request.history) if not is_only_again(exchange.said))
    last = next(earlier, None)
    if last is None:
        raise Refused("plan.nothing_again")
    return last
