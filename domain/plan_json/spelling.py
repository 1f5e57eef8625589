"""The notations models write references in, other than our own `{{id.output.path}}`.

`{{t1}}`, `{{t1.outputs.x}}`, `${t1.output}`, `$t1.output`, `$t1.x$` (NESTFUL), `<GENERATED>-1` (HuggingGPT), `<node-1>`
(TaskBench), `<output of t1>`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.plan import Condition, Node
from domain.reference import mapped, whole_reference

_NOTATIONS = re.compile(
    r"\{\{(?P<braced>[^{}]{1,200})\}\}"
    r"|\$\{(?P<shell>[^{}]{1,200})\}"
    r"|\$(?P<closed>[^\W\d][\w-]{0,63}(?:[.\[][^$\n]{1,100})?)\$"
    r"|\$(?P<open>[\w-]{1,64}(?:\.[\w-]+|\[\d{1,6}\])*)"
    r"|<(?P<angled>[^<>\n]{1,80})>(?P<number>-\d{1,4})?(?P<path>(?:\.[A-Za-z_][\w-]*|\[\d{1,6}\])*)"
)
_HOUSE = re.compile(r"(?:tasks|steps|nodes|outputs|results)\.(?=.)|\$")
_NAME = re.compile(r"[^.\[]*")
_OUTPUT = re.compile(r"\.(?:outputs?|results?|response|return|value)(?![\w-])", re.IGNORECASE)
_STEP = re.compile(r"\.([^.\[\]]{1,100})|\[(\d{1,6})\]|\[['\"]([^'\"\[\]]{1,100})['\"]\]")
_NUMBERED = re.compile(r"(?:output[ _]of[ _])?(?:node|generated|step|task|subtask)[-_ ]?(\d{1,4})", re.IGNORECASE)
_OUTPUT_OF = re.compile(r"output[ _]of[ _](.{1,64}?)(?:[ _](?:node|step|task))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelt:
    """Something that may be a reference.

    It names a task, or counts to one (`number`). `is_ours` is our own notation; `is_plain` one that nothing but a
    reference is written in, `says_output` that the word output stands in it, `is_whole` that nothing else does.
    """

    name: str
    path: tuple[str | int, ...] = ()
    number: int | None = None
    is_ours: bool = False
    is_plain: bool = False
    says_output: bool = False
    is_whole: bool = False


def spelt(node: Node) -> Iterator[tuple[str, Spelt]]:
    """Everything in a task's texts that may be a reference, and how it is written."""
    for text in _texts([node.params, node.condition.ref if node.condition else "", node.for_each]):
        if "{{" in text or "<" in text or "$" in text:
            yield from ((match[0], _read(match, text)) for match in _NOTATIONS.finditer(text))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)


def with_texts(node: Node, change: Callable[[str], str]) -> Node:
    """The task with `change` made to every text that references are looked for in."""
    condition = node.condition
    return replace(
        node,
        params=mapped(node.params, change),
        condition=condition and Condition(ref=change(condition.ref), op=condition.op, value=condition.value),
        for_each=change(node.for_each),
    )


def respelt(text: str, change: Callable[[str, Spelt], str]) -> str:
    """The text with everything that may be a reference replaced by `change(as written, as read)`."""
    return _NOTATIONS.sub(lambda match: change(match[0], _read(match, text)), text)


def unclear(node: Node) -> tuple[str, ...]:
    """What plainly is a reference, in a notation that is not ours: nobody could say what it means."""
    found = (
        written
        for written, one in spelt(node)
        if one.is_plain and not one.is_ours and (one.is_whole or one.says_output or one.number is not None)
    )
    return tuple(dict.fromkeys(found))


def _read(match: re.Match[str], text: str) -> Spelt:
    ours = whole_reference(match[0])
    if ours and not _HOUSE.match(ours.node):
        return Spelt(name=ours.node, path=ours.path, is_ours=True)
    read = _angled(match) if match["angled"] else _named(match)
    return replace(read, is_whole=match[0] == text.strip())


def _named(match: re.Match[str]) -> Spelt:
    written = match["braced"] or match["shell"] or match["closed"] or match["open"]
    found = _with_path(_HOUSE.sub("", written.strip(), count=1))
    return replace(found, is_plain=bool(match["braced"] or match["closed"]) and not found.name.isdecimal())


def _angled(match: re.Match[str]) -> Spelt:
    written, (path, _) = match["angled"].strip(), _path(match["path"])
    counted = _NUMBERED.fullmatch(written + (match["number"] or ""))
    if counted:
        return Spelt(name=written, path=path, number=int(counted[1]), is_plain=True)
    named = _OUTPUT_OF.fullmatch(written)
    found = _with_path(named[1] if named else written)
    return replace(found, path=found.path + path, is_plain=bool(named))


def _with_path(written: str) -> Spelt:
    name = _NAME.match(written)
    bare = name[0] if name else ""
    path, says_output = _path(written[len(bare) :])
    return Spelt(name=bare.strip(), path=path, says_output=says_output)


def _path(written: str) -> tuple[tuple[str | int, ...], bool]:
    """The way into an output, without the word for output itself; and whether that stood there."""
    word = _OUTPUT.match(written)
    steps = _STEP.findall(written[word.end() :] if word else written)
    return tuple(name or quoted or int(place) for name, place, quoted in steps), word is not None
