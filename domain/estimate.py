"""How long a plan will take and what it will cost, from what its skills took before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean
from typing import Any

from domain import graph
from domain.plan import Plan
from domain.ports import Measured

HISTORY = timedelta(days=30)  # older attempts say little about today's agents


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """`seconds` until everything has run and `cost` in US dollars of model calls; `known` is the share of the nodes
    whose skill has a history (0: this is no estimate at all)."""

    seconds: float = 0.0
    cost: float = 0.0
    known: float = 0.0


def estimate(plan: Plan, measured: Mapping[str, Measured], slots: int | None = None) -> Estimate:
    """What running a plan will take: its longest path, and the sum of its costs.

    A skill without history counts like the mean of the plan's others. A map counts as one subtask: nobody knows yet
    how many items there will be. Waiting for a person, or for an agent, is not in it.

    Args:
        plan: without cycles.
        measured: what each skill took so far.
        slots: subtasks that can run at once; with fewer than the plan could use, their joint work takes longer than
            the longest path (Graham's bound). None: as many as it likes.
    """
    history = [measured[node.skill] for node in plan.nodes if node.skill in measured]
    if not history:
        return Estimate()
    mean_s = fmean(skill.seconds for skill in history)
    mean_cost = fmean(skill.cost for skill in history)
    seconds = {node.id: measured[node.skill].seconds if node.skill in measured else mean_s for node in plan.nodes}
    return Estimate(
        seconds=max(_longest_s(plan, seconds), sum(seconds.values()) / (slots or len(seconds))),
        cost=mean_cost * len(plan.nodes),
        known=len(history) / len(plan.nodes),
    )


def estimate_document(estimated: Estimate) -> dict[str, Any] | None:
    """The estimate for programs; None when there is no history to estimate from."""
    if not estimated.known:
        return None
    return {
        "seconds": round(estimated.seconds, 3),
        "cost_usd": round(estimated.cost, 6),
        "known": round(estimated.known, 3),
    }


def _longest_s(plan: Plan, seconds: Mapping[str, float]) -> float:
    ends: dict[str, float] = {}
    for name in graph.topological(plan.edges):
        ends[name] = seconds[name] + max((ends[before] for before in plan.edges[name]), default=0.0)
    return max(ends.values())
