"""Skills: what can be asked for, with which parameters, and what doing it means for the world."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Any


class Effect(StrEnum):
    """What running a skill does to the world, which decides how it may be repeated; the strictest last."""

    NONE = "none"  # reads only: run again freely
    IDEMPOTENT = "idempotent"  # the same call twice leaves the same state
    EXTERNAL = "external"  # approval first, claim and grant, never repeated by itself


_STRICTNESS = tuple(Effect)


class ParamType(StrEnum):
    """The types a parameter can have (a subset of JSON Schema's)."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"
    PATH = "path"  # a string naming a place inside the workspace
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One parameter of a skill. `choices` closes the set of values when not empty."""

    name: str
    type: ParamType = ParamType.STRING
    description: str = ""
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillSpec:
    """A skill as its agent announces it.

    `keywords` and `examples` (requests in the users' own words, any language) let the offline planner and
    the model find it. `output_schema` is a JSON Schema for documentation and later checks. `open_params`
    accepts parameters beyond those listed, for foreign agents whose skills are not described. `aliases` are other
    names it goes by. `cache_s` above 0 says that its result depends on nothing but its parameters and what it is
    handed, and may be used again for so many seconds by the same user.
    """

    name: str
    description: str
    params: tuple[Param, ...] = ()
    output_schema: Mapping[str, Any] = field(default_factory=dict)
    effect: Effect = Effect.NONE
    timeout_s: float = 60.0
    max_attempts: int = 3
    keywords: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    open_params: bool = False
    aliases: tuple[str, ...] = ()
    cache_s: float = 0.0

    def param(self, name: str) -> Param | None:
        """The parameter of that name, if the skill has it."""
        return next((param for param in self.params if param.name == name), None)


@dataclass(frozen=True)
class Catalogue:
    """The skills that can be asked for now, and which agents offer each; sorted by name. What is made of one may be
    kept by it."""

    skills: Mapping[str, SkillSpec]
    agents: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, offers: Iterable[tuple[str, SkillSpec]]) -> Catalogue:
        """Build from (agent, skill) pairs. Of two agents' versions of a skill the first is shown, with the
        strictest effect of any: whoever gets the call, nothing may happen unasked."""
        skills: dict[str, SkillSpec] = {}
        agents: dict[str, list[str]] = {}
        for agent, spec in sorted(offers, key=lambda offer: (offer[1].name, offer[0])):
            shown = skills.get(spec.name, spec)
            strictest = max(shown.effect, spec.effect, key=_STRICTNESS.index)
            skills[spec.name] = shown if strictest is shown.effect else replace(shown, effect=strictest)
            agents.setdefault(spec.name, []).append(agent)
        return cls(skills, {name: tuple(dict.fromkeys(names)) for name, names in agents.items()})

    @cached_property
    def fingerprint(self) -> str:
        """Equal for catalogues whose skills say the same, whoever offers them."""
        skills = json.dumps([asdict(spec) for spec in self], sort_keys=True, default=str, separators=(",", ":"))
        return sha256(skills.encode(errors="replace")).hexdigest()

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __iter__(self) -> Iterator[SkillSpec]:
        return iter(self.skills.values())

    def __len__(self) -> int:
        return len(self.skills)

    def __contains__(self, name: object) -> bool:
        return name in self.skills
