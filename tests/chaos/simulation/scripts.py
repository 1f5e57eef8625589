"""What there is to do for each request: what its planner will write, in which pieces, and what agents make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from domain.plan import Condition, Node, Op, Plan, When
from domain.skill import Effect
from tests.chaos.simulation.chance import Chance

TIMEOUTS_S = {"short": 10.0, "plain": 10.0, "poison": 10.0, "long": 3000.0, "deadly": 3000.0, "external": 40.0}
KINDS = ("short",) * 6 + ("long",) * 5 + ("external",) * 4 + ("plain",) * 3 + ("poison", "deadly")
ROOM = 24  # nodes of a task


@dataclass(frozen=True, kw_only=True)
class Script:
    """How a request goes: the nodes of every round, which subtasks turn out to be several, how planning goes."""

    rounds: tuple[tuple[Node, ...], ...]
    parts: Mapping[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    asks: bool = False
    streams: bool = False
    disappoints: bool = False

    def plan(self, author: str, count: int) -> Plan:
        """The plan of round number `count` as `author` writes it; no two write the same."""
        nodes = self.rounds[count] if count < len(self.rounds) else ()
        written = tuple(replace(node, description=author) for node in nodes)
        return Plan(nodes=written, author=author, rounds_left=2 if len(self.rounds) > 1 else 0, max_nodes=ROOM)


class Playwright:
    """Writes the script of a request."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._parts: dict[str, list[Mapping[str, Any]]] = {}

    def script(self) -> Script:
        """A script."""
        chance = self._chance
        rounds: list[tuple[Node, ...]] = []
        for number in range(chance.choice((1, 1, 1, 2))):
            earlier = [node.id for nodes in rounds for node in nodes]
            rounds.append(self._nodes(f"r{number}" if number else "n", earlier))
        return Script(
            rounds=tuple(rounds),
            parts=self._parts,
            asks=chance.happens(0.15),
            streams=chance.happens(0.5),
            disappoints=chance.happens(0.3),
        )

    def _nodes(self, prefix: str, earlier: list[str]) -> tuple[Node, ...]:
        nodes: list[Node] = []
        for place in range(self._chance.choice((1, 2, 3, 4, 5))):
            nodes.append(self._node(f"{prefix}{place}", [*earlier, *(node.id for node in nodes)]))
        return tuple(nodes)

    def _node(self, key: str, before: list[str]) -> Node:
        chance = self._chance
        kind = chance.choice(KINDS)
        count = min(len(before), chance.choice((0, 1, 1, 2)))
        dependencies = tuple(chance.random.sample(before, count))
        ref = f"{{{{{dependencies[0]}.output.items}}}}" if dependencies else ""
        is_map = bool(ref) and chance.happens(0.1)
        if kind in ("short", "long") and not is_map and chance.happens(0.1):
            self._parts[key] = self._children()
        condition = Condition(ref=ref, op=chance.choice((Op.EXISTS, Op.CONTAINS)), value=2) if ref else None
        return Node(
            id=key,
            skill=kind,
            dependencies=dependencies,
            critical=chance.happens(0.15),
            when=chance.choice([When.ALL_SUCCESS] * 4 + [When.ALL_DONE, When.ANY_FAILED]),
            condition=condition if chance.happens(0.15) else None,
            for_each=ref if is_map else "",
            effect=Effect.EXTERNAL if kind == "external" else Effect.NONE,
            timeout_s=TIMEOUTS_S[kind],
        )

    def _children(self) -> list[Mapping[str, Any]]:
        """A plan inside the plan, as an agent writes it."""
        tasks: list[Mapping[str, Any]] = []
        for place in range(self._chance.choice((1, 2, 3))):
            kind = self._chance.choice(("short", "long", "external"))
            dependencies = [f"p{place - 1}"] if place and self._chance.happens(0.5) else []
            tasks.append({"id": f"p{place}", "name": kind, "skill": kind, "params": {}, "dependencies": dependencies})
        return tasks


def is_safe(node: Node) -> bool:
    """Whether it may start before the plan is whole."""
    is_plain = node.condition is None and not node.for_each and node.when is When.ALL_SUCCESS
    return is_plain and node.effect is Effect.NONE
