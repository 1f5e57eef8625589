"""`plan`: show what would be done, or check and mend a text that a model wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.catalogue_file import read_catalogue
from app.exits import ANSWERED, FAILED, answer, language_for
from app.planning import live_catalogue, plan_request
from app.session import read_text, session
from app.settings import Settings
from app.wiring import House, house
from bot.lists import plan_text
from domain import strict_json
from domain.errors import Malformed, Refused
from domain.plan import Plan
from domain.plan_check import Limits, Problem, problems
from domain.plan_json import plan_document
from domain.plan_repair import repair
from domain.skill import Catalogue
from domain.task import Scope
from planner.reading import read_text as read_model_text
from planner.request import PlanRequest

USER = "console:plan"
RAW_FIELDS = ("raw_llm_output", "raw", "text")


async def plan(settings: Settings, *, text: str, as_json: bool, catalogue: str | None, raw: str | None) -> int:
    """Plan `text`; or, with `raw`, read what a model wrote."""
    given = read_catalogue(strict_json.loads(read_text(catalogue))) if catalogue else None
    if raw is not None:
        async with house(settings) as here:
            return _check_raw(raw, given or Catalogue.of(here.configured), here.limits)
    request = read_text("-") if text == "-" else text
    if given is not None:  # nobody needs to be alive to plan with skills on paper
        async with house(settings) as here:
            return _show(await _planned(here, request, given), request, as_json=as_json)
    async with session(settings, None) as seat:
        catalogue_now = await live_catalogue(seat.here)
        return _show(await _planned(seat.here, request, catalogue_now), request, as_json=as_json)


async def _planned(here: House, request: str, catalogue: Catalogue) -> Plan:
    scope = Scope(tenant=here.settings.tenant, owner=USER)
    now = here.clock.now()
    asked = PlanRequest(text=request, language=language_for(request), catalogue=catalogue, now=now)
    return await plan_request(here, scope, asked)


def _show(plan: Plan, request: str, *, as_json: bool) -> int:
    answer(
        json.dumps(_document(plan), ensure_ascii=False, indent=2) if as_json else plan_text(plan, language_for(request))
    )
    return ANSWERED


def _document(plan: Plan) -> dict[str, Any]:
    repairs = [asdict(change) for change in plan.repairs]
    return {**plan_document(plan), "planner": plan.author, "unplaced": list(plan.unplaced), "repairs": repairs}


def _check_raw(source: str, catalogue: Catalogue, limits: Limits) -> int:
    """One JSON object a text: its plan, what was mended, what is still wrong. 1 when any has no plan."""
    reports = [_checked(text, own or catalogue, limits, name) for name, text, own in _texts(source)]
    for report in reports:
        answer(json.dumps(report, ensure_ascii=False))
    return ANSWERED if all(report["plan"] is not None for report in reports) else FAILED


def _checked(text: str, catalogue: Catalogue, limits: Limits, name: str) -> dict[str, Any]:
    report: dict[str, Any] = {"id": name, "plan": None, "repairs": [], "problems": []}
    try:
        read = read_model_text(text, author="raw")
    except Refused as refused:
        return {**report, "problems": [{"kind": "unreadable", "text": refused.say("en")}]}
    plan = repair(read, catalogue) if len(read.nodes) <= limits.max_nodes else read
    found = [_problem(problem) for problem in problems(plan, catalogue, limits)]
    return {**report, "plan": plan_document(plan), "repairs": _document(plan)["repairs"], "problems": found}


def _problem(problem: Problem) -> dict[str, str]:
    return {"kind": problem.kind, "node": problem.node, "other": problem.other, "text": problem.say("en")}


def _texts(source: str) -> Iterator[tuple[str, str, Catalogue | None]]:
    """(name, text, its own catalogue) of a file, or of each line of a .jsonl: a string, or an object with a text."""
    content = read_text(source)
    if not source.endswith(".jsonl"):
        yield source, content, None
        return
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            yield _line(strict_json.loads(line), f"{source}:{number}", Path(source).parent)


def _line(entry: Any, name: str, folder: Path) -> tuple[str, str, Catalogue | None]:
    if isinstance(entry, str):
        return name, entry, None
    text = (
        next((entry[field] for field in RAW_FIELDS if isinstance(entry.get(field), str)), None)
        if isinstance(entry, dict)
        else None
    )
    if text is None:
        raise Malformed("error.malformed", detail=f"{name} holds no text")
    return str(entry.get("id", name)), text, _own_catalogue(entry.get("catalogue"), folder)


def _own_catalogue(given: Any, folder: Path) -> Catalogue | None:
    """Skills listed with the text, or the name of a file under `catalogues/` beside it."""
    if isinstance(given, str):
        given = strict_json.loads(read_text(str(folder / "catalogues" / Path(given).name)))
    return read_catalogue(given) if given else None
