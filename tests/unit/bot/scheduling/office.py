"""A book of schedules and calendars that follow it, with a clock that only moves when told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.access import Access, AccessSettings
from bot.intake import Intake, IntakeSettings
from bot.limits import Limits
from bot.scheduling.calendar import Calendar, Outside
from domain.people import Role
from domain.schedule import Schedule
from domain.task import Task
from domain.when import read_wanted
from tests.fakes import FakeClock
from tests.unit.bot.desk import all_tasks
from tests.unit.bot.fakes import Stage, person, stage

ANN = AccessSettings(users={"fake:ann": Role.MEMBER, "fake:bob": Role.MEMBER})


@dataclass
class Office:
    """A bot with calendars; each is a process of its own."""

    on: Stage
    clock: FakeClock
    settings: AccessSettings = ANN
    limits: Limits = field(default_factory=lambda: Limits(per_minute=0, open_tasks=0))

    def calendar(self) -> Calendar:
        outside = Outside(store=self.on.store, bus=self.on.bus, clock=self.clock)  # type: ignore[arg-type] # a fake
        taking = IntakeSettings(check=self.limits.check)
        intake = Intake(self.on.store, self.on.bus, self.clock, self.on.entropy, taking)  # type: ignore[arg-type] # a fake
        return Calendar(outside, intake, Access(self.on.store, self.clock, self.on.entropy, self.settings))

    async def add(self, text: str, zone: str = "UTC", **changes: Any) -> Schedule:
        """A schedule of ann's as she would have typed it."""
        wanted = read_wanted(text, self.clock.now(), ZoneInfo(zone))
        message = replace(self.on.message(text), **changes)
        return await self.on.means.book.add(message, wanted, person())

    async def schedule(self, schedule_id: str) -> Schedule:
        found = await self.on.store.transact(lambda uow: uow.schedules.find(schedule_id))
        assert found is not None
        return found

    async def pass_time(self, seconds: float, calendar: Calendar, step_s: float = 1800.0) -> None:
        """Let time pass, with a look at every step."""
        passed = 0.0
        while passed < seconds:
            await self.clock.advance(min(step_s, seconds - passed))
            passed += step_s
            await calendar.look()

    async def tasks(self) -> list[Task]:
        """What was handed in, oldest first."""
        return sorted(await all_tasks(self.on), key=lambda task: (task.created_at, task.id))

    async def keys(self, schedule: Schedule) -> list[str]:
        """Which of these times of a schedule were taken."""
        times = [task.created_at for task in await self.tasks() if task.schedule_id == schedule.id]
        return [at.astimezone(schedule.tz).isoformat() for at in times]


@asynccontextmanager
async def office(now: datetime, **changes: Any) -> AsyncIterator[Office]:
    clock = FakeClock(now)
    async with stage(clock=clock) as on:
        yield Office(on=on, clock=clock, **changes)
