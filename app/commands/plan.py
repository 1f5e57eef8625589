"""`plan`: show what would be done, or check and mend a text that a model wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.catalogue_file import read_catalogue
from app.commands.raw import check_raw
from app.exits import ANSWERED, answer, language_for
from app.planning import live_catalogue, plan_request
from app.session import read_text, session
from app.settings import Settings
from app.wiring import House, house
from bot.cost_text import estimate_text
from bot.lists import plan_text
from domain import strict_json
from domain.errors import StoreDown
from domain.estimate import HISTORY, Estimate, estimate, estimate_document
from domain.plan import Plan
from domain.plan_json import plan_document
from domain.ports import Measured
from domain.skill import Catalogue
from domain.task import Scope
from planner.request import PlanRequest

USER = "console:plan"


async def plan(settings: Settings, *, text: str, as_json: bool, catalogue: str | None, raw: str | None) -> int:
    """Plan `text`; or, with `raw`, read what a model wrote."""
    given = read_catalogue(strict_json.loads(read_text(catalogue))) if catalogue else None
    if raw is not None:
        async with house(settings) as here:
            return check_raw(raw, given, Catalogue.of(here.configured), here.limits)
    request = read_text("-") if text == "-" else text
    if given is not None:  # nobody needs to be alive to plan with skills on paper
        async with house(settings) as here:
            return await _show(here, request, given, as_json=as_json)
    async with session(settings, None) as seat:
        return await _show(seat.here, request, await live_catalogue(seat.here), as_json=as_json)


async def _show(here: House, request: str, catalogue: Catalogue, *, as_json: bool) -> int:
    language = language_for(request)
    plan = await _planned(here, request, catalogue)
    expected = estimate(plan, await _measured(here))
    text = "\n".join(filter(None, [plan_text(plan, language), estimate_text(expected, language)]))
    answer(json.dumps(_document(plan, expected), ensure_ascii=False, indent=2) if as_json else text)
    return ANSWERED


async def _planned(here: House, request: str, catalogue: Catalogue) -> Plan:
    scope = Scope(tenant=here.settings.tenant, owner=USER)
    now = here.clock.now()
    asked = PlanRequest(text=request, language=language_for(request), catalogue=catalogue, now=now)
    return await plan_request(here, scope, asked)


async def _measured(here: House) -> Mapping[str, Measured]:
    """What skills took so far; nothing while the database is away, which a plan does not need."""
    since = here.clock.now() - HISTORY
    try:
        return await here.store.transact(lambda uow: uow.tasks.measured(since))
    except StoreDown:
        return {}


def _document(plan: Plan, expected: Estimate) -> dict[str, Any]:
    return {
        **plan_document(plan),
        "planner": plan.author,
        "unplaced": list(plan.unplaced),
        "repairs": [asdict(change) for change in plan.repairs],
        "estimate": estimate_document(expected),
    }
