"""`{{id.output.path}}` inside parameters: find them, and fill them in with what upstream returned.

A reference is data substitution only, never evaluated as a template language. `{{item}}` and `{{item.path}}` stand for
the item that a child of a map was made for; nothing can be called `item` itself.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from domain.errors import Refused
from domain.ids import SUBTASK_KEY
from domain.plan import Condition, Node, Op

ITEM = "item"  # the node of a reference to the item
STEP = re.compile(r"\.([\w-]+)|\[(\d{1,6})\]|\['([^'\[\]{}\n]{1,100})'\]")
PATH = re.compile(r"((?:\.[\w-]+|\[\d{1,6}\]|\['[^'\[\]{}\n]{1,100}'\])*)")
_REFERENCE = re.compile(rf"\{{\{{\s*(?:(item)|({SUBTASK_KEY.pattern}?)\.output){PATH.pattern}\s*\}}\}}")
MAX_RENDERED = 64 * 1024  # characters one reference may add inside a longer text


class Reference(NamedTuple):
    """Whose output, and the way into it: names and list positions."""

    node: str
    path: tuple[str | int, ...]

    @property
    def text(self) -> str:
        """As it is written."""
        steps = "".join(_written(step) for step in self.path)
        return f"{{{{{self.node}{'' if self.node == ITEM else '.output'}{steps}}}}}"


def _written(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if re.fullmatch(r"[\w-]+", step) else f"['{step}']"


def steps_of(path: str) -> tuple[str | int, ...]:
    """A path as written, taken apart."""
    return tuple(name or quoted or int(position) for name, position, quoted in STEP.findall(path))


def _read(match: re.Match[str]) -> Reference:
    return Reference(match[1] or match[2], steps_of(match[3]))


# --- finding them ---------------------------------------------------------------------------------------------


def references(value: Any) -> Iterator[Reference]:
    """Every reference anywhere inside a JSON value, those to the item included."""
    if isinstance(value, str):
        if "{{" in value:
            yield from (_read(match) for match in _REFERENCE.finditer(value))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from references(inner)


def whole_reference(text: str) -> Reference | None:
    """The reference that `text` is, and nothing else."""
    match = _REFERENCE.fullmatch(text)
    return _read(match) if match else None


def node_references(node: Node) -> tuple[str, ...]:
    """The ids of all nodes whose outputs a node needs: for its parameters, its condition or its items."""
    texts = (node.params, node.condition.ref if node.condition else None, node.for_each)
    return tuple(dict.fromkeys(found.node for found in references(texts) if found.node != ITEM))


# --- changing them --------------------------------------------------------------------------------------------


def mapped(value: Any, change: Callable[[str], Any]) -> Any:
    """The JSON value with every string in it replaced by `change(string)`."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: mapped(inner, change) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [mapped(inner, change) for inner in value]
    return value


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The JSON value with every reference to a node in `names` pointing to its new name."""

    def change(match: re.Match[str]) -> str:
        found = _read(match)
        return found._replace(node=names[found.node]).text if found.node in names else match[0]

    return mapped(value, lambda text: _REFERENCE.sub(change, text))


def resolve(value: Any, outputs: Mapping[str, Any]) -> Any:
    """Fill in every reference, in one pass: what comes in is never looked at again.

    A string that is exactly one reference keeps the type of what it names; inside a longer text the value is
    rendered as text.

    Args:
        value: a JSON value.
        outputs: by node id; the item, where there is one, under `item`.

    Raises:
        Refused: ("failure.bad_reference") an output, or a step into it, is not there.
    """

    def change(text: str) -> Any:
        whole = whole_reference(text)
        if whole:
            return _follow(whole, outputs)
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


# --- comparing with them --------------------------------------------------------------------------------------


def condition_met(condition: Condition, outputs: Mapping[str, Any]) -> bool:
    """Whether an output is as the condition wants it. What is not there is no different from null, and neither
    exists, contains or equals anything; numbers may be written as texts."""
    try:
        found = resolve(condition.ref, outputs)
    except Refused:
        return False
    return found is not None and _COMPARISONS[condition.op](found, condition.value)


def _equal(found: Any, value: Any) -> bool:
    numbers = _numbers(found, value)
    if numbers:
        return numbers[0] == numbers[1]
    return bool(found == value) or (_word(found) is not None and _word(found) == _word(value))


def _word(value: Any) -> str | None:
    """A truth value or a text, as a word: a model writes “true” for either."""
    return str(value).strip().casefold() if isinstance(value, bool | str) else None


def _numbers(found: Any, value: Any) -> tuple[float, float] | None:
    try:
        return (_number(found), _number(value))
    except (TypeError, ValueError, OverflowError):
        return None


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    number = float(value)
    if math.isnan(number):  # it equals nothing and has no order
        raise ValueError(value)
    return number


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Numbers as numbers, else texts as texts, such as dates; anything else has no order."""

    def is_met(found: Any, value: Any) -> bool:
        numbers = _numbers(found, value)
        if numbers:
            return compare(*numbers)
        return isinstance(found, str) and isinstance(value, str) and compare(found, value)

    return is_met


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, str):
        return str(value).casefold() in found.casefold()
    if isinstance(found, Mapping):
        return str(value) in found
    return isinstance(found, list) and any(_equal(inner, value) for inner in found)


_COMPARISONS: Mapping[Op, Callable[[Any, Any], bool]] = {
    Op.EQ: _equal,
    Op.NE: lambda found, value: not _equal(found, value),
    Op.GT: _ordered(lambda found, value: found > value),
    Op.GE: _ordered(lambda found, value: found >= value),
    Op.LT: _ordered(lambda found, value: found < value),
    Op.LE: _ordered(lambda found, value: found <= value),
    Op.CONTAINS: _contains,
    Op.EXISTS: lambda found, value: True,
}
