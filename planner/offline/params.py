"""The parameters of a skill, taken from the clause that asks for it: the surest kinds first, free text last."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.plan_check import fits
from domain.reference import references
from domain.skill import Param, ParamType, SkillSpec
from planner.offline.atoms import MASK, Atom, Kind
from planner.offline.clauses import Clause
from planner.offline.matching import Match
from planner.offline.paths import paths
from planner.offline.remains import Remains
from planner.offline.texts import texts
from planner.offline.words import BEHIND, CHOICE_WORDS, FLAG_WORDS, LABELS, LIKE_PATHS

_LOOKED_AT = 2000  # characters of a clause in which labels, switches and choices are looked for
_VALUE = re.compile(
    rf"\s*({MASK}+|[A-Za-z0-9_.-]+|[\u3400-\u9fff]{{1,12}}?(?=[的画绘做成生统分汇排显展来并求计出]|[^\u3400-\u9fff]|$))"
)
_QUERY = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)
_NOT = re.compile(r"(?:\bnot|\bno|\bnon|without|不要?|别)[\s-]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What a clause may take from those before it: the ids it comes behind, and the paths named so far, the last
    one first."""

    nodes: tuple[str, ...] = ()
    paths: tuple[Atom, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What was found: more than one set of parameters when a skill that takes one path is asked about several.
    `missing` are the required parameters that were not found."""

    variants: tuple[Mapping[str, Any], ...]
    missing: tuple[str, ...]


def extract(clause: Clause, match: Match, earlier: Earlier) -> Extraction:
    """Find the parameters of `match.spec` in the clause."""
    remains = Remains(clause)
    spec = match.spec
    found: dict[str, Any] = {}

    def wanted(*kinds: ParamType) -> list[Param]:
        return [param for param in spec.params if param.type in kinds and param.name not in found]

    found |= _labelled(wanted(ParamType.STRING, ParamType.ANY, ParamType.INTEGER, ParamType.NUMBER), remains)
    found |= _queries(wanted(ParamType.STRING), remains)
    found |= _globs(wanted(ParamType.STRING), remains)
    found |= paths(wanted(ParamType.PATH), match, remains, earlier.paths)
    found |= _numbers(wanted(ParamType.INTEGER, ParamType.NUMBER), remains)
    found |= _flags(wanted(ParamType.BOOLEAN), remains)
    found |= _choices(wanted(ParamType.STRING), remains)
    found |= _lists(wanted(ParamType.ARRAY), remains)
    # A reference in a person's own text would be filled in instead of being passed on.
    found = {name: value for name, value in found.items() if not any(references(value))}
    found |= texts(
        [param for param in wanted(ParamType.STRING, ParamType.ANY) if _is_text(param)], match, remains, earlier.nodes
    )
    found |= _asides([param for param in wanted(ParamType.STRING) if not param.choices], remains)
    return Extraction(
        variants=tuple(_variants(found, spec, remains)),
        missing=tuple(param.name for param in spec.params if param.required and param.name not in found),
    )


def _variants(found: Mapping[str, Any], spec: SkillSpec, remains: Remains) -> Iterator[Mapping[str, Any]]:
    """The parameters, and once more for each further path the skill's one path parameter could take."""
    yield found
    kinds = [param.name for param in spec.params if param.type is ParamType.PATH]
    if len(kinds) == 1:
        for atom in remains.atoms(Kind.PATH):
            yield {**found, kinds[0]: atom.value}


def _is_query(param: Param) -> bool:
    return "sql" in param.name.casefold()


def _is_text(param: Param) -> bool:
    return param.required and not param.choices and not _is_query(param)


def _labelled(wanted: Sequence[Param], remains: Remains) -> dict[str, Any]:
    """`name: value`, `name=value`, and what people say before or behind titles, axes and branches."""
    found: dict[str, Any] = {}
    for param in wanted:
        place = None if _is_query(param) else _labelled_place(param, remains.clause.free[:_LOOKED_AT])
        if place is None:
            continue
        label, value = place
        atom = remains.atom_at(value[0])
        if atom is not None and atom.kind is Kind.PATH and param.name.casefold() not in LIKE_PATHS:
            continue
        read = _as_number(atom.value if atom else remains.clause.free[slice(*value)], param)
        if read is not None and fits(read, param):
            found[param.name] = read
            end = remains.take(atom).end if atom else value[1]
            remains.consume(min(label[0], value[0]), max(label[1], end))
    return found


def _labelled_place(param: Param, free: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Where a parameter's label and its value stand."""
    name = param.name.casefold()
    behind = re.search(rf"({MASK}+)\s*{BEHIND[name]}(?!\s*{MASK})", free, re.IGNORECASE) if name in BEHIND else None
    if behind:
        return (behind.end(1), behind.end()), behind.span(1)
    label = re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}\s*[:=：]|{LABELS.get(name, '(?!)')}", free, re.IGNORECASE)
    value = _VALUE.match(free, label.end()) if label else None
    return (label.span(), value.span(1)) if label and value else None


def _queries(wanted: Sequence[Param], remains: Remains) -> dict[str, Any]:
    """SQL only ever is what looks like SQL."""
    found: dict[str, Any] = {}
    for param in filter(_is_query, wanted):
        quoted = [atom for atom in remains.atoms(Kind.QUOTE) if _QUERY.match(atom.value)]
        for atom in (remains.atoms(Kind.SQL) + quoted)[:1]:
            found[param.name] = remains.take(atom).value
    return found


def _globs(wanted: Sequence[Param], remains: Remains) -> dict[str, Any]:
    """`*.py` goes where the skill takes a glob."""
    found: dict[str, Any] = {}
    for param in (param for param in wanted if "glob" in param.name.casefold()):
        for atom in remains.atoms(Kind.GLOB)[:1]:
            found[param.name] = remains.take(atom).value
    return found


def _numbers(wanted: Sequence[Param], remains: Remains) -> dict[str, Any]:
    """The one number, or as many as must be given: of several for switches of choice nobody knows which is which."""
    numbers = remains.atoms(Kind.NUMBER)
    required = [param for param in wanted if param.required]
    found: dict[str, Any] = {}
    for param, atom in zip(wanted if len(numbers) == 1 else required, numbers, strict=False):
        value = _as_number(atom.value, param)
        if value is not None:
            remains.take(atom)
            found[param.name] = value
    return found


def _as_number(text: str, param: Param) -> Any:
    """The text as the number the parameter takes, as it is where it takes a text; None when it is no number."""
    if param.type not in {ParamType.INTEGER, ParamType.NUMBER}:
        return text
    try:
        return int(text) if param.type is ParamType.INTEGER else float(text)
    except ValueError:
        return None


def _flags(wanted: Sequence[Param], remains: Remains) -> dict[str, Any]:
    """A switch that is named is on, unless it is negated."""
    found: dict[str, Any] = {}
    text = remains.clause.free[:_LOOKED_AT].casefold()
    for param in wanted:
        words = (param.name.casefold(), *FLAG_WORDS.get(param.name.casefold(), ()))
        where = next((text.find(word) for word in words if word in text), None)
        if where is not None:
            found[param.name] = not _NOT.search(text, 0, where)
    return found


def _choices(wanted: Sequence[Param], remains: Remains) -> dict[str, Any]:
    """Of the choices that are named, the first."""
    found: dict[str, Any] = {}
    text = remains.clause.free[:_LOOKED_AT].casefold()
    for param in wanted:
        named = [(place, choice) for choice in param.choices for place in _places(choice, text)]
        if named:
            found[param.name] = min(named)[1]
    return found


def _places(choice: str, text: str) -> Iterator[int]:
    """Where a choice is named, by itself or by another word for it."""
    itself = re.search(rf"(?<![a-z0-9]){re.escape(choice.casefold())}(?:s|es)?(?![a-z0-9])", text)
    if itself:
        yield itself.start()
    yield from (text.index(word) for word in CHOICE_WORDS.get(choice, ()) if word in text)


def _asides(wanted: Sequence[Param], remains: Remains) -> dict[str, Any]:
    """Quotes that are left say, in order, what need not be said."""
    optional = [param for param in wanted if not param.required and not _is_query(param)]
    pairs = zip(optional, remains.atoms(Kind.QUOTE), strict=False)
    return {param.name: remains.take(atom).value for param, atom in pairs if not any(references(atom.value))}


def _lists(wanted: Sequence[Param], remains: Remains) -> dict[str, Any]:
    """A list that must be given is what stands in quotes."""
    found: dict[str, Any] = {}
    for param in wanted:
        quotes = remains.atoms(Kind.QUOTE)
        if param.required and quotes:
            found[param.name] = [remains.take(atom).value for atom in quotes]
    return found
