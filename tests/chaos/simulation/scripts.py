"""What there is to do for each task: what its planner will write, in which pieces, and what its agents make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from domain.plan import Condition, Node, Op, Plan, When
from domain.skill import Effect
from tests.chaos.simulation.workers import Nature

TIMEOUTS_S = {"short": 10.0, "poison": 10.0, "long": 3000.0, "deadly": 3000.0, "external": 40.0}
KINDS = ("short",) * 6 + ("long",) * 6 + ("external",) * 5 + ("poison", "deadly")
ROOM = 24  # nodes of a task


@dataclass(frozen=True, kw_only=True)
class Script:
    """How a task goes: the nodes of every round, and which subtasks turn out to be several."""

    rounds: tuple[tuple[Node, ...], ...]
    parts: Mapping[str, tuple[Node, ...]]
    asks: bool
    streams: bool
    disappoints: bool

    def plan(self, author: str, count: int) -> Plan:
        """The plan of round number `count` as `author` writes it; no two write the same."""
        nodes = self.rounds[count] if count < len(self.rounds) else ()
        written = tuple(replace(node, description=author) for node in nodes)
        return Plan(nodes=written, author=author, rounds_left=2 if len(self.rounds) > 1 else 0, max_nodes=ROOM)


class Playwright:
    """Writes the script of a task.

    Args:
        random: all chance in the world.
        nature: learns what each subtask is.
        task_id: whose script.
        without: mechanisms that are taken away.
    """

    def __init__(self, random: Random, nature: Nature, task_id: str, without: str) -> None:
        self._random, self._nature, self._task_id, self._without = random, nature, task_id, without
        self._parts: dict[str, tuple[Node, ...]] = {}

    def script(self) -> Script:
        """A script."""
        random = self._random
        rounds: list[tuple[Node, ...]] = []
        for number in range(random.choice([1, 1, 2, 3])):
            earlier = [node.id for nodes in rounds for node in nodes]
            rounds.append(self._nodes(f"r{number}" if number else "n", "", earlier))
        return Script(
            rounds=tuple(rounds),
            parts=self._parts,
            asks=random.random() < 0.2,
            streams=random.random() < 0.6,
            disappoints=random.random() < 0.3,
        )

    def _nodes(self, prefix: str, parent: str, earlier: list[str]) -> tuple[Node, ...]:
        nodes: list[Node] = []
        for place in range(self._random.randint(1, 3 if parent else 5)):
            before = [*earlier, *(node.id for node in nodes)]
            nodes.append(self._node(f"{prefix}{place}", parent, before))
        return tuple(nodes)

    def _node(self, key: str, parent: str, before: list[str]) -> Node:
        random = self._random
        name = f"{parent}.{key}" if parent else key
        agent = random.choice(["new", "new", "new", "old"])
        kind = random.choice(KINDS) if agent == "new" else "short"
        self._nature.kinds[self._task_id, name] = kind
        dependencies = tuple(random.sample(before, min(len(before), random.choice([0, 1, 1, 2]))))
        ref = f"{{{{{dependencies[0]}.output}}}}" if dependencies else ""
        is_map = bool(ref) and random.random() < 0.15
        if kind in ("short", "long") and not is_map and name.count(".") < 3 and random.random() < 0.15:
            self._parts[name] = self._nodes("p", name, [])
        is_external = kind == "external" and "unknown" not in self._without
        is_conditional = bool(ref) and random.random() < 0.15
        return Node(
            id=key,
            skill=agent,
            dependencies=dependencies,
            critical=random.random() < 0.15,
            when=random.choice([When.ALL_SUCCESS] * 4 + [When.ALL_DONE, When.ANY_FAILED]),
            condition=Condition(ref=ref, op=random.choice([Op.EXISTS, Op.CONTAINS]), value=2)
            if is_conditional
            else None,
            for_each=ref if is_map else "",
            effect=Effect.EXTERNAL if is_external else Effect.NONE,
            timeout_s=TIMEOUTS_S[kind],
        )


def is_safe(node: Node) -> bool:
    """Whether it may start before the plan is whole."""
    is_plain = node.condition is None and not node.for_each and node.when is When.ALL_SUCCESS
    return is_plain and node.effect is Effect.NONE
