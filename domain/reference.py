"""`{{id.output.path}}` inside parameters: find them, and fill them in with what upstream returned.

A reference is data substitution only, never evaluated as a template language.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from domain.errors import Refused

_REFERENCE = re.compile(r"\{\{\s*([\w-]{1,64})\.output((?:\.[\w-]+|\[\d{1,6}\])*)\s*\}\}")
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]")
MAX_RENDERED = 64 * 1024  # characters one reference may add inside a longer text


class Reference(NamedTuple):
    """Whose output, and the way into it: names and list positions."""

    node: str
    path: tuple[str | int, ...]


def _read(match: re.Match[str]) -> Reference:
    steps = [name or int(position) for name, position in _STEP.findall(match[2])]
    return Reference(match[1], tuple(steps))


def references(value: Any) -> Iterator[Reference]:
    """Every reference anywhere inside a JSON value."""
    if isinstance(value, str):
        yield from (_read(match) for match in _REFERENCE.finditer(value))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from references(inner)


def mapped(value: Any, change: Callable[[str], Any]) -> Any:
    """The JSON value with every string in it replaced by `change(string)`."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: mapped(inner, change) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [mapped(inner, change) for inner in value]
    return value


def resolve(value: Any, outputs: Mapping[str, Any]) -> Any:
    """Fill in every reference.

    A string that is exactly one reference keeps the type of what it names; inside a longer text the value is
    rendered as text. Raises Refused("failure.bad_reference") when an output or a step into it is not there.
    """

    def change(text: str) -> Any:
        whole = _REFERENCE.fullmatch(text)
        if whole:
            return _follow(_read(whole), outputs)
        return _REFERENCE.sub(lambda match: _rendered(_follow(_read(match), outputs)), text)

    return mapped(value, change)


def _follow(reference: Reference, outputs: Mapping[str, Any]) -> Any:
    try:
        value = outputs[reference.node]
        for step in reference.path:
            value = _inside(value, step)
    except (KeyError, IndexError, ValueError) as error:
        raise Refused("failure.bad_reference") from error
    return value


def _inside(value: Any, step: str | int) -> Any:
    if isinstance(value, list) and str(step).isdecimal():
        return value[int(step)]
    if isinstance(value, Mapping):
        return value[step]
    raise KeyError(step)


def _rendered(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_RENDERED else text[:MAX_RENDERED] + "…"
