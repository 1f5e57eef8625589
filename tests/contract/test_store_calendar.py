"""Calendars of several processes on one database: every occurrence begins once, whoever comes first."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.access import Access, AccessSettings
from bot.intake import Intake, IntakeSettings
from bot.scheduling.calendar import Calendar, Outside
from domain.people import Role
from domain.ports import Store
from domain.recurrence import Every
from domain.schedule import Misfire, Overlap, Schedule, begun, occurrence_key
from tests.builders import ROUTE, SCOPE
from tests.contract.stores import Ground
from tests.fakes import START, CountingEntropy
from tests.unit.bot.fakes import FakeControlBus

PROCESSES, SCHEDULES, ROUNDS = 3, 4, 3


def schedule(name: str) -> Schedule:
    return begun(
        Schedule(
            id=name,
            scope=SCOPE,
            route=ROUTE,
            request="check",
            language="en",
            rule=Every(seconds=60, since=START),
            zone="UTC",
            created_at=START,
            misfire=Misfire.ALL,
            overlap=Overlap.ALLOW,
        ),
        START,
    )


def calendar(ground: Ground, store: Store, number: int) -> Calendar:
    entropy = CountingEntropy()
    for _ in range(1000 * number):  # no two processes draw the same ids
        entropy.bits(1)
    bus = FakeControlBus()
    intake = Intake(store, bus, ground.clock, entropy, IntakeSettings(tenant=SCOPE.tenant))  # type: ignore[arg-type] # a fake
    access = Access(store, ground.clock, entropy, AccessSettings(users={SCOPE.owner: Role.MEMBER}))
    return Calendar(Outside(store=store, bus=bus, clock=ground.clock), intake, access)  # type: ignore[arg-type] # a fake


async def test_each_occurrence_begins_once(shared: Ground) -> None:
    names = [f"AAAAA{number}" for number in range(SCHEDULES)]
    await shared.do(lambda unit: [unit.schedules.add(schedule(name)) for name in names])
    stores = [shared.store, *(shared.another() for _ in range(PROCESSES - 1))]
    crew = [calendar(shared, store, number) for number, store in enumerate(stores)]
    for _ in range(ROUNDS):
        await shared.clock.advance(120)
        async with asyncio.TaskGroup() as group:
            for one in crew:
                group.create_task(one.look())
    lines = await shared.do(lambda unit: unit.tasks.recent(None, 100))
    assert len(lines) == SCHEDULES * ROUNDS * 2
    for name in names:
        for minute in range(1, ROUNDS * 2 + 1):
            key = occurrence_key(schedule(name), START + timedelta(minutes=minute))
            route = (ROUTE.platform, ROUTE.bot_id, key)
            assert await shared.do(lambda unit, route=route: unit.inbox.known(*route))
