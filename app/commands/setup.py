"""`setup` and `doctor`."""

from __future__ import annotations

import json

from app.doctor import examine
from app.exits import ANSWERED, FAILED, answer, terminal_language
from app.settings import Settings
from app.wiring import house
from domain.texts import Language, say


async def setup(settings: Settings, *, as_json: bool) -> int:
    """Migrate the database and declare the topology."""
    language = terminal_language()
    async with house(settings) as here:
        agents = sorted({agent for agent, _ in here.configured})
        _ = here.store
        if not here.is_embedded:
            await here.control_bus.declare(agents)
    if as_json:
        answer(json.dumps({"database": "ready", "broker": "ready", "agents": agents}))
        return ANSWERED
    for part in ("database", "broker"):
        answer(say("cli.setup_done", language, what=say(f"cli.{part}", language)))
    return ANSWERED


async def doctor(settings: Settings, *, as_json: bool) -> int:
    """Examine everything configured; 1 when something needs attention."""
    language = terminal_language()
    async with house(settings) as here:
        findings = await examine(here, language)
    ill = [finding for finding in findings if not finding.is_well]
    if as_json:
        rows = [{"part": found.part, "ok": found.is_well, "detail": found.detail} for found in findings]
        answer(json.dumps({"ok": not ill, "checks": rows}, ensure_ascii=False))
    else:
        for found in findings:
            answer(f"{'✓' if found.is_well else '✗'} {say(f'cli.{found.part}', language)}: {found.detail}")
        answer(_verdict(len(ill), language))
    return FAILED if ill else ANSWERED


def _verdict(ill: int, language: Language) -> str:
    return say("cli.not_well", language, count=ill) if ill else say("cli.all_well", language)
