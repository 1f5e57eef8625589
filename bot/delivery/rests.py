"""Which chats want to be left alone, for a process that comes after this one.

A time only ever moves on, like the place in a chat up to which it was read; so it is kept in the same way, under a
platform of its own name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from domain.ports import UnitOfWork
from domain.task import Place

_SUFFIX = "#rest"  # no platform's name has one


def keep_rests(uow: UnitOfWork, rests: Iterable[tuple[Place, datetime]]) -> None:
    """Write down that nothing may be sent to these chats before those times."""
    for place, until in rests:
        uow.cursors.seen(replace(place, platform=place.platform + _SUFFIX, thread_id=""), str(_ms(until)))


def rests_of(uow: UnitOfWork, platform: str, bot_id: str, now: datetime) -> list[tuple[Place, float]]:
    """The chats that nothing may be sent to yet, and for how many seconds."""
    kept = uow.cursors.all(platform + _SUFFIX, bot_id)
    untils = {chat_id: datetime.fromtimestamp(int(ms) / 1000, UTC) for chat_id, ms in kept.items()}
    return [
        (Place(platform=platform, bot_id=bot_id, chat_id=chat_id), (until - now).total_seconds())
        for chat_id, until in untils.items()
        if until > now
    ]


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000) + 1
