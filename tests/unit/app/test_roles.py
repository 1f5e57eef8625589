"""What a process does for each role."""

from __future__ import annotations

from pathlib import Path

from app.roles import _control_plane
from app.settings import load
from app.wiring import house


async def test_with_the_dispatcher_go_the_calendar_the_watch_and_the_retention(tmp_path: Path) -> None:
    settings = load(DATABASE_URL=f"sqlite:///{tmp_path}/x.db", XINGSHU_WORKSPACE=str(tmp_path))
    async with house(settings) as here:
        assert set(_control_plane(here, ["dispatcher"])) == {"dispatcher", "calendar", "watch", "retention"}
        assert set(_control_plane(here, ["planner", "aggregator", "agents"])) == {"planner", "aggregator"}
