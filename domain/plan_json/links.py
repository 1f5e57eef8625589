"""Dependencies that stand beside the tasks instead of in them: a list of links, or an object of lists."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.plan import Node, Repair
from domain.plan_json import words


def linked(nodes: Sequence[Node], document: Mapping[str, Any]) -> tuple[tuple[Node, ...], tuple[Repair, ...]]:
    """The tasks with the dependencies that the document's links give them, and the links that hang off no task."""
    awaited: dict[int, list[str]] = {}
    lost: list[Repair] = []
    joined: set[tuple[int | None, int]] = set()
    for source, target in _links(document):
        ends = _joined(_uses(nodes, source), _uses(nodes, target), joined)
        if ends is None:
            lost.append(Repair(kind="dropped_link", before=source, after=target, reason="no task has that name"))
        elif ends not in joined:
            joined.add(ends)
            before, after = ends
            awaited.setdefault(after, []).append(source if before is None else nodes[before].id)
    grown = (replace(node, dependencies=(*node.dependencies, *awaited.get(at, ()))) for at, node in enumerate(nodes))
    return tuple(grown), tuple(lost)


def _links(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for listed in words.given(document, words.LINKS):
        if isinstance(listed, Mapping):
            pairs = [(source, target) for target, sources in listed.items() for source in _several(sources)]
        else:
            pairs = [_ends(link) for link in _several(listed)]
        yield from ((str(source), str(target)) for source, target in pairs if _is_word(source) and _is_word(target))


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _ends(link: Any) -> tuple[Any, Any]:
    if isinstance(link, list) and len(link) == 2:
        return link[0], link[1]
    if isinstance(link, Mapping):
        return words.first(link, words.SOURCE, str, int), words.first(link, words.TARGET, str, int)
    return None, None


def _is_word(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _uses(nodes: Sequence[Node], name: str) -> list[int]:
    """The places of the task of that id, else of all that use the skill of that name."""
    by_id = [place for place, node in enumerate(nodes) if node.id == name]
    return by_id or [place for place, node in enumerate(nodes) if node.skill == name]


def _joined(
    sources: list[int], targets: list[int], taken: Collection[tuple[int | None, int]]
) -> tuple[int | None, int] | None:
    """Which use of the one a link joins with which of the other: the nearest later one that is not joined yet, else
    the first with the first, which may close a cycle. None as the source: there is none; None at all: no target is."""
    if not targets:
        return None
    if not sources:
        return None, targets[0]
    later = [(after - before, before, after) for before in sources for after in targets if after > before]
    free = [pair for pair in later if pair[1:] not in taken]
    if free:
        return min(free)[1:]
    return (sources[0], targets[0]) if not later else min(later)[1:]
