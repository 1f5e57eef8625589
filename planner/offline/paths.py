"""Path parameters: paths as written, folders by their bare names, and what was spoken of before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from domain.skill import Param, ParamType, SkillSpec
from planner.offline.atoms import Atom, Kind, find_atoms
from planner.offline.matching import Match
from planner.offline.remains import Remains
from planner.offline.words import HAN, HERE, STOP, TARGETS, stem

_LOOKED_AT = 2000
_TOWARDS = re.compile(r"(?:\b(?:to|into|as)\s+(?:the\s+|file\s+)*|[到成为入]\s*)$", re.IGNORECASE)
_INSIDE = re.compile(
    r"\b(?:in|under|inside|within)\s+(?:the\s+)?(?:(?:folder|directory)\s+)?([A-Za-z0-9_-]+)"
    r"|[在出看开]\s*([A-Za-z0-9_-]+)\s*(?=[里中内下目的文])|([A-Za-z0-9_-]+)\s*(?=目录|文件夹|仓库|里|中|下|的)",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"\b(?:of|from|on|at)\s+(?:the\s+)?([A-Za-z0-9_-]+)", re.IGNORECASE)
_LATIN_NAME = re.compile(r"[A-Za-z0-9_-]+")
_FILE_NAME = re.compile(r"\b(?:[A-Z]{4,}|[A-Z][a-z]+file)\b")  # README, LICENSE, Makefile
_LIKE_A_PATH = re.compile(r"[^\s/]+(?:/[^/\n]*)+|(?:[^/\n]+/)*[^/\n]+\.[A-Za-z][A-Za-z0-9]{0,7}")


def paths(wanted: Sequence[Param], match: Match, remains: Remains, earlier: Sequence[Atom]) -> dict[str, Any]:
    """Find values for path parameters.

    Args:
        wanted: the parameters.
        match: the skill, whose examples tell which kinds of paths it is asked about, and the word that named it.
        remains: what is left of the clause.
        earlier: the paths of the clauses before, the last one first.
    """
    found: dict[str, Any] = {}
    for param in sorted(wanted, key=_is_target):
        value = _written(param, remains, alone=len(wanted) == 1) or _quoted(param, remains) or _named(_INSIDE, remains)
        if value is None and param.required and not _is_target(param):
            value = _again(match.spec, earlier)
        value = value or _named(_ABOUT, remains) or _bare(param, match, remains)
        if value is not None:
            found[param.name] = value
    return found


def _is_target(param: Param) -> bool:
    return param.name.casefold() in TARGETS


def _written(param: Param, remains: Remains, *, alone: bool) -> str | None:
    """The next path as written; where a skill takes two, the one behind “to” is where the result goes."""
    for atom in remains.atoms(Kind.PATH):
        if alone or bool(_TOWARDS.search(remains.clause.free, 0, atom.start)) == _is_target(param):
            return remains.take(atom).value
    return None


def _quoted(param: Param, remains: Remains) -> str | None:
    for atom in remains.atoms(Kind.QUOTE):
        if not _is_target(param) and _LIKE_A_PATH.fullmatch(atom.value):
            return remains.take(atom).value
    return None


def _named(pattern: re.Pattern[str], remains: Remains) -> str | None:
    """A folder by its bare name, behind a word that leads to one."""
    for match in pattern.finditer(remains.open[:_LOOKED_AT]):
        group = match.lastindex or 0
        if _is_name(match[group]):
            remains.consume(*match.span(group))
            return match[group]
    return None


def _bare(param: Param, match: Match, remains: Remains) -> str | None:
    """Where no text could be meant: all there is behind the word that names the skill, and for what must be given
    a well-known file name, or in Chinese any Latin name."""
    if any(other.type is ParamType.STRING and other.required for other in match.spec.params):
        return None
    _, behind = remains.rest(match.head[1], len(remains.clause.text))
    keywords = {stem(word) for keyword in match.spec.keywords for word in keyword.split()}
    if _LATIN_NAME.fullmatch(behind) and _is_name(behind) and stem(behind) not in keywords:
        return behind
    usual = _LATIN_NAME if HAN.search(remains.open) else _FILE_NAME
    name = usual.search(remains.open[:_LOOKED_AT]) if param.required else None
    return name[0] if name else None


def _is_name(word: str) -> bool:
    return stem(word) not in STOP and word.casefold() not in HERE


def _again(spec: SkillSpec, earlier: Sequence[Atom]) -> str | None:
    """The path spoken of before, if it is of a kind this skill is asked about."""
    shapes = {atom.shape for example in spec.examples for atom in find_atoms(example) if atom.kind is Kind.PATH}
    return next((atom.value for atom in earlier if not shapes or atom.shape in shapes), None)
