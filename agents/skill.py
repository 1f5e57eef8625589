"""What a skill is to the worker that runs it. One file per agent under `agents/skills/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from domain.messages import Context
from domain.model import Usage
from domain.skill import SkillSpec
from domain.task import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to a skill: parameters checked against its spec, defaults filled in, and the context.

    `key` names the subtask and is the same for all its attempts: what an idempotent skill hands to a system outside,
    so that a call made twice counts once.
    """

    params: Mapping[str, Any]
    context: Context = field(default_factory=Context)
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """A plan instead of a result: its subtasks are done in this one's place, after the checks every plan goes through.

    `plan` is Plan JSON whose references and dependencies name its own tasks, or what this subtask depends on.
    """

    summary: str
    plan: Mapping[str, Any]
    usage: tuple[Usage, ...] = ()


class Skill(Protocol):
    """A named capability."""

    @property
    def spec(self) -> SkillSpec:
        """How it is announced."""
        ...

    async def run(self, call: Call) -> Result | Delegation:
        """Do it, or say which subtasks do.

        Raises Refused when the same call can never work (wrong path, not a CSV), Unavailable when it may
        work later. It is cancelled at its deadline and must not block the event loop: work that takes long
        on a processor belongs in a child process.
        """
        ...


def output_schema(**types: str) -> dict[str, Any]:
    """The JSON Schema of an object whose properties have these JSON types."""
    return {"type": "object", "properties": {name: {"type": kind} for name, kind in types.items()}}
