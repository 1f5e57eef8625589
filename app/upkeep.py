"""What a dispatcher's process does beside dispatching: watch the queues, let go what is old."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.archive import archive_in
from app.settings import Settings
from app.wiring import House
from dispatcher.retention import Keeping, Kept
from dispatcher.watch import Watch


def upkeep(house: House) -> dict[str, Callable[[], Awaitable[Any]]]:
    """The loops by name; any number of processes may perform them."""
    settings = house.settings
    watch = Watch(house.store, house.control_bus, house.clock, settings.backlog_s)
    return {"watch": watch.run, "retention": keeping(house, kept_of(settings), settings.archive).run}


def keeping(house: House, kept: Kept, archive: Path | None) -> Keeping:
    """What lets go of the rows that are not kept, with an archive before it if there is one."""
    return Keeping(house.store, house.clock, kept, archive_in(archive) if archive else None)


def kept_of(settings: Settings) -> Kept:
    """How long the operator wants what kept."""
    return Kept(tasks=_for(settings.keep_s), books=_for(settings.keep_books_s))


def _for(seconds: float) -> timedelta | None:
    return timedelta(seconds=seconds) if seconds else None
