"""A plan that an agent brought instead of a result: read, mended and checked like every plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from domain.errors import PlanRefused, Refused
from domain.growth import MAX_NESTING, children, nesting
from domain.plan import Node, Plan
from domain.plan_check import Limits, Problem, problems
from domain.plan_json import read_plan
from domain.plan_repair import repair
from domain.skill import Catalogue
from domain.task import Task

log = structlog.get_logger()

TOO_DEEP = "failure.too_deep"


def sub_plan(document: Mapping[str, Any], task: Task, key: str, catalogue: Catalogue) -> Plan:
    """What an agent made of its subtask: children of it, or no nodes and an answer.

    It may refer to its own tasks and, as its agent could, to what the subtask itself depends on.

    Args:
        document: Plan JSON.
        task: the task.
        key: the subtask whose agent brought it.
        catalogue: the skills that can be asked for now.

    Raises:
        Refused: (`TOO_DEEP`) a plan inside a plan inside a plan is enough; Malformed or PlanRefused: it cannot be run.
    """
    assert task.plan is not None, "a subtask without a plan"  # noqa: S101 -- an invariant of the type, not input
    if nesting(task.plan, key) >= MAX_NESTING:
        raise Refused(TOO_DEEP)
    brought = read_plan(document, catalogue=catalogue)
    if not brought.nodes and brought.answer is None:
        raise PlanRefused([Problem(kind="empty")])
    count, room = len(brought.nodes), task.plan.max_nodes - len(task.plan.nodes)
    if count > room:
        raise PlanRefused([Problem(kind="too_many_nodes", count=count, limit=room)])
    around = _around(task.plan, key, brought)
    mended = repair(replace(brought, nodes=(*around.values(), *brought.nodes)), catalogue, fixed=around)
    for one in mended.repairs:
        log.info("sub_plan_repaired", subtask=f"{task.id}.{key}", trace=task.trace_id, kind=one.kind, reason=one.reason)
    found = problems(mended, catalogue, Limits(max_nodes=len(mended.nodes)), fixed=around)
    if found:
        raise PlanRefused(found)
    own = [node for node in mended.nodes if node.id not in around]
    repairs = tuple(replace(one, subtask=f"{key}.{one.subtask}".rstrip(".")) for one in mended.repairs)
    return replace(mended, nodes=children(task.plan.by_id[key], own), repairs=repairs)


def _around(plan: Plan, key: str, brought: Plan) -> Mapping[str, Node]:
    """What the nodes of a sub-plan may refer to beside themselves: the dependencies of their parent, as if these
    needed nothing. A node of the same name hides one of them."""
    own = {node.id for node in brought.nodes}
    around = [plan.by_id[other] for other in plan.by_id[key].dependencies if other not in own]
    return {node.id: replace(node, dependencies=()) for node in around}
