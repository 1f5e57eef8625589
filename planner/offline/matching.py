"""Which skill a clause asks for, by the skills' own keywords and examples.

A skill is only named when what the clause says is mostly explained by it: an unfamiliar verb, or more unfamiliar
words than familiar ones, means that nobody offers what is asked for.
"""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from domain.skill import Catalogue, ParamType, SkillSpec
from planner.offline.atoms import Atom, Kind, find_atoms, masked
from planner.offline.clauses import Clause
from planner.offline.words import (
    CHOICE_WORDS,
    HAN,
    HAN_NEUTRAL,
    HAN_POLITE,
    HAN_STOP,
    HAN_VERBS,
    NEUTRAL,
    POLITE,
    QUESTIONS,
    STOP,
    VERBS,
    WORD,
    stem,
)

_LOOKED_AT = 400  # characters of a clause that say what it asks for; the rest can only be its text
_KEYWORD, _FIRST_WORD, _NAME, _EXAMPLE, _DESCRIPTION = 1.0, 0.9, 0.7, 0.5, 0.2
_STRONG = 0.6  # the weight from which a word by itself speaks for a skill
_HEAD, _SHAPE, _PATH, _NO_PATH, _SQL, _FOREIGN = 0.5, 0.3, 0.2, -0.6, 1.0, -0.3
_ALIKE = 0.8  # the share of an example that makes a clause another way to say it
_LEAST = 0.5  # the score below which nothing is meant
_BY_LENGTH = sorted(HAN_VERBS, key=len, reverse=True)
_HAN_GRAMMAR = re.compile(f"{HAN_STOP.pattern}|{'|'.join(HAN_NEUTRAL)}")
_SENTENCE_END = re.compile(r"[.?!](?:\s+|$)|[。？！;；]")
_REMEMBERED = 10_000  # unfamiliar words, with the familiar ones they are misspellings of
_LONGEST = 8  # Han characters of a keyword that are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How well a skill fits a clause. `head` is where the word stands, in the clause, that first names it."""

    spec: SkillSpec
    score: float
    head: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class _Profile:
    """What speaks for one skill: words (as stems) and Han strings with their weights, those of them that name it,
    keywords of several words, what examples consist of, and shapes of the atoms in them."""

    spec: SkillSpec
    terms: Mapping[str, float]
    names: frozenset[str]
    phrases: tuple[str, ...]
    examples: tuple[frozenset[str], ...]
    shapes: frozenset[str]

    @cached_property
    def takes_text(self) -> bool:
        return any(param.type is ParamType.STRING and param.required for param in self.spec.params)

    @cached_property
    def takes_path(self) -> bool:
        return any(param.type is ParamType.PATH for param in self.spec.params)

    @cached_property
    def takes_sql(self) -> bool:
        return any("sql" in param.name.casefold() for param in self.spec.params)


@dataclass(slots=True)
class _Evidence:
    """What was found in a clause for one skill; sizes in words, two Han characters being one."""

    score: float = 0.0
    explained: float = 0.0
    unexplained: float = 0.0
    head: tuple[int, int] | None = None
    foreign: int = 0  # words that speak for another skill, or name something else to do

    def add(self, weight: float, size: float, span: tuple[int, int], *, names: bool) -> None:
        if weight <= 0:
            self.unexplained += size
            return
        self.explained += size
        self.score += weight * size
        if names or weight >= _STRONG:
            self.head = self.head or span


