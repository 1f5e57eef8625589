"""What ruff and bandit report, as one list: each matter once, graded by one scale.

Grades (the first that applies):

    high    it does not run (syntax, undefined names, pylint's errors), a stranger's text becomes code or SQL,
            or bandit's own HIGH
    medium  a likely bug (bugbear, blind or bare except, files left open, blocking calls in async code),
            a function too tangled to follow, or bandit's MEDIUM
    low     everything else: what is unused, untidy or merely worth knowing
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

GRADES = ("high", "medium", "low")
_HIGH = re.compile(r"E9|F7|F82|F50|PLE|S102$|S307$|S608$|invalid-syntax")
_MEDIUM = re.compile(r"B\d|E722|BLE|F811|F63|SIM115|ASYNC|S\d")
_SAME_MATTER = {"S110": "except", "S112": "except", "BLE001": "except", "E722": "except"}
_QUOTED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One finding of a tool. `rule` is ruff's name for it; `lines` are where else a tool may place it."""

    file: str
    line: int
    rule: str
    message: str
    grade: str
    lines: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What the message puts in backticks first, such as an unused name."""
        quoted = _QUOTED.search(self.message)
        return quoted[1] if quoted else ""


def from_ruff(reported: Iterable[Mapping[str, Any]]) -> Iterator[Issue]:
    """Ruff's JSON; of a file that does not parse only the first complaint, for the rest follow from it."""
    broken: set[str] = set()
    for entry in reported:
        rule, file = entry["code"] or "invalid-syntax", entry["filename"]
        if rule == "invalid-syntax":
            if file in broken:
                continue
            broken.add(file)
        line = (entry.get("location") or {}).get("row", 1)
        yield Issue(file=file, line=line, rule=rule, message=entry["message"], grade=_grade(rule))


def from_bandit(reported: Iterable[Mapping[str, Any]]) -> Iterator[Issue]:
    """Bandit's JSON; its B602 is ruff's S602."""
    for entry in reported:
        rule = "S" + entry["test_id"][1:]
        said = entry["issue_severity"].lower()
        grade = "high" if _HIGH.match(rule) else said if said in GRADES else "low"
        yield Issue(
            file=entry["filename"],
            line=entry["line_number"],
            rule=rule,
            message=entry["issue_text"],
            grade=grade,
            lines=tuple(entry.get("line_range", ())),
        )


def merged(ruff: Sequence[Issue], bandit: Sequence[Issue]) -> list[Issue]:
    """Both lists as one, each matter once: bandit knows better how grave a thing is, ruff where it is."""
    by_place: dict[tuple[str, str, int], Issue] = {}
    for issue in ruff:
        known = by_place.get(_place(issue, issue.line))
        by_place[_place(issue, issue.line)] = _first(known, issue) if known else issue
    for issue in bandit:
        places = [_place(issue, line) for line in (issue.line, *issue.lines)]
        place = next((place for place in places if place in by_place), places[0])
        known = by_place.get(place)
        grave = replace(known, grade=_graver(known, issue)) if known else issue
        by_place[place] = grave
    return in_order(by_place.values())


def in_order(issues: Iterable[Issue]) -> list[Issue]:
    """Gravest first, then by place."""
    return sorted(issues, key=lambda issue: (GRADES.index(issue.grade), issue.file, issue.line, issue.rule))


def _grade(rule: str) -> str:
    return "high" if _HIGH.match(rule) else "medium" if _MEDIUM.match(rule) else "low"


def _place(issue: Issue, line: int) -> tuple[str, str, int]:
    return issue.file, _SAME_MATTER.get(issue.rule, issue.rule), line


def _graver(known: Issue, other: Issue) -> str:
    # A plain S-rule of ruff has no grade of its own: medium until bandit says.
    if known.rule == other.rule and not _HIGH.match(known.rule):
        return other.grade
    return min(known.grade, other.grade, key=GRADES.index)


def _first(known: Issue, issue: Issue) -> Issue:
    """Of two rules about one matter the graver; of equals not the S-rule, which bandit may grade down."""
    return min(known, issue, key=lambda each: (GRADES.index(each.grade), each.rule.startswith("S")))
