"""How much of a plan waits for each of its nodes, in seconds as its skills were measured: what critical-path scheduling
ranks by (Kwok and Ahmad, "Static scheduling algorithms for allocating directed task graphs", 1999: the b-level)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean

from domain import graph
from domain.graph import Edges, Urgency

SHORTEST_S = 0.001  # what a node counts at least, so that a longer path stays longer
ROUNDING = 1e-9  # of a path: sums of floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """Seconds by skill, to two digits: what changes less changes no rank. A skill without history counts `mean_s`."""

    by_skill: Mapping[str, float] = field(default_factory=dict)
    mean_s: float = 1.0

    @classmethod
    def of(cls, seconds: Mapping[str, float]) -> Durations:
        """From the mean seconds of each skill that was measured."""
        by_skill = {skill: max(SHORTEST_S, float(f"{mean_s:.1e}")) for skill, mean_s in seconds.items()}
        return cls(by_skill=by_skill, mean_s=fmean(by_skill.values())) if by_skill else UNMEASURED

    def seconds(self, skill: str) -> float:
        """What a skill will take."""
        return self.by_skill.get(skill, self.mean_s)


UNMEASURED = Durations()  # every node counts the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Per node: the seconds of the longest path from it to an end, itself included; and its wire priority by slack.
    `order` is the nodes with the longest path first.

    Only where something can wait there is something to prefer: what is on the longest path is then high, what could
    wait for half of it is low.
    """

    remaining_s: Mapping[str, float]
    urgency: Mapping[str, Urgency]
    order: tuple[str, ...]

    @classmethod
    def of(cls, edges: Edges, seconds: Mapping[str, float]) -> Ranking:
        """Rank the nodes of a graph without cycles."""
        order = graph.topological(edges)
        behind: dict[str, float] = {}
        for node in order:
            behind[node] = seconds[node] + max((behind[other] for other in edges[node]), default=0.0)
        ahead = dict(seconds)
        for node in reversed(order):
            for other in edges[node]:
                ahead[other] = max(ahead[other], seconds[other] + ahead[node])
        critical = max(ahead.values(), default=0.0)
        slack = {node: critical + seconds[node] - behind[node] - ahead[node] for node in edges}
        longest_first = tuple(sorted(edges, key=lambda node: (-ahead[node], node)))
        return cls(remaining_s=ahead, urgency=_urgency(slack, critical), order=longest_first)


def _urgency(slack: Mapping[str, float], critical: float) -> Mapping[str, Urgency]:
    if all(seconds <= ROUNDING * critical for seconds in slack.values()):
        return dict.fromkeys(slack, "normal")
    return {node: _urgency_of(seconds / critical) for node, seconds in slack.items()}


def _urgency_of(share: float) -> Urgency:
    if share <= ROUNDING:
        return "high"
    return "low" if share >= 0.5 - ROUNDING else "normal"
