"""A catalogue of skills from a JSON file: `{"skills": [...]}` or the list itself.

A skill is `{"name", "description", "params"?, "outputs"?, "effect"?, "aliases"?…}`. Its params are a list of
`{"name", "type", "required"…}` as on the wire, or an object `{name: "type: text"}`, in which types that are not JSON
Schema's words are not checked. A skill without any takes whatever it is given. Where some param of the file is marked
as optional (`"optional. type: text"`), those that are not marked must be given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from domain.errors import Malformed
from domain.skill import Catalogue, Effect, Param, ParamType, SkillSpec

_TYPES = {kind.value: kind for kind in ParamType}
_EFFECTS = {effect.value: effect for effect in Effect}
_OPTIONAL = re.compile(r"optional[.,:]?\s*", re.IGNORECASE)


def read_catalogue(document: Any) -> Catalogue:
    """Read a parsed document. Raises Malformed naming the entry that is not a skill."""
    entries = document.get("skills") if isinstance(document, Mapping) else document
    if not isinstance(entries, list):
        raise Malformed("error.malformed", detail='a catalogue is a list of skills, or an object with "skills"')
    marks = any(map(_marks_optional, entries))
    return Catalogue.of(
        ("given", _skill(entry, place, marks_optional=marks)) for place, entry in enumerate(entries, start=1)
    )


def _marks_optional(entry: Any) -> bool:
    params = entry.get("params") if isinstance(entry, Mapping) else None
    return isinstance(params, Mapping) and any(_OPTIONAL.match(str(text)) for text in params.values())


def _skill(entry: Any, place: int, *, marks_optional: bool) -> SkillSpec:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise Malformed("error.malformed", detail=f"skill {place} has no name")
    params = _params(entry.get("params"), marks_optional=marks_optional)
    return SkillSpec(
        name=entry["name"],
        description=str(entry.get("description", "")),
        params=params,
        output_schema=_output_schema(entry.get("outputs")),
        open_params=not params,
        effect=_EFFECTS.get(str(entry.get("effect")), Effect.NONE),
        keywords=_texts(entry.get("keywords")),
        examples=_texts(entry.get("examples")),
        aliases=_texts(entry.get("aliases")),
    )


def _params(given: Any, *, marks_optional: bool) -> tuple[Param, ...]:
    if isinstance(given, Mapping):
        return tuple(
            _described(str(name), str(text), is_required=marks_optional and not _OPTIONAL.match(str(text)))
            for name, text in given.items()
        )
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


def _described(name: str, text: str, *, is_required: bool) -> Param:
    kind, _, description = _OPTIONAL.sub("", text, count=1).partition(":")
    return Param(
        name=name,
        type=_TYPES.get(kind.strip(), ParamType.ANY),
        description=description.strip(),
        required=is_required,
    )


def _output_schema(outputs: Any) -> dict[str, Any]:
    """What a skill returns, as a JSON Schema, from a list of names."""
    names = [str(name) for name in outputs] if isinstance(outputs, list | Mapping) else []
    return {"type": "object", "properties": {name: {} for name in names}} if names else {}


def _texts(given: Any) -> tuple[str, ...]:
    return tuple(str(text) for text in given) if isinstance(given, list) else ()
