"""`purge`: let old finished tasks go now, written down first if wished."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from app.exits import ANSWERED, answer, terminal_language
from app.settings import Settings
from app.upkeep import keeping, kept_of
from app.wiring import house
from domain.errors import Misconfigured
from domain.texts import say

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_DURATION = re.compile(r"(\d{1,6})([smhdw])")


async def purge(
    settings: Settings, *, older_than: str | None, dry_run: bool, archive: str | None, as_json: bool
) -> int:
    """Delete what is older than given, or than the settings keep. Raises Misconfigured for a duration that is none, and
    when nothing says how old."""
    kept = kept_of(settings)
    age = read_duration(older_than) if older_than else kept.tasks
    if age is None:
        raise Misconfigured("cli.purge_how_old")
    path = Path(archive) if archive else settings.archive
    async with house(settings) as here:
        old = keeping(here, replace(kept, tasks=age), path)
        before = here.clock.now() - age
        count = 0
        if dry_run:
            count = await here.store.transact(lambda uow: uow.retention.over_count(before))
        else:
            while gone := await old.drop_tasks():
                count += gone
            while await old.sweep():
                pass
    told = say("cli.purge_would" if dry_run else "cli.purged", terminal_language(), count=count)
    shown = {"tasks": count, "dry_run": dry_run, "archive": str(path) if path else None}
    answer(json.dumps(shown) if as_json else told)
    return ANSWERED


def read_duration(text: str) -> timedelta:
    """Read `90d`, `12h`, `45m`, `30s` or `4w`. Raises Misconfigured."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise Misconfigured("cli.bad_duration", typed=text[:40])
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])
