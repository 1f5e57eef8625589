"""What a model wrote, as a plan: read, put beside what has begun, mended, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from domain.errors import Malformed, PlanRefused, Refused
from domain.plan import Node, Plan
from domain.plan_check import Limits, Problem, problems
from domain.plan_repair import is_doubtful, repair
from domain.task import SubtaskState
from domain.wording import repaired
from planner.joining import fresh
from planner.reading import read_text, was_cut
from planner.request import PlanRequest

_LOST = frozenset({SubtaskState.FAILED, SubtaskState.UNKNOWN, SubtaskState.SKIPPED, SubtaskState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a model wrote, and which of its tasks may have started already."""

    text: str
    author: str
    is_truncated: bool = False
    early: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A model's plan after mending, and what is still wrong with it.

    `problems` keep it from being run; with `is_cut` or `is_doubtful` it could be, but a better one is worth a question.
    `fixed` are the ids of the nodes that are there already.
    """

    plan: Plan = field(default_factory=Plan)
    fixed: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    unreadable: str = ""
    is_cut: bool = False
    is_doubtful: bool = False

    @property
    def can_run(self) -> bool:
        """Whether it can be run as it is."""
        return not self.unreadable and not self.problems

    @property
    def defects(self) -> list[str]:
        """What the model is told; models are spoken to in English."""
        named = [self.unreadable] if self.unreadable else [problem.say("en") for problem in self.problems]
        if self.is_doubtful:
            named += [repaired(change, "en") for change in self.plan.repairs]
        return [*named, "it was cut off"] if self.is_cut else named

    def refusal(self) -> Refused:
        """Why it cannot be run."""
        return Refused("plan.unreadable", detail=self.unreadable) if self.unreadable else PlanRefused(self.problems)


def drafted(written: Written, request: PlanRequest, limits: Limits) -> Draft:
    """Make a plan of what a model wrote.

    Args:
        written: the text.
        request: what was asked for, with what is there already.
        limits: how large the plan may be.
    """
    try:
        read = read_text(
            written.text, author=written.author, is_truncated=written.is_truncated, catalogue=request.catalogue
        )
    except Malformed as malformed:
        return Draft(unreadable=str(malformed.values["detail"]), is_cut=written.is_truncated)
    fixed = {node.id: node for node in (*request.fixed, *written.early)}
    plan = _mended(read, fixed, request, limits)
    return Draft(
        plan=plan,
        fixed=frozenset(fixed),
        problems=problems(plan, request.catalogue, limits, fixed),
        is_cut=was_cut(plan),
        is_doubtful=is_doubtful(plan),
    )


def _mended(read: Plan, fixed: Mapping[str, Node], request: PlanRequest, limits: Limits) -> Plan:
    lost = {begun.node.id for begun in request.begun if begun.state in _LOST}
    mark = f"r{request.round}_" if request.round else ""
    new = replace(read, nodes=fresh(read.nodes, tuple(fixed.values()), lost, mark))
    plan = repair(new, request.catalogue, limits, fixed)
    if plan.question is not None and any(one.said for one in request.dialogue):  # nobody is asked twice
        return replace(plan, answer=plan.question, question=None)
    return plan
