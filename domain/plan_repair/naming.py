"""Which task is meant by a name or a number, where a model does not say it as it should.

Names are compared without case, spaces and dashes. Numbers are those that end the ids or, if these have none, places in
the list; and where a model counts from 1 what it should count from 0, the declared dependencies tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from domain.plan import Node, Repair
from domain.plan_json.spelling import Spelt, respelt, spelt, with_texts
from domain.plan_json.words import folded
from domain.reference import ITEM, Reference

_LAST_NUMBER = re.compile(r"(\d{1,4})\Z")

Numbers = Mapping[int, str]  # number -> id of the task
Use = tuple[str, int]  # (id of the task that refers, number it refers to)


class Names:
    """The tasks of a plan by all that they can be called, and what each waits for."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._edges = {node.id: node.dependencies for node in nodes}
        self._awaited: dict[str, frozenset[str]] = {}

    def named(self, name: str) -> str | None:
        """The one task of that id, else of that name or skill; None when there is none, or several."""
        if name in self._edges:
            return name
        return self._by_id.get(folded(name)) or self._by_title.get(folded(name))

    @cached_property
    def _by_id(self) -> Mapping[str, str | None]:
        return _only((folded(node.id), node.id) for node in self._nodes)

    @cached_property
    def _by_title(self) -> Mapping[str, str | None]:
        titles = ((folded(title), node.id) for node in self._nodes for title in (node.name, node.skill))
        return _only((word, key) for word, key in titles if word)

    def awaited(self, key: str) -> frozenset[str]:
        """Everything a task waits for, directly or not."""
        if key not in self._awaited:
            reached = dict.fromkeys(self._edges[key])
            queue = list(reached)
            for other in queue:
                fresh = [before for before in self._edges.get(other, ()) if before not in reached]
                reached.update(dict.fromkeys(fresh))
                queue += fresh
            self._awaited[key] = frozenset(reached)
        return self._awaited[key]

    @cached_property
    def numbers(self) -> Numbers:
        """The tasks by the numbers that end their ids if each has one of its own, else by their places from 0."""
        ends = [_LAST_NUMBER.search(node.id) for node in self._nodes]
        found = {int(end[1]): node.id for node, end in zip(self._nodes, ends, strict=True) if end}
        return found if len(found) == len(self._nodes) else {at: node.id for at, node in enumerate(self._nodes)}

    @cached_property
    def other_numbers(self) -> Numbers:
        """The tasks as numbered by someone who begins at 1 where they begin at 0, or the other way round."""
        shift = 1 if 0 in self.numbers else -1
        return {number + shift: key for number, key in self.numbers.items()}

    def fit(self, uses: Iterable[Use], numbers: Numbers) -> bool:
        """Whether all `uses` refer to what is waited for anyway."""
        return all(numbers.get(number) in self.awaited(node) - {node} for node, number in uses)

    def allow(self, uses: Iterable[Use], numbers: Numbers) -> bool:
        """Whether none of `uses` refers to nothing, to itself, or to what waits for it."""
        meant = [(node, numbers.get(number)) for node, number in uses]
        return all(other and other != node and node not in self.awaited(other) for node, other in meant)


def _only(pairs: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """Word -> the id it leads to; None when it leads to several."""
    found: dict[str, str | None] = {}
    for word, key in pairs:
        found[word] = key if found.get(word, key) == key else None
    return found


# --- references -----------------------------------------------------------------------------------------------


def respelled(nodes: Sequence[Node]) -> tuple[tuple[Node, ...], tuple[Repair, ...]]:
    """The tasks with their references in our notation, where it is clear what they mean.

    One to a task that is waited for anyway is attested twice, so nothing is told of it; any other is a repair.
    """
    found = {node.id: [one for _, one in spelt(node)] for node in nodes}
    uses = [(key, one.number) for key, ones in found.items() for one in ones if one.number is not None]
    may_recount = not any(one.is_ours for ones in found.values() for one in ones)  # who knows how, counts as he should
    meanings = _Meanings(Names(nodes), uses, may_recount=may_recount)
    mended = tuple(meanings.mended(node) if found[node.id] else node for node in nodes)
    return mended, tuple(dict.fromkeys(meanings.repairs))


class _Meanings:
    """What the references of a plan mean: names by themselves, numbers all in the same way.

    As they should be, if that is possible; else the other way, if that fits the declared dependencies. If neither does,
    one is read as it should be where that fits and the other way does not; the rest is left.
    """

    def __init__(self, names: Names, uses: Sequence[Use], *, may_recount: bool) -> None:
        self._names = names
        self.repairs: list[Repair] = []
        is_possible = names.allow(uses, names.numbers)
        is_recounted = may_recount and bool(uses) and names.fit(uses, names.other_numbers)
        is_usual = is_possible and (not is_recounted or names.fit(uses, names.numbers))
        self._certain = names.numbers if is_usual else names.other_numbers if is_recounted and not is_possible else None

    def mended(self, node: Node) -> Node:
        """The task with its references in our notation."""
        return with_texts(node, lambda text: respelt(text, lambda raw, one: self._ours(node, raw, one)))

    def _ours(self, node: Node, raw: str, one: Spelt) -> str:
        if one.name == ITEM and node.for_each:
            return raw if one.is_ours else Reference(ITEM, one.path).text
        meant = self._meant(node, one)
        if meant is None or meant == node.id or (one.is_ours and one.name == meant):
            return raw
        is_attested = meant in self._names.awaited(node.id)
        if not _is_reference(one, meant, is_attested=is_attested):
            return raw
        ours = Reference(meant, one.path).text
        usual = one.name if one.number is None else self._names.numbers.get(one.number)
        if not (is_attested and usual == meant):
            reason = "it can mean nothing else"
            self.repairs.append(Repair(kind="reference", subtask=node.id, before=raw, after=ours, reason=reason))
        return ours

    def _meant(self, node: Node, one: Spelt) -> str | None:
        if one.number is None:
            return self._names.named(one.name)
        if self._certain is not None:
            return self._certain.get(one.number)
        usual, other = self._names.numbers.get(one.number), self._names.other_numbers.get(one.number)
        awaited = self._names.awaited(node.id)
        return usual if usual in awaited and other not in awaited else None


def _is_reference(one: Spelt, meant: str, *, is_attested: bool) -> bool:
    """Money, shell variables and tags look like some notations: those must name a task that is waited for."""
    if one.is_plain or one.is_ours:
        return True
    if one.name != meant or (one.name.isdecimal() and not one.is_whole):
        return False
    return is_attested or one.says_output
