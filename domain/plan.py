"""A plan: the validated DAG of subtasks. Immutable once accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from domain import graph
from domain.skill import Effect


class When(StrEnum):
    """Under which ends of its dependencies a subtask runs; they must all have ended in any case."""

    ALL_SUCCESS = "all_success"
    ALL_DONE = "all_done"
    ANY_FAILED = "any_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One subtask as planned. `effect`, `timeout_s` and `max_attempts` are bound from the catalogue, never
    taken from the model."""

    id: str
    skill: str
    name: str = ""
    description: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    critical: bool = False
    when: When = When.ALL_SUCCESS
    effect: Effect = Effect.NONE
    timeout_s: float = 60.0
    max_attempts: int = 3

    @property
    def title(self) -> str:
        """What a card calls it."""
        return self.name or self.description or self.skill


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One thing that was changed to make a plan runnable; told to the user. `kind` names the sentence
    `repair.<kind>`, which `node` and `other` fill."""

    kind: str
    node: str = ""
    other: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Nodes in the planner's order, or a direct reply (`answer`, no nodes).

    `unplaced` are the parts of the request no skill could be found for; `author` says who planned
    ("offline", "given", or the model's name).
    """

    nodes: tuple[Node, ...] = ()
    answer: str | None = None
    repairs: tuple[Repair, ...] = ()
    unplaced: tuple[str, ...] = ()
    author: str = "given"

    @cached_property
    def by_id(self) -> Mapping[str, Node]:
        """Nodes by their id."""
        return {node.id: node for node in self.nodes}

    @cached_property
    def has_external(self) -> bool:
        """Whether anything in it changes the world outside and so waits for a person."""
        return any(node.effect is Effect.EXTERNAL for node in self.nodes)

    @cached_property
    def edges(self) -> Mapping[str, tuple[str, ...]]:
        """Node id -> ids it depends on."""
        return {node.id: node.dependencies for node in self.nodes}

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """Node id -> ids that depend on it."""
        return graph.reverse(self.edges)

    @cached_property
    def remaining(self) -> Mapping[str, int]:
        """Node id -> nodes on the longest path from it to an end, itself included: its critical-path rank."""
        return graph.longest_paths(self.children)

    @cached_property
    def urgency(self) -> Mapping[str, graph.Urgency]:
        """Node id -> wire priority. Only a plan with branches has something to prefer: its critical path is
        high, what could wait for half of the path is low."""
        return graph.urgency(self.edges, self.remaining)
