"""`ask`: one request, one answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from app.clock import zone_of
from app.session import Session, read_text, said, session
from app.settings import Settings
from bot.intake import AT_ONCE, Timing
from bot.reply import Accepted, Reply
from domain.people import Person, Role
from domain.when import read_moment, read_span


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """When a request is to be worked on, as it was typed; None where nothing was said."""

    at: str | None = None
    later: str | None = None
    deadline: str | None = None
    expires: str | None = None


async def ask(settings: Settings, *, text: str, as_json: bool, user: str | None, when: When) -> int:
    """Hand a request in and see it through."""
    request = read_text("-") if text == "-" else text
    async with session(settings, user) as here:
        outcome = await _told(here, request, _timing(settings, when, here.here.clock.now()))
        if isinstance(outcome, Accepted):
            return await here.see_through(outcome.task_id, as_json=as_json)
        return said(outcome)


async def _told(here: Session, request: str, timing: Timing) -> Accepted | Reply:
    message = here.message(request)
    if timing == AT_ONCE:
        return await here.tell(message)
    person = Person(platform="console", user_id=here.user, role=Role.OWNER)
    return await here.intake.receive(message, person=person, timing=timing)


def _timing(settings: Settings, when: When, now: datetime) -> Timing:
    """Raises Refused for what is no time, or has passed."""
    zone = ZoneInfo(zone_of(settings.timezone))
    run_at = now + read_span(when.later) if when.later else None
    return Timing(
        run_at=read_moment(when.at, now, zone) if when.at else run_at,
        zone=zone.key if when.at or when.later else None,
        deadline_s=read_span(when.deadline).total_seconds() if when.deadline else None,
        expires_s=read_span(when.expires).total_seconds() if when.expires else None,
    )
