"""`plan --raw`: read, mend and check what a model wrote, without asking one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from app.catalogue_file import read_catalogue
from app.exits import ANSWERED, FAILED, answer, language_for
from app.session import read_bytes
from domain import strict_json
from domain.errors import Malformed, Refused
from domain.plan import Node, Plan, Repair
from domain.plan_check import Limits, problems
from domain.plan_json import plan_document
from domain.plan_repair import is_doubtful, repair
from domain.plan_repair.skills import GENERAL
from domain.skill import Catalogue, SkillSpec
from planner.prompt import ask_again, plan_prompt
from planner.reading import MAX_TEXT, read_text, read_value, was_cut
from planner.request import PlanRequest

TEXTS = ("raw_llm_output", "raw", "text")  # the field of a case that holds what the model wrote
USABLE = frozenset({"plan", "answer", "question"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a model wrote, and for what. Without a catalogue every skill it names is taken as known."""

    name: str
    text: str
    request: str = ""
    catalogue: Catalogue | None = None


def check_raw(source: str, given: Catalogue | None, configured: Catalogue, limits: Limits) -> int:
    """Print one JSON object for a text, or one for each line of a .jsonl.

    Args:
        source: a file's name, `-` for stdin.
        given: the skills to plan with, for texts that bring none.
        configured: the skills of this house, for a text that stands alone.
        limits: how large a plan may be.

    Returns:
        The exit code: 1 for a single text that is no plan, answer or question.
    """
    if source.endswith(".jsonl"):
        for line in _batch(read_bytes(source), source, given, limits):
            answer(json.dumps(line))  # in ASCII, so that it is one line for whoever reads it
        return ANSWERED
    text = read_bytes(source).decode("utf-8-sig", errors="replace")
    line = judged(Case(name=source, text=text, catalogue=given or configured), limits)
    answer(json.dumps(line))
    return ANSWERED if line["outcome"] in USABLE else FAILED


def _batch(content: bytes, source: str, given: Catalogue | None, limits: Limits) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        name = f"{source}:{number}"
        if not line.strip():
            continue
        try:
            case = _case(strict_json.loads(line), name, Path(source).parent, given)
        except (Refused, OSError, ValueError) as wrong:  # a file's name may be anything
            said = wrong.say("en") if isinstance(wrong, Refused) else str(wrong)
            yield _line(name, "refusal", defects=[_defect("bad_line", said)])
        else:
            yield judged(case, limits)


def _case(entry: Any, name: str, folder: Path, given: Catalogue | None) -> Case:
    if isinstance(entry, str):
        return Case(name=name, text=entry, catalogue=given)
    found = [entry[field] for field in TEXTS if isinstance(entry.get(field), str)] if isinstance(entry, dict) else []
    if not found:
        raise Malformed("error.malformed", detail=f"{name} holds no text")
    request = entry.get("request")
    return Case(
        name=str(entry.get("id", name)),
        text=found[0],
        request=request if isinstance(request, str) else "",
        catalogue=_own_catalogue(entry.get("catalogue"), folder) or given,
    )


def _own_catalogue(given: Any, folder: Path) -> Catalogue | None:
    """Skills listed with the text, or the name of a file beside it or under `catalogues/` there."""
    if isinstance(given, str):
        beside = folder / given
        return _catalogue_file(str(beside if beside.is_file() else folder / "catalogues" / Path(given).name))
    return read_catalogue(given) if given is not None else None


@cache
def _catalogue_file(path: str) -> Catalogue:
    return read_catalogue(strict_json.loads(read_bytes(path)))


# --- judging --------------------------------------------------------------------------------------------------


def judged(case: Case, limits: Limits) -> dict[str, Any]:
    """What comes of a text, as a planner would decide that may ask the model once more.

    Args:
        case: the text.
        limits: how large a plan may be.
    """
    started = time.perf_counter()
    line = _judged(case, limits)
    return {**line, "ms": round((time.perf_counter() - started) * 1000, 3)}


def _judged(case: Case, limits: Limits) -> dict[str, Any]:
    if len(case.text) > MAX_TEXT:
        return _line(case.name, "refusal", defects=[_defect("too_long", f"it has more than {MAX_TEXT} characters")])
    try:
        read = read_text(case.text, author="raw", catalogue=case.catalogue)
    except Refused as refused:
        defects = [_defect("unreadable", refused.say("en"))]
        return _asked_again(case, case.catalogue or Catalogue({}, {}), defects) | _other_value(case.text)
    catalogue = case.catalogue
    if catalogue is None:
        read = replace(read, nodes=tuple(map(_handed, read.nodes)))
        catalogue = _named(read.nodes)
    plan = repair(read, catalogue, limits)
    repairs = [asdict(change) for change in plan.repairs]
    defects = list(_defects(plan, catalogue, limits))
    if defects:
        return _asked_again(case, catalogue, defects) | {"repairs": repairs}
    outcome = "question" if plan.question is not None else "plan" if plan.nodes else "answer"
    return _line(case.name, outcome, plan=plan_document(plan), repairs=repairs)


def _other_value(text: str) -> dict[str, Any]:
    """What JSON there is in a text that is no plan, and how it was found."""
    try:
        reading = read_value(text)
    except Malformed:
        return {}
    return {"value": reading.value, "repairs": [asdict(Repair(kind=f"text_{step}")) for step in reading.steps]}


def _handed(node: Node) -> Node:
    """A task that only says what is to be done, where any skill would do: the general one's."""
    if node.skill:
        return node
    return replace(node, skill=GENERAL, params={"prompt": node.description or node.name, **node.params})


def _named(nodes: Sequence[Node]) -> Catalogue:
    """A catalogue of the skills that are named, about which nothing else is known."""
    names = dict.fromkeys(node.skill for node in nodes)
    return Catalogue.of(("given", SkillSpec(name=name, description="", open_params=True)) for name in names)


def _defects(plan: Plan, catalogue: Catalogue, limits: Limits) -> Iterator[dict[str, str]]:
    for problem in problems(plan, catalogue, limits):
        yield _defect(problem.kind, problem.say("en"), problem.node, problem.other)
    if was_cut(plan):
        yield _defect("truncated", "it was cut off")
    if is_doubtful(plan):
        yield _defect("doubtful", "more than a third of its tasks had to be guessed at")


def _defect(kind: str, text: str, node: str = "", other: str = "") -> dict[str, str]:
    return {"kind": kind, "node": node, "other": other, "text": text}


def _asked_again(case: Case, catalogue: Catalogue, defects: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The line of a text that cannot be used as it is, with what the model would be told."""
    asked = plan_prompt(PlanRequest(text=case.request, language=language_for(case.request), catalogue=catalogue))
    wish = ask_again(asked, case.text, [defect["text"] for defect in defects]).history[-1][1]
    return _line(case.name, "reask", defects=defects, reask=wish)


def _line(name: str, outcome: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "outcome": outcome, "plan": None, "repairs": [], "defects": [], "ms": 0.0, **more}
