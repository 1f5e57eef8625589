"""A plan: the validated DAG of subtasks. Immutable once accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from domain import graph
from domain.ranking import Durations, Ranking
from domain.skill import Effect


class When(StrEnum):
    """Under which ends of its dependencies a subtask runs; they must all have ended in any case."""

    ALL_SUCCESS = "all_success"
    ALL_DONE = "all_done"
    ANY_FAILED = "any_failed"


class Op(StrEnum):
    """How a condition compares an output with its value."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"
    CONTAINS = "contains"
    EXISTS = "exists"  # the path is there and not null; takes no value


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A comparison on an output that decides whether a subtask runs; `ref` is written `{{id.output.path}}`."""

    ref: str
    op: Op
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One subtask as planned.

    `effect`, `timeout_s`, `max_attempts` and `cache_s` are bound from the catalogue, never taken from the model.
    `approval` means that a person must allow it whatever its effect is: the plan asked for that, or it writes
    something and was built from data. `for_each` names a list (`{{id.output.path}}`): one child per item is made
    when that is known, and `{{item}}` in their params stands for item number `item`. `parent` is the node whose
    map or sub-plan made this one, `round` how often the task had been planned anew before.
    """

    id: str
    skill: str
    name: str = ""
    description: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    critical: bool = False
    when: When = When.ALL_SUCCESS
    condition: Condition | None = None
    approval: bool = False
    for_each: str = ""
    item: int | None = None
    parent: str = ""
    round: int = 0
    effect: Effect = Effect.NONE
    timeout_s: float = 60.0
    max_attempts: int = 3
    cache_s: float = 0.0

    @property
    def title(self) -> str:
        """What a card calls it."""
        return self.name or self.description or self.skill

    @property
    def needs_approval(self) -> bool:
        """Whether a person must allow it before it runs."""
        return self.approval or self.effect is Effect.EXTERNAL

    @property
    def is_map(self) -> bool:
        """Whether its children run in its place, one per item of a list."""
        return bool(self.for_each) and self.item is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One thing that was changed to make a plan runnable: stored, logged and told to the user.

    `kind` names the sentence `repair.<kind>`, which the other fields fill: the subtask it is about (empty: the whole
    text), what stood there before, what stands there now, and why, as a short English clause.
    """

    kind: str
    subtask: str = ""
    before: str = ""
    after: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Nodes in the planner's order, or a direct reply (`answer`), or one thing to ask first (`question`).

    `unplaced` are the parts of the request no skill could be found for; `author` says who planned
    ("offline", "given", or the model's name). `rounds_left` is how often it may be planned anew, `misses` why it was
    so far, an entry per round (empty: a critical subtask was lost). `max_nodes` bounds what maps and sub-plans add.
    `is_amended` means that more was asked for after something had run, so that what is added was planned with results
    in sight.
    """

    nodes: tuple[Node, ...] = ()
    answer: str | None = None
    question: str | None = None
    repairs: tuple[Repair, ...] = ()
    unplaced: tuple[str, ...] = ()
    author: str = "given"
    rounds_left: int = 0
    misses: tuple[str, ...] = ()
    max_nodes: int = 200
    is_amended: bool = False

    @cached_property
    def by_id(self) -> Mapping[str, Node]:
        """Nodes by their id."""
        return {node.id: node for node in self.nodes}

    @cached_property
    def needs_approval(self) -> bool:
        """Whether anything in it waits for a person."""
        return any(node.needs_approval for node in self.nodes)

    @cached_property
    def critical(self) -> tuple[str, ...]:
        """Ids of this round's nodes whose loss ends the round."""
        return tuple(node.id for node in self.nodes if node.critical and node.round == len(self.misses))

    @cached_property
    def made(self) -> Mapping[str, tuple[Node, ...]]:
        """Node id -> what its map or sub-plan made of it; only nodes that were unfolded are here."""
        made: dict[str, list[Node]] = {}
        for node in self.nodes:
            if node.parent:
                made.setdefault(node.parent, []).append(node)
        return {parent: tuple(nodes) for parent, nodes in made.items()}

    @cached_property
    def edges(self) -> Mapping[str, tuple[str, ...]]:
        """Node id -> ids it depends on."""
        return {node.id: node.dependencies for node in self.nodes}

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """Node id -> ids that depend on it."""
        return graph.reverse(self.edges)

    def ranking(self, durations: Durations) -> Ranking:
        """How much waits for each node; worked out once for the same durations."""
        known: tuple[Durations, Ranking] | None = self.__dict__.get("_ranking")
        if known is None or known[0] is not durations:
            seconds = {node.id: durations.seconds(node.skill) for node in self.nodes}
            known = self.__dict__["_ranking"] = (durations, Ranking.of(self.edges, seconds))
        return known[1]
