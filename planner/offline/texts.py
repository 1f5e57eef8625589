"""Free text parameters: what stands in quotes, what is left of the clause, or what earlier steps returned."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from domain.reference import references
from domain.skill import Param
from planner.offline.atoms import MASK, Kind
from planner.offline.matching import Match
from planner.offline.remains import EDGE, Remains
from planner.offline.words import ANAPHORA, HAN, HAN_STOP, NEEDLES, STOP, WHOLE, WORD, stem

_COLON = re.compile(r"[:：]")
_AROUND_NEEDLE = re.compile(
    r"^(?:(?:for|the|an?|all|any|every|text|words?|strings?|pattern|phrase|出|一下|所有的?|全部)(?![A-Za-z])\s*)+"
    r"|\s*(?:comments?|occurrences|mentions|usages|的?注释|字样|关键字|关键词|的)\s*$",
    re.IGNORECASE,
)


def texts(wanted: Sequence[Param], match: Match, remains: Remains, earlier: Sequence[str]) -> dict[str, Any]:
    """Find values for required text parameters.

    Args:
        wanted: the parameters.
        match: how the skill was recognised.
        remains: what nothing else took.
        earlier: ids of the nodes the clause comes behind, for “the result”.
    """
    if len(wanted) != 1:
        quotes = remains.atoms(Kind.QUOTE)
        pairs = zip(wanted, quotes, strict=False)
        found: dict[str, Any] = {param.name: remains.take(atom).value for param, atom in pairs}
    else:
        text, is_handed_down = _text(wanted[0], match, remains, earlier)
        if is_handed_down:
            return {wanted[0].name: text}
        found = {wanted[0].name: text} if text else {}
    return {name: value for name, value in found.items() if not any(references(value))}


def _text(param: Param, match: Match, remains: Remains, earlier: Sequence[str]) -> tuple[str, bool]:
    """The text, and whether it is what earlier nodes return."""
    if param.name.casefold() in WHOLE:
        return remains.clause.text, False
    text, free = _said(remains, match.head)
    if param.name.casefold() in NEEDLES:
        text, free = _needle(text, free)
    if _points_back(free):
        return "".join(f"{{{{{node}.output}}}}\n" for node in earlier), bool(earlier)
    quotes = remains.atoms(Kind.QUOTE)
    is_needle = param.name.casefold() in NEEDLES
    if len(quotes) > 1 and is_needle:
        return "", False
    if len(quotes) == 1 and (is_needle or _is_grammar(free.replace(MASK, " "))):
        return remains.take(quotes[0]).value, False
    return text, False


def _said(remains: Remains, head: tuple[int, int]) -> tuple[str, str]:
    """What is left behind the word that names the skill, else before it; behind a colon if only grammar leads
    to that."""
    text, free = remains.rest(head[1], len(remains.clause.text))
    if not free:
        text, free = remains.rest(0, head[0])
    colon = _COLON.search(free)
    if colon and free[colon.end() :].strip(EDGE) and _is_grammar(free[: colon.start()]):
        behind = len(free) - len(free[colon.end() :].lstrip(EDGE))
        return text[behind:], free[behind:]
    return text, free


def _needle(text: str, free: str) -> tuple[str, str]:
    """Without the words around what is searched for."""
    for match in reversed(list(_AROUND_NEEDLE.finditer(free))):
        text = text[: match.start()] + text[match.end() :]
        free = free[: match.start()] + free[match.end() :]
    return text.strip(EDGE), free.strip(EDGE)


def _points_back(free: str) -> bool:
    """Whether a text says nothing but “the result”."""
    left = ANAPHORA.sub("", free)
    return left != free and MASK not in left and _is_grammar(left)


def _is_grammar(free: str) -> bool:
    return not HAN.search(HAN_STOP.sub("", free)) and all(stem(word) in STOP for word in WORD.findall(free))
