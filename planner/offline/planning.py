"""A plan without a model: the request cut into clauses, each matched to a skill by the skill's own words.

Nothing here knows any skill by name. What cannot be placed is said, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from domain.errors import PlanRefused, Refused
from domain.plan import Node, Plan
from domain.plan_check import Problem, param_problems
from domain.plan_repair import repair
from domain.skill import Catalogue, SkillSpec
from domain.texts import Language, language_of, say
from planner.offline.atoms import Atom, Kind
from planner.offline.clauses import Clause, Link, split
from planner.offline.matching import Match, Matcher
from planner.offline.params import Earlier, Extraction, extract
from planner.offline.words import ANAPHORA, GATHERS

AUTHOR = "offline"
MAX_CLAUSES = 500  # nobody asks for more things than this in one message
MAX_SHOWN = 120  # characters of a clause in a title or a note
_CLOSE = 0.85  # a second skill that scores this share of the first makes choosing a guess


def plan_offline(request: str, catalogue: Catalogue, language: Language) -> Plan:
    """Plan by rules alone.

    Raises:
        Refused: nothing in the request matches a skill; the sentence says what can be asked.
        PlanRefused: the request asks for more things than anybody would.
    """
    matcher = _matcher(catalogue)
    clauses = split(request, matcher.begins_action)
    _hold(len(clauses))
    draft = _Draft(language=language)
    for clause in clauses:
        draft.add(clause, matcher.rank(clause))
        _hold(len(draft.nodes))
    if not draft.nodes:
        raise _nothing(draft, offered(catalogue, language))
    return repair(Plan(nodes=tuple(draft.nodes), unplaced=tuple(draft.unplaced), author=AUTHOR), catalogue)


@lru_cache(maxsize=4)
def _matcher(catalogue: Catalogue) -> Matcher:
    """To read what skills say about themselves takes longer than to plan with it."""
    return Matcher(catalogue)


def _hold(count: int) -> None:
    if count > MAX_CLAUSES:
        raise PlanRefused([Problem(kind="too_many_nodes", count=count, limit=MAX_CLAUSES)])


def offered(catalogue: Catalogue, language: Language, most: int | None = None) -> str:
    """What can be asked for: every skill, with an example in the person's language where it has one; or only so many,
    those with an example first."""
    examples = {spec.name: _example(spec, language) for spec in catalogue}
    names = sorted(examples, key=lambda name: not examples[name]) if most else examples
    shown = [
        say("plan.offered", language, skill=name, example=examples[name]) if examples[name] else name
        for name in [*names][:most]
    ]
    return ", ".join(shown) or "–"


def _example(spec: SkillSpec, language: Language) -> str:
    return next((text for text in spec.examples if language_of(text) == language), "")


@dataclass(slots=True, kw_only=True)
class _Draft:
    """The plan as it grows. `stage` runs side by side and waits for all of `before`."""

    language: Language
    nodes: list[Node] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    before: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    paths: tuple[Atom, ...] = ()

    def add(self, clause: Clause, matches: list[Match]) -> None:
        """Place a clause behind what it follows, or note why it cannot be placed."""
        if _opens_stage(clause):
            self.before, self.stage = self.stage or self.before, ()
        earlier = Earlier(nodes=self.before, paths=self.paths)
        found = [(match, extract(clause, match, earlier)) for match in _contenders(matches)]
        self.paths = (*(atom for atom in clause.atoms if atom.kind is Kind.PATH), *self.paths)[:8]
        complete = [(match, extraction) for match, extraction in found if not extraction.missing]
        if len(complete) == 1:
            self._place(clause, *complete[0])
        else:
            self._leave(clause, complete or found)

    def _place(self, clause: Clause, match: Match, extraction: Extraction) -> None:
        for params in extraction.variants:
            node = Node(
                id=f"t{len(self.nodes) + 1}",
                skill=match.spec.name,
                name=_shown(clause.text),
                params=params,
                dependencies=self.before,
            )
            if any(param_problems(node, match.spec)):
                self.unplaced.append(_shown(clause.text))
            else:
                self.nodes.append(node)
                self.stage = (*self.stage, node.id)

    def _leave(self, clause: Clause, found: list[tuple[Match, Extraction]]) -> None:
        """Note a clause, with what is missing or which skills it could mean."""
        text = _shown(clause.text)
        if len(found) == 1:
            missing = ", ".join(found[0][1].missing)
            self.reasons.append(say("plan.unplaced_missing", self.language, text=text, missing=missing))
        elif found:
            skills = ", ".join(match.spec.name for match, _ in found)
            self.reasons.append(say("plan.unplaced_unclear", self.language, text=text, skills=skills))
        self.unplaced.append(self.reasons[-1] if found else text)


def _nothing(draft: _Draft, skills: str) -> Refused:
    """Why there is no plan: what was understood and lacks something, if anything was."""
    if draft.reasons:
        return Refused("plan.incomplete", what="; ".join(draft.reasons[:3]), skills=skills)
    return Refused("plan.nothing_placed", skills=skills)


def _opens_stage(clause: Clause) -> bool:
    """Whether a clause waits for those before it: it says so, or it works on what they found."""
    if clause.link >= Link.THEN:
        return True
    names_nothing = not any(atom.kind is Kind.PATH for atom in clause.atoms)
    return names_nothing and bool(GATHERS.search(clause.free) or ANAPHORA.search(clause.free))


def _contenders(matches: list[Match]) -> list[Match]:
    """The best match and those too close to it to be told apart."""
    return [match for match in matches[:4] if match.score >= _CLOSE * matches[0].score]


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_SHOWN else line[: MAX_SHOWN - 1] + "…"
