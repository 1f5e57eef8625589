"""Make a plan runnable with the least change, and say every change.

Only what has one sensible mending is mended; the rest stays a problem for `plan_check` to name. A data
reference is never cut away, and a cycle through or before an external effect is left for a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from domain.plan import Node, Plan, Repair
from domain.plan_check import Limits, node_problems
from domain.plan_json.spelling import spelt
from domain.plan_repair.cycles import uncycled
from domain.plan_repair.fit import fitted
from domain.plan_repair.ids import Mended, depending, identified
from domain.plan_repair.naming import respelled
from domain.plan_repair.skills import Skills
from domain.reference import node_references
from domain.skill import Catalogue, Effect

# Where what is meant was guessed; all else can be told from the plan itself.
GUESSES = frozenset(
    {"skill", "general", "cut_edge", "dangling_dependency", "named_dependency", "renamed", "dropped_param"}
)
MAX_GUESSED = 2  # tasks that may be guessed at in any plan, however small


def repair(
    plan: Plan, catalogue: Catalogue, limits: Limits | None = None, fixed: Mapping[str, Node] | None = None
) -> Plan:
    """The plan with ids, references, skills, parameters, dependencies and cycles mended, bound to the catalogue.

    Args:
        plan: what was read.
        catalogue: the skills there are.
        limits: a plan beyond them is only bound, because mending a flood is not worth the time.
        fixed: nodes that run already. They are part of the plan as they are; the others yield to them.
    """
    begun = fixed or {}
    if limits and len(plan.nodes) > limits.max_nodes:
        return bound(plan, catalogue)
    nodes, told = identified(plan.nodes, catalogue, begun)
    repairs = [*plan.repairs, *told]
    for mend in (depending, _respelled, _skills, _params, _references):
        mended, told = mend(nodes, catalogue)
        nodes = tuple(begun.get(node.id, node) for node in mended)
        repairs += [change for change in told if change.subtask not in begun]
    nodes, told = uncycled(nodes, catalogue, begun)
    mended_plan = replace(plan, nodes=nodes, repairs=(*repairs, *told))
    return _settled(mended_plan, catalogue, begun)


def bound(plan: Plan, catalogue: Catalogue) -> Plan:
    """The plan with what the catalogue says about its skills: their effects, times and tries."""
    return replace(plan, nodes=tuple(_bound(node, catalogue) for node in plan.nodes))


def touched(plan: Plan) -> frozenset[str]:
    """The ids of the nodes that any repair is about."""
    return frozenset(change.subtask for change in plan.repairs) & plan.by_id.keys()


def is_doubtful(plan: Plan) -> bool:
    """Whether so much of a plan was guessed that its author should rather be asked again: more than a third of its
    nodes, and more than a few."""
    guessed = {change.subtask for change in plan.repairs if change.kind in GUESSES} & plan.by_id.keys()
    return len(guessed) > max(MAX_GUESSED, len(plan.nodes) / 3)


def certain(node: Node, earlier: Mapping[str, Node], catalogue: Catalogue) -> Node | None:
    """The node bound to the catalogue, if nothing about it needs mending and all it names is among `earlier` nodes.

    For plans that are still being written: what comes later cannot change such a node.
    """
    known = earlier.keys()
    needs = set(node_references(node))
    if node.id in known or node.skill not in catalogue or not needs <= set(node.dependencies) <= known:
        return None
    if len(set(node.dependencies)) < len(node.dependencies) or any(not one.is_ours for _, one in spelt(node)):
        return None
    read, repairs = fitted(node, catalogue)
    if repairs or node_problems(read, {**earlier, node.id: read}, catalogue):
        return None
    return _bound(read, catalogue)


def _settled(plan: Plan, catalogue: Catalogue, begun: Mapping[str, Node]) -> Plan:
    """With nodes bound, those asked about that act and were mended, and nothing said beside the work."""
    changed = touched(plan) - begun.keys()
    nodes = (begun.get(node.id) or _bound(node, catalogue) for node in plan.nodes)
    asking = tuple(replace(node, approval=True) if _acts(node) and node.id in changed else node for node in nodes)
    dropped = [Repair(kind="dropped_question", before=plan.question, reason="there is a plan")] if plan.question else []
    if not asking:
        return replace(plan, answer=None if plan.question else plan.answer)
    return replace(plan, nodes=asking, answer=None, question=None, repairs=(*plan.repairs, *dropped))


def _acts(node: Node) -> bool:
    return node.effect is Effect.EXTERNAL


def _bound(node: Node, catalogue: Catalogue) -> Node:
    spec = catalogue.skills.get(node.skill)
    if spec is None:
        return node
    return replace(
        node, effect=spec.effect, timeout_s=spec.timeout_s, max_attempts=spec.max_attempts, cache_s=spec.cache_s
    )


def _respelled(nodes: Sequence[Node], _catalogue: Catalogue) -> Mended:
    return respelled(nodes)


def _skills(nodes: Sequence[Node], catalogue: Catalogue) -> Mended:
    skills = Skills(catalogue)
    return _each([skills.found(node) for node in nodes])


def _params(nodes: Sequence[Node], catalogue: Catalogue) -> Mended:
    return _each([fitted(node, catalogue) for node in nodes])


def _references(nodes: Sequence[Node], _catalogue: Catalogue) -> Mended:
    """A reference is a dependency: add the ones not declared."""
    known = {node.id for node in nodes}
    return _each([_declaring(node, known) for node in nodes])


def _declaring(node: Node, known: set[str]) -> tuple[Node, tuple[Repair, ...]]:
    used = node_references(node)
    missing = [other for other in used if other in known and other != node.id and other not in node.dependencies]
    if not missing:
        return node, ()
    told = (
        Repair(kind="added_dependency", subtask=node.id, after=other, reason="it uses its output") for other in missing
    )
    return replace(node, dependencies=(*node.dependencies, *missing)), tuple(told)


def _each(mended: Sequence[tuple[Node, tuple[Repair, ...]]]) -> Mended:
    return tuple(node for node, _ in mended), tuple(change for _, told in mended for change in told)