class Matcher:
    """Compares clauses with the skills of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        drafts = [_profile(spec) for spec in catalogue]
        self._shared = shared = Counter(term for draft in drafts for term in draft.terms)
        self._profiles = [
            replace(draft, terms={term: weight / math.sqrt(shared[term]) for term, weight in draft.terms.items()})
            for draft in drafts
        ]
        self._known = sorted(term for term in shared if term.isascii())  # sorted, so that ties always end the same
        self._verbs = VERBS | {word for draft in drafts for word in _first_words(draft.spec)}
        self._strong = {term for draft in drafts for term, weight in draft.terms.items() if weight >= _STRONG}
        self._han_verbs = (*HAN_VERBS, *(term for term in self._strong if HAN.match(term)))
        self._nearest: dict[str, str] = {}

    def begins_action(self, free: str) -> bool:
        """Whether a text, atoms masked, begins like a request of its own."""
        first = next(_content(free[:_LOOKED_AT], POLITE), None)
        start = first.start() if first else len(free)
        polite = HAN_POLITE.match(free)
        han_start = polite.end() if polite else len(free) - len(free.lstrip())
        if free.startswith(self._han_verbs, han_start):
            return True
        return first is not None and not HAN.search(free, 0, start) and stem(first[0]) in self._verbs

    def rank(self, clause: Clause) -> list[Match]:
        """The skills the clause may mean, best first."""
        free = clause.free[:_LOOKED_AT]
        matches = [self._match(profile, clause, free) for profile in self._profiles]
        return sorted((match for match in matches if match), key=lambda match: -match.score)

    def _match(self, profile: _Profile, clause: Clause, free: str) -> Match | None:
        if not self._may_begin(profile, free):
            return None
        evidence = _Evidence()
        self._weigh_words(profile, free, evidence)
        _weigh_han(profile, free, evidence)
        _weigh_phrases(profile, free, evidence)
        _weigh_sql(profile, clause, evidence)
        likeness = max((_likeness(example, clause) for example in profile.examples), default=0.0)
        is_example = likeness >= _ALIKE
        if not is_example and (evidence.head is None or not _is_covered(profile, clause, evidence)):
            return None
        score = evidence.score + _FOREIGN * evidence.foreign + _EXAMPLE * is_example
        score += _shape_score(profile, clause) + self._head_score(profile, free)
        return Match(spec=profile.spec, score=score, head=evidence.head or (0, 0)) if score >= _LEAST else None

    def _may_begin(self, profile: _Profile, free: str) -> bool:
        """A clause that begins with a verb, or asks a question, that the skill knows nothing of means another."""
        first = next(_content(free, POLITE), None)
        if first is not None and not HAN.search(free, 0, first.start()):
            word = self._term(first[0])
            return word in profile.terms or word in NEUTRAL or word not in self._verbs | QUESTIONS
        begin = HAN_POLITE.match(free)
        verb = next((verb for verb in _BY_LENGTH if free.startswith(verb, begin.end() if begin else 0)), None)
        if verb is None or verb in HAN_NEUTRAL:
            return True
        return any(verb.startswith(term) or term.startswith(verb) for term in profile.terms)

    def _head_score(self, profile: _Profile, free: str) -> float:
        first = next(_content(free, STOP), None)
        if first is not None and profile.terms.get(self._term(first[0]), 0.0) >= _STRONG / 2:
            return _HEAD
        begin = HAN_POLITE.match(free)
        start = begin.end() if begin else 0
        heads = (free[start : start + length] for length in range(1, _LONGEST))
        return _HEAD if any(profile.terms.get(head, 0.0) >= _STRONG / 2 for head in heads) else 0.0

    def _weigh_words(self, profile: _Profile, free: str, evidence: _Evidence) -> None:
        names_are_latin = profile.takes_path and HAN.search(free) is not None
        for word in _content(free, frozenset()):
            term = self._term(word[0])
            weight = profile.terms.get(term, 0.0)
            if weight > 0 or not (names_are_latin or term in STOP or term in NEUTRAL):
                evidence.add(weight, 1.0, word.span(), names=term in profile.names)
            if weight <= 0 and (term in self._strong or term in self._verbs - NEUTRAL):
                evidence.foreign += 1

    def _term(self, word: str) -> str:
        """The stem of a word, or of the word of the catalogue that it misspells."""
        term = word.casefold() if "_" in word else stem(word)
        if term in self._shared or term in STOP or term in VERBS or len(term) < 5:
            return term
        if term not in self._nearest:
            if len(self._nearest) >= _REMEMBERED:
                self._nearest.clear()
            close = difflib.get_close_matches(term, self._known, n=1, cutoff=0.8)
            self._nearest[term] = close[0] if close else term
        return self._nearest[term]


def _content(free: str, without: frozenset[str]) -> Iterator[re.Match[str]]:
    """The words of a text that are not in `without`."""
    return (word for word in WORD.finditer(free) if stem(word[0]) not in without)


def _weigh_phrases(profile: _Profile, free: str, evidence: _Evidence) -> None:
    """A keyword of several words counts when they stand together."""
    said = " ".join(stem(word) for word in WORD.findall(free))
    if any(f" {phrase} " in f" {said} " for phrase in profile.phrases):
        first = WORD.search(free)
        evidence.score += _KEYWORD
        evidence.head = evidence.head or (first.span() if first else None)


def _weigh_sql(profile: _Profile, clause: Clause, evidence: _Evidence) -> None:
    """SQL asks for the skill that takes it, whatever else is said."""
    for atom in clause.atoms:
        if atom.kind is Kind.SQL and profile.takes_sql:
            evidence.add(_SQL, 1.0, (atom.start, atom.end), names=True)


def _likeness(example: frozenset[str], clause: Clause) -> float:
    """How much of an example and a clause is the same (Dice's coefficient)."""
    said = _gist(clause.text[:_LOOKED_AT], clause.atoms)
    return 2 * len(example & said) / (len(example) + len(said)) if example and said else 0.0


def _gist(text: str, atoms: Iterable[Atom]) -> frozenset[str]:
    """What a sentence consists of, its atoms only by their kinds."""
    inside = [atom for atom in atoms if atom.end <= len(text)]
    free = masked(text, inside)
    words = {stem(word) for word in WORD.findall(free)} - POLITE
    pairs = {run[start : start + 2] for run in HAN.findall(free) for start in range(len(run) - 1)}
    return frozenset(words | pairs | {f"<{atom.kind}>" for atom in inside})


def _weigh_han(profile: _Profile, free: str, evidence: _Evidence) -> None:
    """Every Han character counts by the best term of the skill that covers it."""
    for run in HAN.finditer(free):
        weights = _covered(profile, run[0])
        grammar = {position for stop in _HAN_GRAMMAR.finditer(run[0]) for position in range(stop.start(), stop.end())}
        for position, (weight, start, end) in enumerate(weights):
            if weight > 0 or position not in grammar:
                span = (run.start() + start, run.start() + end)
                evidence.add(weight, 0.5, span, names=run[0][start:end] in profile.names)


def _covered(profile: _Profile, run: str) -> list[tuple[float, int, int]]:
    """For each character: the best weight of a term over it, and where that term stands."""
    covered = [(0.0, 0, 0)] * len(run)
    for start in range(len(run)):
        for end in range(start + 1, min(len(run), start + _LONGEST) + 1):
            weight = profile.terms.get(run[start:end], 0.0)
            for position in range(start, end) if weight > 0 else ():
                covered[position] = max(covered[position], (weight, start, end))
    return covered


def _is_covered(profile: _Profile, clause: Clause, evidence: _Evidence) -> bool:
    """Whether what the clause says is mostly about the skill. Where the skill takes a text, the rest is that."""
    if profile.takes_text:
        return True
    has_path = profile.takes_path and any(atom.kind is Kind.PATH for atom in clause.atoms)
    explained = evidence.explained + has_path
    return explained >= (evidence.unexplained + evidence.foreign) * (1 if explained > 1 else 2)


def _shape_score(profile: _Profile, clause: Clause) -> float:
    shapes = {atom.shape for atom in clause.atoms}
    kinds = {atom.kind for atom in clause.atoms}
    score = _SHAPE * bool(shapes & profile.shapes)
    if Kind.PATH in kinds:
        score += _PATH if profile.takes_path else _NO_PATH * (not profile.takes_text)
    return score


def _profile(spec: SkillSpec) -> _Profile:
    terms: dict[str, float] = {}
    described_only = not spec.keywords and not spec.examples

    def note(text: str, weight: float) -> None:
        for term in _terms(text):
            terms[term] = max(terms.get(term, 0.0), weight)

    note(spec.description, _NAME if described_only else _DESCRIPTION)
    for param in spec.params:
        for word in (
            param.name,
            *param.choices,
            *(other for choice in param.choices for other in CHOICE_WORDS.get(choice, ())),
        ):
            note(word.replace("_", " "), _DESCRIPTION)
    for example in spec.examples:
        note(masked(example, find_atoms(example)), _EXAMPLE)
    note(spec.name.replace("_", " ").replace("-", " "), _NAME)
    terms[spec.name.casefold()] = _KEYWORD
    for word in _first_words(spec):
        terms[word] = _EXAMPLE if word in QUESTIONS else _FIRST_WORD
    for keyword in spec.keywords:
        note(keyword, _EXAMPLE if " " in keyword else _KEYWORD)
        terms.update(dict.fromkeys(HAN.findall(keyword), _KEYWORD))
    names = frozenset(term for term, weight in terms.items() if weight >= _FIRST_WORD)
    return _Profile(
        spec=spec,
        terms=terms,
        names=names,
        phrases=tuple(" ".join(map(stem, WORD.findall(keyword))) for keyword in spec.keywords if " " in keyword),
        examples=tuple(_gist(sentence, find_atoms(sentence)) for sentence in _sentences(spec)),
        shapes=frozenset(atom.shape for example in spec.examples for atom in find_atoms(example)),
    )


def _sentences(spec: SkillSpec) -> Iterator[str]:
    """The examples, sentence by sentence, as requests are cut too."""
    return (sentence for example in spec.examples for sentence in _SENTENCE_END.split(example) if sentence)


def _terms(text: str) -> Iterator[str]:
    """Stems of the words, and pairs of Han characters; what carries grammar only is left out."""
    for word in WORD.findall(text):
        if stem(word) not in STOP:
            yield stem(word)
    for run in HAN.findall(text):
        for start in range(len(run) - 1):
            if not HAN_STOP.search(run[start : start + 2]):
                yield run[start : start + 2]


def _first_words(spec: SkillSpec) -> Iterator[str]:
    """What requests for the skill begin with: verbs, and the question words among its examples."""
    for example in spec.examples:
        first = next(_content(masked(example, find_atoms(example)), POLITE), None)
        if first is not None and not HAN.search(example, 0, first.start()):
            yield stem(first[0])
