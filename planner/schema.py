"""The JSON Schema of a plan, for servers that can be held to one.

Safe for OpenAI's strict mode: every key is required, nothing else is allowed, what may be missing is null, and there is
no free object (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from domain.plan import Op, When
from domain.skill import Catalogue

MAX_NAMES = 200  # skills up to which the schema lists them; servers bound how long a list of values may be

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_FLAG = {"type": "boolean"}


@lru_cache(maxsize=16)
def plan_schema(catalogue: Catalogue, *, asks_cause: bool = False) -> Mapping[str, Any]:
    """The schema of a plan made of these skills; with `asks_cause` it begins with why the last round failed. The same
    one for all who ask, so not to be changed."""
    names = list(catalogue.skills)
    skill = {**_TEXT, "enum": names} if 0 < len(names) <= MAX_NAMES else _TEXT
    task = _object(
        id=_TEXT,
        name=_TEXT,
        skill=skill,
        params=_list(_object(name=_TEXT, value=_TEXT)),
        dependencies=_list(_TEXT),
        when={"anyOf": [{"type": "null"}, {**_TEXT, "enum": [when.value for when in When]}, _condition()]},
        for_each=_MAYBE_TEXT,
        critical=_FLAG,
        approval=_FLAG,
    )
    cause = {"cause": _MAYBE_TEXT} if asks_cause else {}
    return _object(**cause, answer=_MAYBE_TEXT, question=_MAYBE_TEXT, tasks=_list(task))


def _condition() -> dict[str, Any]:
    return _object(ref=_TEXT, op={**_TEXT, "enum": [op.value for op in Op]}, value=_MAYBE_TEXT)


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}
