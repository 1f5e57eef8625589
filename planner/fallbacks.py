"""What is done with a model's plan that cannot be run as it is, even after it was asked for again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from domain import graph
from domain.plan import Node, Plan, Repair
from domain.plan_check import Limits, Problem, clean_edges, problems
from domain.reference import node_references
from domain.skill import ParamType
from domain.texts import say
from planner.drafts import Draft
from planner.offline.words import ACTS, HAN_ACTS, WORD, stem
from planner.request import PlanRequest

GENERAL = "general"  # the skill that answers anything that only asks for words
MAX_SHOWN = 120  # characters of a problem in a note


def runnable_part(draft: Draft, request: PlanRequest, limits: Limits) -> Plan | None:
    """The part of a plan that can be run, naming what was left out. Nothing new in it starts before the person agrees;
    without what is critical there is nothing new in it. None when there is nothing, or nothing that can be run."""
    reasons = _left_out(draft, request)
    lost = [node for node in draft.plan.nodes if node.id in reasons]
    is_pointless = any(node.critical for node in lost)
    kept = [
        node for node in draft.plan.nodes if node.id not in reasons and (node.id in draft.fixed or not is_pointless)
    ]
    has_new = any(node.id not in draft.fixed for node in kept)
    note = Repair(kind="part_only") if has_new else Repair(kind="unfinished", reason="the rest cannot be run")
    part = replace(
        draft.plan,
        nodes=tuple(_asked_about(node, draft.fixed) for node in kept),
        repairs=(*draft.plan.repairs, note),
        unplaced=(*draft.plan.unplaced, *_named(lost, reasons, draft, request)),
    )
    return part if kept and not problems(part, request.catalogue, limits, draft.fixed) else None


def general_instead(request: PlanRequest) -> Plan | None:
    """The request as one task of a general agent, if there is one and the request asks for nothing but words."""
    spec = request.catalogue.skills.get(GENERAL)
    wanted = [param for param in spec.params if param.required] if spec else []
    if spec is None or len(wanted) != 1 or wanted[0].type is not ParamType.STRING or not only_asks(request.wish):
        return None
    node = Node(
        id="general",
        skill=GENERAL,
        name=" ".join(request.wish.split())[:MAX_SHOWN],
        params={wanted[0].name: request.wish},
        effect=spec.effect,
        timeout_s=spec.timeout_s,
        max_attempts=spec.max_attempts,
    )
    return Plan(nodes=(node,), repairs=(Repair(kind="general_instead"),))


def only_asks(text: str) -> bool:
    """Whether a request holds no word for changing anything: then the worst an answer can be is wrong."""
    return HAN_ACTS.search(text) is None and ACTS.isdisjoint(map(stem, WORD.findall(text)))


def _left_out(draft: Draft, request: PlanRequest) -> dict[str, str]:
    """Ids of the nodes that cannot be run, each with the reason: those with problems, and all that need them."""
    language = request.language
    reasons: dict[str, str] = {}
    for problem in draft.problems:
        for key in _about(problem, draft.plan):
            reasons.setdefault(key, problem.say(language))
    edges = {node.id: {*node.dependencies, *node_references(node)} for node in draft.plan.nodes}
    spread = list(reasons)
    needed_by = graph.reverse({key: tuple(others & edges.keys()) for key, others in edges.items()})
    for key in spread:
        for after in needed_by.get(key, ()):
            if after not in reasons:
                reasons[after] = say("plan.rest_blocked", language)
                spread.append(after)
    return {key: reason for key, reason in reasons.items() if key not in draft.fixed}


def _about(problem: Problem, plan: Plan) -> Iterator[str]:
    """The nodes a problem rests on: one, or all of every circle."""
    if problem.node:
        yield problem.node
    elif problem.kind == "cycle":
        for component in graph.components(clean_edges(plan)):
            yield from component


def _asked_about(node: Node, fixed: Collection[str]) -> Node:
    """A new node waits for the person when nothing new before it does."""
    is_first = node.id not in fixed and all(other in fixed for other in node.dependencies)
    return replace(node, approval=True) if is_first else node


def _named(lost: Sequence[Node], reasons: dict[str, str], draft: Draft, request: PlanRequest) -> Iterator[str]:
    for node in lost:
        reason = reasons[node.id][:MAX_SHOWN]
        yield say("plan.left_out", request.language, text=node.title[:MAX_SHOWN], reason=reason)
    if draft.is_cut:
        yield say("plan.rest_cut", request.language)
