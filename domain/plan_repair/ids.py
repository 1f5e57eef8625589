"""Ids made words of which each names one task, and what names them brought along."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from domain.ids import NODE_KEY
from domain.plan import Node, Repair
from domain.plan_json.spelling import with_texts
from domain.plan_repair.fit import fitted
from domain.plan_repair.naming import Names
from domain.reference import ITEM, renamed
from domain.skill import Catalogue

MAX_ID = 64
_ILLEGAL = re.compile(r"[^\w-]+")

Mended = tuple[tuple[Node, ...], tuple[Repair, ...]]


# --- ids ------------------------------------------------------------------------------------------------------


def identified(nodes: Sequence[Node], catalogue: Catalogue, fixed: Mapping[str, Node]) -> Mended:
    """The tasks, each under a word of its own, behind the `fixed` ones.

    An identical copy of a task is dropped, and so is one that says again what is fixed. Another one of the same id is
    renamed: what names the id means the first of these tasks, but never a fixed one that they know nothing of.
    """
    taken = {*fixed, *(node.id for node in nodes)}
    kept: dict[str, Node] = {}
    first: dict[str, str] = {}
    repairs: list[Repair] = []
    for place, node in enumerate(nodes, start=1):
        if node.id in fixed and _is_same_work(node, fixed[node.id], catalogue):
            continue
        if first.get(node.id) and kept[first[node.id]] == replace(node, id=first[node.id]):
            repairs.append(Repair(kind="identical_copy", subtask=first[node.id], reason="it is there already"))
            continue
        fresh = _word(node.id) or f"t{place}"
        if fresh != node.id or fresh in kept or fresh in fixed:
            fresh = _free(fresh, taken) if fresh in taken else fresh
            repairs.append(_renamed(node.id, fresh, is_word=bool(node.id) and _word(node.id) == node.id))
        taken.add(fresh)
        first.setdefault(node.id, fresh)
        kept[fresh] = replace(node, id=fresh)
    moved = {old: new for old, new in first.items() if old != new}
    return (*fixed.values(), *(_following(node, moved) for node in kept.values())), tuple(repairs)


def _is_same_work(node: Node, other: Node, catalogue: Catalogue) -> bool:
    read, _ = fitted(node, catalogue)
    return (read.skill, read.params, read.for_each) == (other.skill, other.params, other.for_each)


def _word(name: str) -> str:
    """The id as a word; empty when nothing is left of it."""
    read = unicodedata.normalize("NFC", name)
    if NODE_KEY.fullmatch(read):
        return read if read != ITEM else ""
    return _ILLEGAL.sub("_", read).strip("_")[:MAX_ID]


def _free(name: str, taken: Collection[str]) -> str:
    number = 2
    while f"{name[: MAX_ID - 5]}_{number}" in taken:
        number += 1
    return f"{name[: MAX_ID - 5]}_{number}"


def _renamed(old: str, new: str, *, is_word: bool) -> Repair:
    if is_word:
        return Repair(kind="renamed", subtask=new, before=old, after=new, reason="two tasks had the same id")
    return Repair(kind="id", subtask=new, before=old, after=new, reason="an id is a word of up to 64 letters")


def _following(node: Node, moved: Mapping[str, str]) -> Node:
    """The task with what it names under the new ids. What is written like the item is the item."""
    if not moved:
        return node
    others = {old: new for old, new in moved.items() if old != ITEM}
    named = with_texts(node, lambda text: str(renamed(text, others)))
    return replace(named, dependencies=tuple(moved.get(other, other) for other in node.dependencies))


# --- dependencies ---------------------------------------------------------------------------------------------


def depending(nodes: Sequence[Node], _catalogue: Catalogue) -> Mended:
    """The tasks with dependencies on others only, each named once: by its id, if it can be told; else dropped."""
    names = Names(nodes)
    known = {node.id for node in nodes}
    strange = [(node.id, other) for node in nodes for other in node.dependencies if other not in known]
    meant = _meant(strange, names) if strange else {}
    mended: list[Node] = []
    repairs: list[Repair] = []
    for node in nodes:
        kept: list[str] = []
        for other in node.dependencies:
            key = meant.get((node.id, other), other)
            repairs += _changed(node.id, other, key, kept, known)
            if key in known and key != node.id and key not in kept:
                kept.append(key)
        mended.append(replace(node, dependencies=tuple(kept)) if tuple(kept) != node.dependencies else node)
    return tuple(mended), tuple(repairs)


def _meant(strange: Iterable[tuple[str, str]], names: Names) -> dict[tuple[str, str], str]:
    """What dependencies that are no ids name, and what they count to, all in the same way."""
    named = {(node, other): names.named(other) for node, other in strange}
    counts = [(node, other) for (node, other), key in named.items() if key is None and other.isdecimal()]
    uses = [(node, int(other)) for node, other in counts]
    fitting = (numbers for numbers in (names.numbers, names.other_numbers) if names.allow(uses, numbers))
    numbers = next(fitting, {})
    counted = {(node, other): numbers.get(int(other)) for node, other in counts}
    return {place: key for place, key in {**named, **counted}.items() if key is not None}


def _changed(node: str, other: str, key: str, kept: Collection[str], known: Collection[str]) -> Iterable[Repair]:
    if key == node:
        yield Repair(kind="self_dependency", subtask=node, before=other, reason="nothing can wait for itself")
    elif key not in known:
        yield Repair(kind="dangling_dependency", subtask=node, before=other, reason="no task has that name")
    elif key in kept:
        yield Repair(kind="duplicate_dependency", subtask=node, before=other, reason="it was named twice")
    elif key != other:
        yield Repair(kind="named_dependency", subtask=node, before=other, after=key, reason="that is its id")
