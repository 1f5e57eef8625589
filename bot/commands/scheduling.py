"""`/schedule`: what is to be done again and again, or later."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from bot.commands.means import Asker, Means, may_decide
from bot.intake import Timing
from bot.post import Action, Button, Verb
from bot.reply import Accepted, Reply
from bot.schedule_text import schedule_text, schedules_text
from bot.scheduling.book import Entry, May
from domain.errors import Refused
from domain.schedule import Schedule
from domain.texts import Language, language_for, say
from domain.when import read_wanted, read_zone, told_time

Do = Callable[[Asker, str], Awaitable[Accepted | Reply]]

VERBS: Mapping[str, str] = MappingProxyType(
    {
        "list": "list", "列表": "list", "查看": "list",
        "pause": "pause", "暂停": "pause",
        "resume": "resume", "恢复": "resume", "继续": "resume",
        "remove": "remove", "delete": "remove", "删除": "remove", "移除": "remove", "取消": "remove",
        "run": "run", "立即执行": "run", "执行": "run",
        "zone": "zone", "时区": "zone",
    }
)  # fmt: skip
"""What can be done beside making one, in both languages."""

BUTTONS = frozenset({"pause", "resume", "remove", "run"})

_VERB = re.compile(
    rf"(?P<verb>{'|'.join(sorted(VERBS, key=len, reverse=True))})(?:\s+|$)(?P<what>\S*)\s*", re.IGNORECASE
)


_OPTION = re.compile(r"\S+=\S+")


class Scheduling:
    """Makes schedules, shows them, and changes those that are theirs."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._book = means.book
        self._do: Mapping[str, Do] = {
            "list": self._list,
            "pause": self._pause,
            "resume": self._resume,
            "remove": self._remove,
            "run": self._run,
            "zone": self._zone,
        }

    async def schedule(self, asker: Asker, typed: str) -> Accepted | Reply:
        """`/schedule`, `/schedule every day at 9:00 text`, `/schedule pause id` … Raises Refused, NotFound."""
        match = _VERB.fullmatch(typed.strip()) if typed.strip() else None
        if match is not None:
            return await self._do[VERBS[match["verb"].lower()]](asker, match["what"])
        return await self._add(asker, typed) if typed.strip() else await self._list(asker, "")

    async def pressed(self, asker: Asker, schedule_id: str, verb: str) -> Accepted | Reply:
        """The buttons of a schedule; its message then says how it stands. Raises NotFound, Refused."""
        if verb not in BUTTONS:
            raise Refused("control.old_button")
        outcome = await self._do[verb](asker, schedule_id)
        return replace(outcome, edits=True) if isinstance(outcome, Reply) else outcome

    async def _add(self, asker: Asker, typed: str) -> Reply:
        if asker.message.uploads:
            raise Refused("schedule.with_files")
        now = self._means.clock.now()
        wanted = read_wanted(typed, now, self._book.zone_of(asker.person))
        schedule = await self._book.add(asker.message, wanted, asker.person)
        return _shown(schedule, now, _spoken(asker, typed), "schedule.added")

    async def _list(self, asker: Asker, _what: str) -> Reply:
        entries = await self._book.entries(asker.scope)
        is_chosen = asker.person.language is not None or not entries
        language = asker.language if is_chosen else entries[-1].schedule.language
        text = schedules_text(entries, self._means.clock.now(), language)
        return Reply(text=text, language=language, is_private=asker.message.is_group)

    async def _pause(self, asker: Asker, what: str) -> Reply:
        chosen = what or await self._only(asker, lambda schedule: schedule.is_on)
        schedule = await self._book.pause(chosen, _may(asker))
        return _shown(schedule, self._means.clock.now(), asker.language, "schedule.was_paused")

    async def _resume(self, asker: Asker, what: str) -> Reply:
        chosen = what or await self._only(asker, lambda schedule: schedule.paused_at is not None)
        schedule = await self._book.resume(chosen, _may(asker))
        return _shown(schedule, self._means.clock.now(), asker.language, "schedule.was_resumed")

    async def _remove(self, asker: Asker, what: str) -> Reply:
        chosen = what or await self._only(asker, lambda _schedule: True)
        schedule = await self._book.remove(chosen, _may(asker))
        return asker.reply("schedule.was_removed", schedule=schedule.id)

    async def _run(self, asker: Asker, what: str) -> Accepted | Reply:
        """Once more, now, as if its request had just been sent; its times stay as they are."""
        chosen = what or await self._only(asker, lambda _schedule: True)
        schedule = await self._book.named(chosen, _may(asker))
        timing = Timing(schedule_id=schedule.id, deadline_s=schedule.deadline_s, expires_s=schedule.expires_s)
        message = replace(asker.message, text=schedule.request)
        return await self._means.intake.receive(message, person=asker.person, timing=timing)

    async def _zone(self, asker: Asker, what: str) -> Reply:
        """The zone in which somebody's times are read from now on; without one, which it is."""
        if not what:
            return asker.reply("schedule.zone_is", zone=self._book.zone_of(asker.person).key, time=self._now_in(asker))
        zone = read_zone(what)
        await self._book.choose_zone(asker.person, zone)
        chosen = replace(asker, person=replace(asker.person, zone=zone.key))
        return asker.reply("schedule.zone_set", zone=zone.key, time=self._now_in(chosen))

    def _now_in(self, asker: Asker) -> str:
        return told_time(self._means.clock.now(), self._book.zone_of(asker.person), asker.language)

    async def _only(self, asker: Asker, fits: Callable[[Schedule], bool]) -> str:
        """The id of their only schedule that fits. Raises Refused when there is none, or several."""
        entries: list[Entry] = await self._book.entries(asker.scope)
        fitting = [entry.schedule.id for entry in entries if fits(entry.schedule)]
        if not fitting:
            raise Refused("schedule.none_fits")
        if len(fitting) > 1:
            raise Refused("schedule.which_one", schedules=", ".join(fitting))
        return fitting[0]


def _shown(schedule: Schedule, now: datetime, language: Language, head: str) -> Reply:
    verbs = ("resume" if schedule.paused_at else "pause", "remove", "run")
    buttons = tuple(
        Button(
            label=say(f"schedule.button_{verb}", language),
            action=Action(verb=Verb.SCHEDULE, subject=schedule.id, argument=verb),
        )
        for verb in verbs
    )
    return Reply(text=schedule_text(schedule, now, language, head), buttons=(buttons,), language=language)


def _may(asker: Asker) -> May:
    return lambda schedule: may_decide(asker, schedule)


def _spoken(asker: Asker, typed: str) -> Language:
    """The times are words of theirs, too; options are nobody's."""
    return language_for(_OPTION.sub("", typed), asker.message.locale, asker.person.language)
