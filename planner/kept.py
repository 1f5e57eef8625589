"""Plans as the response cache keeps them, and checked again when they come out."""

from __future__ import annotations

import json
from dataclasses import replace

from domain import strict_json
from domain.errors import Malformed
from domain.plan_check import Limits, problems
from domain.plan_json import plan_document, read_plan
from domain.plan_repair import repair
from planner.planner import ROUNDS, Planning
from planner.request import PlanRequest


class PlanCodec:
    """Writes what may be kept of a planning, and reads it under today's catalogue and limits.

    Args:
        request: what was asked for.
        limits: how large a plan may be.
    """

    def __init__(self, request: PlanRequest, limits: Limits) -> None:
        self._request = request
        self._limits = limits

    def dump(self, planning: Planning) -> str | None:
        """The text to keep; None when an equal request must not get this plan."""
        if not planning.is_keepable:
            return None
        return json.dumps({"plan": plan_document(planning.plan), "author": planning.plan.author}, ensure_ascii=False)

    def load(self, text: str) -> Planning | None:
        """The plan that was kept; None when it cannot be run as it is any more."""
        try:
            kept = strict_json.loads(text)
            plan = repair(read_plan(kept["plan"], author=str(kept["author"])), self._request.catalogue)
        except (Malformed, KeyError, TypeError):  # written by another version
            return None
        if plan.repairs or problems(plan, self._request.catalogue, self._limits):
            return None
        return Planning(plan=replace(plan, rounds_left=ROUNDS, max_nodes=self._limits.max_nodes))
