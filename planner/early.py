"""Which tasks of a plan that is still being written may start: those that nothing behind them can change."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from domain import strict_json
from domain.errors import Malformed
from domain.plan import Node
from domain.plan_check import Limits
from domain.plan_json import words
from domain.plan_json.entry import read_task, task_id
from domain.plan_repair import certain
from domain.skill import Catalogue, Effect
from planner.joining import work
from planner.request import PlanRequest


@dataclass(slots=True, kw_only=True)
class Judge:
    """Judges the entries of a task list in their order.

    An entry is certain when it needs no mending and waits only for tasks that are; it may start when it reads or may be
    repeated, and when neither a person, nor a condition, nor a list has a say in it. After the first entry that cannot
    be told apart from others nothing is certain any more.
    """

    request: PlanRequest
    limits: Limits
    _depths: dict[str, int] = field(default_factory=dict)  # of those that may start
    _known: dict[str, Node] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _works: set[str] = field(default_factory=set)  # of what is there already
    _is_lost: bool = False

    def __post_init__(self) -> None:
        self._known.update({node.id: node for node in self.request.fixed})
        self._works.update(work(node) for node in self.request.fixed)

    def __call__(self, entry: Any) -> Node | None:
        """The node, bound to the catalogue; None when it must wait for the whole plan."""
        node = None if self._is_lost else _read(entry, self.request.catalogue)
        if node is None or node.id in self._seen:
            self._is_lost = True
            return None
        self._seen.add(node.id)
        return self._admitted(node)

    def _admitted(self, node: Node) -> Node | None:
        if not self._is_new(node) or not self._has_room(node):
            return None
        bound = certain(node, self._known, self.request.catalogue)
        if bound is None or not self._may_start(bound):
            return None
        self._known[bound.id] = bound
        self._depths[bound.id] = self._depth(node)
        return bound

    def _is_new(self, node: Node) -> bool:
        return node.id not in self._known and work(node) not in self._works

    def _has_room(self, node: Node) -> bool:
        return len(self._known) < self.limits.max_nodes and self._depth(node) <= self.limits.max_depth

    def _depth(self, node: Node) -> int:
        return 1 + max((self._depths.get(key, 1) for key in node.dependencies), default=0)

    def _may_start(self, node: Node) -> bool:
        is_harmless = node.effect is Effect.NONE or (node.effect is Effect.IDEMPOTENT and not self.request.round)
        return is_harmless and not (node.approval or node.condition or node.for_each)


def _read(entry: Any, catalogue: Catalogue) -> Node | None:
    """The entry as a node; None when it is not strict JSON, or does not say what it is called and what it needs: the
    rest of the text may say that, or what is counted may."""
    if task_id(entry) is None or words.first(entry, words.DEPENDENCIES, object) is None:
        return None
    try:
        return read_task(strict_json.loads(json.dumps(entry)), 1, catalogue=catalogue)
    except (Malformed, ValueError, RecursionError):
        return None
