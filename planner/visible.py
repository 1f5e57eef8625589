"""Which skills a model is shown, and how: one line each, sorted; of very many, those that the request speaks of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from domain.skill import Catalogue, Effect, Param, SkillSpec
from planner.offline.words import HAN, STOP, WORD, stem

MAX_DESCRIBED = 60  # skills that are described in full
MAX_NAMED = 400  # of the others, how many are at least named
ALWAYS = frozenset({"general", "planner"})
_MAX_DESCRIPTION = 300


def described(catalogue: Catalogue, text: str) -> list[SkillSpec]:
    """The skills to describe, sorted by name: all of them, or those that share most and rarest words with `text`."""
    specs = list(catalogue)
    if len(specs) <= MAX_DESCRIBED:
        return specs
    words = {spec.name: _words(_about(spec)) for spec in specs}
    shared = Counter(word for of_one in words.values() for word in of_one)
    asked = _words(text)

    def rank(spec: SkillSpec) -> tuple[bool, float, str]:
        overlap = sum(1 / shared[word] for word in asked & words[spec.name])
        return spec.name not in ALWAYS, -overlap, spec.name

    return sorted(sorted(specs, key=rank)[:MAX_DESCRIBED], key=lambda spec: spec.name)


def listing(catalogue: Catalogue, text: str) -> str:
    """The skills as a model reads them."""
    shown = described(catalogue, text)
    names = {spec.name for spec in shown}
    others = [spec.name for spec in catalogue if spec.name not in names][:MAX_NAMED]
    lines = [_skill_line(spec) for spec in shown]
    return "\n".join([*lines, *([f"Also there, not described here: {', '.join(others)}"] if others else [])])


def _about(spec: SkillSpec) -> str:
    return " ".join([spec.name.replace("_", " "), spec.description, *spec.keywords, *spec.examples, *spec.aliases])


def _words(text: str) -> frozenset[str]:
    latin = (stem(word) for word in WORD.findall(text))
    return frozenset(word for word in latin if word not in STOP) | frozenset(_pairs(text))


def _pairs(text: str) -> Iterator[str]:
    """Han characters two by two: the length of most Chinese words."""
    for run in HAN.findall(text):
        yield from (run[place : place + 2] for place in range(len(run) - 1))


def _skill_line(spec: SkillSpec) -> str:
    params = ", ".join([*map(_param, spec.params), *(["…"] if spec.open_params else [])])
    fields = spec.output_schema.get("properties")
    returns = f" Output: {', '.join(fields)}." if isinstance(fields, dict) and fields else ""
    asks = " Changes the outside world; a person is asked first." if spec.effect is Effect.EXTERNAL else ""
    return f"- {spec.name}({params}): {_one_line(spec.description)}{returns}{asks}"


def _param(param: Param) -> str:
    kind = "|".join(param.choices) or param.type.value
    about = f" ({_one_line(param.description)})" if param.description else ""
    return f"{param.name}{'!' if param.required else ''}: {kind}{about}"


def _one_line(text: str) -> str:
    """Descriptions come from agents: one line each, so that none can pass for a rule or for another skill."""
    return " ".join(text.split())[:_MAX_DESCRIPTION]
