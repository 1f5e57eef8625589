"""A catalogue, and plans mended with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.plan import Node, Plan, Repair
from domain.plan_repair import repair
from domain.skill import Catalogue, Effect, Param, ParamType, SkillSpec
from tests.unit.domain import build as b


def spec(name: str, **more: Any) -> SkillSpec:
    return SkillSpec(**{"name": name, "description": "", "open_params": True, **more})


LOOK = spec(
    "look",
    open_params=False,
    params=(
        Param(name="limit", type=ParamType.INTEGER),
        Param(name="ratio", type=ParamType.NUMBER),
        Param(name="mode", choices=("fast", "slow")),
        Param(name="deep", type=ParamType.BOOLEAN),
        Param(name="paths", type=ParamType.ARRAY),
        Param(name="of", type=ParamType.ANY),
    ),
)
SEND = spec("send_mail", effect=Effect.EXTERNAL, timeout_s=7.0, max_attempts=1)
CATALOGUE = Catalogue.of(
    [("ann", LOOK), ("ann", SEND), ("ann", spec("code_review")), ("ann", spec("a_b")), ("ann", spec("ab"))]
)


def mended(*nodes: Node) -> Plan:
    return repair(Plan(nodes=nodes), CATALOGUE)


def told(plan: Plan) -> tuple[Repair, ...]:
    """The repairs without their reasons, which all have."""
    assert all(change.reason for change in plan.repairs if not change.kind.startswith("text_"))
    return tuple(replace(change, reason="") for change in plan.repairs)


def edges(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {node.id: node.dependencies for node in plan.nodes}


def using(key: str, *others: str, **more: Any) -> Node:
    """A node that uses the output of `others`."""
    return b.node(key, *others, params={"of": [f"{{{{{other}.output}}}}" for other in others]}, **more)
