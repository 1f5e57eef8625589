"""Changing a plan that was only shown: its name as a whole, and dropping one step of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from hashlib import blake2b

from bot.card_text import TITLE
from domain.errors import Refused
from domain.plan import Plan
from domain.plan_check import Limits, Problem, problems
from domain.safe_text import safe_line
from domain.skill import Catalogue

_NO_SKILLS = Catalogue({}, {})  # what the steps are has been judged; only how they hang together can change


def fingerprint(plan: Plan) -> str:
    """A short name of exactly this plan, for buttons that are about it."""
    canonical = json.dumps(asdict(plan), ensure_ascii=False, sort_keys=True, default=str)
    return blake2b(canonical.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def without(plan: Plan, key: str) -> Plan:
    """The plan without a step, and without those that wait for nothing but what goes.

    Raises:
        Refused: a step that stays needs what would go, or nothing would be left.
    """
    gone = _gone(plan.children, plan.edges, key)
    rest = tuple(
        replace(node, dependencies=tuple(other for other in node.dependencies if other not in gone))
        for node in plan.nodes
        if node.id not in gone
    )
    title = safe_line(plan.by_id[key].title, TITLE)
    if not rest:
        raise Refused("control.drop_last", title=title)
    dropped = replace(plan, nodes=rest)
    before = set(problems(plan, _NO_SKILLS, _limits(plan)))
    for problem in problems(dropped, _NO_SKILLS, _limits(plan)):
        if problem not in before:
            raise Refused("control.drop_needed", title=title, other=_title(plan, problem))
    return dropped


def _gone(children: Mapping[str, tuple[str, ...]], edges: Mapping[str, tuple[str, ...]], key: str) -> set[str]:
    gone = {key}
    frontier = [key]
    for name in frontier:
        for child in children[name]:
            if child not in gone and gone.issuperset(edges[child]):
                gone.add(child)
                frontier.append(child)
    return gone


def _limits(plan: Plan) -> Limits:
    """Dropping makes nothing larger."""
    return Limits(max_nodes=len(plan.nodes) + 1, max_depth=len(plan.nodes) + 1)


def _title(plan: Plan, problem: Problem) -> str:
    node = plan.by_id.get(problem.node)
    return safe_line(node.title, TITLE) if node else safe_line(problem.node, TITLE)
