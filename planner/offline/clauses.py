"""A request cut into the single things it asks for, and how they follow one another."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from planner.offline.atoms import Atom, find_atoms, masked


class Link(IntEnum):
    """How a clause follows what stands before it; of several connectives in a row the greatest counts."""

    SOFT = 0  # a comma or "and": may also stand inside one clause
    ALSO = 1  # beside it
    THEN = 2  # after it
    LAST = 3  # after everything


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One thing asked for. `free` is `text` with its atoms masked; atoms' positions are in `text`."""

    text: str
    free: str
    atoms: tuple[Atom, ...]
    link: Link


@dataclass(frozen=True, slots=True)
class _Span:
    link: Link
    start: int
    end: int


_EDGE = " \t\r\n,，;；。.!！、:：?？·*•-"
_CONNECTIVES = re.compile(
    r"(?P<last>\b(?:finally|lastly|at the end|in the end|last of all)\b|最后(?!一?[行个列次页]|\s*[\d\ue000])|最终)"
    r"|(?P<then>\b(?:then|after that|after this|afterwards|afterward|subsequently|followed by|next(?=\s*[,，]))\b"
    r"|(?<=[\w\ue000])\s+before\s+(?=\w+ing\b)|(?<=[,，;.]\s)(?:second|third|fourth|fifth)(?:ly)?\b|然后|接着|接下来|随后|之后|完成后|做完后|(?<![一不])再(?![次见说])|第[二三四五六七八九十2-9]步|[②-⑳])"
    r"|(?P<also>\b(?:meanwhile|at the same time|in parallel|simultaneously|concurrently|as well as)\b"
    r"|\bwhile(?=\s+\w+ing\b)|与此同时|同时|并行地?|此外|另外|[;；。!！\n]|[.?？](?=\s)|[第]一步|①)"
    r"|(?P<soft>[,，、&]|\band\b|\bplus\b|以及|并且|而且|还要|(?<!合)并|和)",
    re.IGNORECASE,
)
_ENUMERATOR = re.compile(
    r"(?:^|(?<=[\s,，;；。:：]))(?:[(（]?(\d{1,2})[.)、）．](?=\s*[^\s\d])|step\s+(\d{1,2})\s*[:：.,，)]?)",
    re.IGNORECASE,
)
_LEADING_AFTER = re.compile(r"\s*(?:after|once|when)\s+", re.IGNORECASE)
_LEADING_BEFORE = re.compile(r"\s*before\s+", re.IGNORECASE)
_TRAILING_AFTER = re.compile(r"\bafter\s+(?=\w+ing\b)", re.IGNORECASE)

BeginsAction = Callable[[str], bool]


def split(request: str, begins_action: BeginsAction) -> list[Clause]:
    """Cut a request at its connectives.

    Args:
        request: what the person wrote.
        begins_action: whether a text, atoms masked, begins like a request of its own; decides about commas.
    """
    atoms = find_atoms(request)
    markers = _enumerators(masked(request, [atom for atom in atoms if atom.kind != "number"]))
    taken = {position for marker in markers for position in range(marker.start, marker.end)}
    atoms = [atom for atom in atoms if atom.start not in taken]
    free = masked(request, atoms)
    spans = _joined(_pieces(free, markers), free, begins_action)
    starts = [atom.start for atom in atoms]
    return [
        _clause(span, request, free, atoms[bisect_left(starts, span.start) : bisect_left(starts, span.end)])
        for span in _in_time_order(spans, free)
    ]


def _enumerators(free: str) -> list[_Span]:
    """“1. … 2. …”: markers that count from one, at least two of them. Who numbers steps means an order."""
    found: list[_Span] = []
    for match in _ENUMERATOR.finditer(free):
        if int(match[1] or match[2]) == len(found) + 1:
            found.append(_Span(Link.THEN if found else Link.ALSO, match.start(), match.end()))
    return found if len(found) > 1 else []


def _pieces(free: str, markers: list[_Span]) -> Iterator[_Span]:
    """The text between connectives, each piece with the link in front of it."""
    links = [
        _Span(Link[(match.lastgroup or "").upper()], match.start(), match.end())
        for match in _CONNECTIVES.finditer(free)
    ]
    links = sorted([*links, *markers], key=lambda link: (link.start, -link.end))
    link, position = Link.ALSO, 0
    for following in links:
        if following.start >= position:
            yield _Span(link, position, following.start)
            link, position = following.link, following.end
        elif following.end > position:  # a full stop inside “1.”
            position = following.end
    yield _Span(link, position, len(free))


def _joined(pieces: Iterator[_Span], free: str, begins_action: BeginsAction) -> list[_Span]:
    """Pieces put together again where a comma or “and” joined only words, and empty ones dropped."""
    spans: list[_Span] = []
    pending = Link.ALSO
    for piece in pieces:
        pending = max(pending, piece.link)
        if not free[piece.start : piece.end].strip(_EDGE):
            continue
        if pending is Link.SOFT and spans and not begins_action(free[piece.start : piece.end]):
            spans[-1] = replace(spans[-1], end=piece.end)
        else:
            spans.append(_Span(max(pending, Link.ALSO), piece.start, piece.end))
        pending = Link.SOFT
    return spans


def _in_time_order(spans: list[_Span], free: str) -> list[_Span]:
    """“After A, B”, “before B, A” and “B after doing A” said in the order they happen."""
    ordered: list[_Span] = []
    for span in spans:
        ordered.extend(_turned(span, free))
        if len(ordered) > 1 and ordered[-1].link is Link.ALSO:
            before, behind = ordered[-2:]
            if after := _LEADING_AFTER.match(free, before.start, before.end):
                ordered[-2:] = [replace(before, start=after.end()), replace(behind, link=Link.THEN)]
            elif lead := _LEADING_BEFORE.match(free, before.start, before.end):
                ordered[-2:] = [replace(behind, link=before.link), _Span(Link.THEN, lead.end(), before.end)]
    return ordered


def _turned(span: _Span, free: str) -> list[_Span]:
    after = _TRAILING_AFTER.search(free, span.start, span.end)
    if after is None or not free[span.start : after.start()].strip(_EDGE):
        return [span]
    return [_Span(span.link, after.end(), span.end), _Span(Link.THEN, span.start, after.start())]


def _clause(span: _Span, request: str, free: str, atoms: list[Atom]) -> Clause:
    start, end = span.start, span.end
    while start < end and free[start] in _EDGE:
        start += 1
    while end > start and free[end - 1] in _EDGE:
        end -= 1
    return Clause(
        text=request[start:end],
        free=free[start:end],
        atoms=tuple(replace(atom, start=atom.start - start, end=atom.end - start) for atom in atoms),
        link=span.link,
    )
