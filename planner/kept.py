"""Plans as the response cache keeps them, and checked again when they come out."""

from __future__ import annotations

from dataclasses import replace

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from domain.plan import Plan
from domain.plan_check import Limits, problems
from domain.plan_repair import bound
from planner.planner import ROUNDS, Planning
from planner.request import PlanRequest

_PLAN: TypeAdapter[Plan] = TypeAdapter(Plan)


class PlanCodec:
    """Writes what may be kept of a planning, and reads it under today's catalogue and limits.

    A kept plan needed no mending, so it is stored as it stands: reading it is a matter of milliseconds.

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
        try:
            return _PLAN.dump_json(replace(planning.plan, repairs=())).decode()
        except PydanticSerializationError:  # half of a surrogate pair
            return None

    def load(self, text: str) -> Planning | None:
        """The plan that was kept; None when it cannot be run as it is any more."""
        try:
            kept = _PLAN.validate_json(text)
        except ValidationError:  # written by another version
            return None
        plan = replace(bound(kept, self._request.catalogue), rounds_left=ROUNDS, max_nodes=self._limits.max_nodes)
        return None if problems(plan, self._request.catalogue, self._limits) else Planning(plan=plan)
