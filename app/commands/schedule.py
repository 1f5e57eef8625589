"""`schedule`: what is to be done again and again, or later."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from app.chats import reception
from app.exits import ANSWERED, answer, terminal_language
from app.settings import Settings
from app.wiring import House, house
from bot.schedule_text import schedule_text, schedules_text
from bot.scheduling.book import May, ScheduleBook
from domain.chat import ChatMessage
from domain.schedule import Schedule, coming
from domain.task import Scope
from domain.texts import say
from domain.when import read_wanted, read_zone

TOLD = 3  # times that JSON names


async def add(settings: Settings, *, text: str, zone: str | None, user: str | None, as_json: bool) -> int:
    """Keep a schedule of somebody at this machine; its answers wait for their terminal chat."""
    name = user or getpass.getuser()
    async with house(settings) as here:
        book, now = reception(here).book, here.clock.now()
        person = await reception(here).access.person("console", name)
        wanted = read_wanted(text, now, read_zone(zone) if zone else book.zone_of(person))
        schedule = await book.add(_message(here, name, text), wanted, person)
    told = schedule_text(schedule, now, terminal_language())
    answer(json.dumps(document(schedule, now), ensure_ascii=False, indent=2) if as_json else told)
    return ANSWERED


async def listed(settings: Settings, *, user: str | None, as_json: bool) -> int:
    """List a user's schedules, or everybody's."""
    async with house(settings) as here:
        entries = await reception(here).book.entries(_scope(here, user) if user else None)
        now = here.clock.now()
    if as_json:
        rows = [document(entry.schedule, now) | {"last_state": entry.last_state} for entry in entries]
        answer(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        answer(schedules_text(entries, now, terminal_language()))
    return ANSWERED


async def change(settings: Settings, *, verb: str, schedule: str, user: str | None, as_json: bool) -> int:
    """Pause, resume or remove one: a user's, or anybody's."""
    async with house(settings) as here:
        changed = await _changed(reception(here).book, verb, schedule, _may(here, user))
        now = here.clock.now()
    if as_json:
        answer(json.dumps(document(changed, now) | {"is_removed": verb == "remove"}, ensure_ascii=False, indent=2))
    elif verb == "remove":
        answer(say("schedule.was_removed", terminal_language(), schedule=changed.id))
    else:
        head = {"pause": "schedule.was_paused", "resume": "schedule.was_resumed"}[verb]
        answer(schedule_text(changed, now, terminal_language(), head))
    return ANSWERED


def document(schedule: Schedule, now: datetime) -> dict[str, Any]:
    """A schedule for programs. Times are ISO 8601; those of occurrences are in its own zone."""
    return {
        "schedule_id": schedule.id,
        "owner": schedule.scope.owner,
        "request": schedule.request,
        "rule": {name: _plain(value) for name, value in asdict(schedule.rule).items()},
        "zone": schedule.zone,
        "late": schedule.misfire.value,
        "busy": schedule.overlap.value,
        "grace_s": schedule.grace_s,
        "deadline_s": schedule.deadline_s,
        "expires_s": schedule.expires_s,
        "left": schedule.left,
        "until": _plain(schedule.until),
        "is_paused": schedule.paused_at is not None,
        "is_over": schedule.ended_at is not None,
        "next": [at.astimezone(schedule.tz).isoformat() for at in coming(schedule, now, TOLD)],
        "last_task": schedule.last_task,
        "last_at": _plain(schedule.last_at),
        "skipped_at": _plain(schedule.skipped_at),
        "skipped": schedule.skipped and schedule.skipped.value,
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


async def _changed(book: ScheduleBook, verb: str, schedule: str, may: May) -> Schedule:
    match verb:
        case "pause":
            return await book.pause(schedule, may)
        case "resume":
            return await book.resume(schedule, may)
        case _:
            return await book.remove(schedule, may)


def _message(here: House, user: str, text: str) -> ChatMessage:
    return ChatMessage(
        platform="console",
        bot_id=here.process_id,
        chat_id=user,
        user_id=user,
        update_key=f"{here.entropy.bits(128):032x}",
        text=text,
        received_at=here.clock.now(),
    )


def _may(here: House, user: str | None) -> May:
    if user is None:
        return lambda schedule: schedule.scope.tenant == here.settings.tenant
    return lambda schedule: schedule.scope == _scope(here, user)


def _scope(here: House, user: str) -> Scope:
    """A user of the console, or `platform:id`."""
    return Scope(tenant=here.settings.tenant, owner=user if ":" in user else f"console:{user}")
