"""A catalogue of skills from a JSON file: `{"skills": [...]}` or the list itself.

A skill is `{"name", "description", "params"?}`. Its params are a list of `{"name", "type", "required"…}` as on the
wire, or an object `{name: "type: text"}`; a skill without any takes whatever it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.errors import Malformed
from domain.skill import Catalogue, Effect, Param, ParamType, SkillSpec

_TYPES = {kind.value: kind for kind in ParamType}
_EFFECTS = {effect.value: effect for effect in Effect}


def read_catalogue(document: Any) -> Catalogue:
    """Read a parsed document. Raises Malformed naming the entry that is not a skill."""
    entries = document.get("skills") if isinstance(document, Mapping) else document
    if not isinstance(entries, list):
        raise Malformed("error.malformed", detail='a catalogue is a list of skills, or an object with "skills"')
    return Catalogue.of(("given", _skill(entry, place)) for place, entry in enumerate(entries, start=1))


def _skill(entry: Any, place: int) -> SkillSpec:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise Malformed("error.malformed", detail=f"skill {place} has no name")
    params = _params(entry.get("params"))
    return SkillSpec(
        name=entry["name"],
        description=str(entry.get("description", "")),
        params=params,
        open_params=not params,
        effect=_EFFECTS.get(str(entry.get("effect")), Effect.NONE),
        keywords=_texts(entry.get("keywords")),
        examples=_texts(entry.get("examples")),
    )


def _params(given: Any) -> tuple[Param, ...]:
    if isinstance(given, Mapping):
        return tuple(_described(str(name), str(text)) for name, text in given.items())
    if not isinstance(given, list):
        return ()
    return tuple(
        Param(
            name=str(param.get("name")),
            type=_TYPES.get(str(param.get("type")), ParamType.ANY),
            description=str(param.get("description", "")),
            required=param.get("required") is True,
        )
        for param in given
        if isinstance(param, Mapping)
    )


def _described(name: str, text: str) -> Param:
    kind, _, description = text.partition(":")
    return Param(name=name, type=_TYPES.get(kind.strip(), ParamType.ANY), description=description.strip())


def _texts(given: Any) -> tuple[str, ...]:
    return tuple(str(text) for text in given) if isinstance(given, list) else ()
