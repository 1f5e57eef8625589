"""What each kind of process consists of: the real roles, wired to a world that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from agents.spool import Spool
from agents.surroundings import Limits, Ports
from agents.worker import Worker
from aggregator.role import AggregatorRole, AggregatorSettings
from bot.delivery import Bot, DeliveryLoop, DeliverySettings
from bot.delivery import Outside as DeliveryOutside
from bot.governor import Governor
from bot.intake import Intake, IntakeSettings
from bot.leading import Leadership
from dispatcher.policy import Policy
from dispatcher.role import Dispatcher
from dispatcher.role import Outside as DispatcherOutside
from domain.errors import StoreDown, Unavailable
from domain.ports import Clock
from domain.skill import SkillSpec
from messaging.bus import TransportAgentBus, TransportControlBus
from planner.claim import Outside as PlannerOutside
from planner.role import PlannerRole, PlannerSettings
from tests.chaos.chats.server import Server
from tests.chaos.simulation import chat
from tests.chaos.simulation.agents import Outside, Played, listener
from tests.chaos.simulation.broker import Broker, Line
from tests.chaos.simulation.chance import Chance
from tests.chaos.simulation.chat import Window
from tests.chaos.simulation.database import Gate, WatchedDatabase
from tests.chaos.simulation.life import Life
from tests.chaos.simulation.people import Updates
from tests.chaos.simulation.planning import Mind
from tests.chaos.simulation.scripts import Script

POLICY = Policy(dispatch_ttl_s=20.0, lease_s=30.0, grace_s=10.0, sweep_s=10.0, republish_s=5.0)
LIMITS = Limits(slots=2, prefetch=4, beat_s=8.0, hello_s=60.0, grace_s=5.0, farewell_s=2.0)
DELIVERY = DeliverySettings(sweep_s=10.0, private_refresh_s=60.0)
NEW, OLD = "new", "old"
CONFIGURED = ((OLD, SkillSpec(name="plain", description="plain", open_params=True)),)


@dataclass
class Surroundings:
    """What all processes share."""

    chance: Chance
    clock: Clock
    broker: Broker
    database: WatchedDatabase
    outside: Outside
    updates: Updates
    server: Server
    scripts: dict[str, Script]
    deadline_s: float
    is_shown: bool  # whether somebody reads along


async def control(around: Surroundings, life: Life) -> None:
    """Dispatcher, planner and aggregator in one process, as `xingshu serve` has them."""
    store = Gate(around.database, life, around.clock)
    line = Line(around.broker, life, around.clock)
    bus = TransportControlBus(line)
    name = f"{life.name} since {around.clock.now():%M:%S.%f}"  # one that comes back is somebody else
    mind = Mind(name, life, around.outside, around.scripts)
    outside = DispatcherOutside(store=store, bus=bus, clock=around.clock, entropy=around.chance)
    planners = PlannerOutside(store=store, bus=bus, clock=around.clock, entropy=around.chance)
    planning = PlannerSettings(name=name, configured=CONFIGURED, claim_s=8.0)  # runs out between two sweeps
    answering = AggregatorSettings(claim_s=20.0)
    roles = (
        Dispatcher(outside, POLICY, CONFIGURED),
        PlannerRole(planners, mind.plans, planning),
        AggregatorRole(store, bus, mind.answers, around.clock, answering),
    )
    async with asyncio.TaskGroup() as group:
        for role in roles:
            group.create_task(kept(role.run, around.clock))


async def bot(around: Surroundings, life: Life) -> None:
    """Takes in what people say and shows what becomes of it, while it is the one that may."""
    store = Gate(around.database, life, around.clock)
    bus = TransportControlBus(Line(around.broker, life, around.clock))
    outside = DeliveryOutside(store=store, bus=bus, clock=around.clock, entropy=around.chance)
    platform = Window(around.server, life, chat.traits_of(around.server))

    async def served() -> None:
        governor = Governor(platform.traits.pace, around.clock)
        writing = Bot(platform=platform, governor=governor, find=chat.no_files)
        async with asyncio.TaskGroup() as group:
            group.create_task(_taken_in(around, outside, life))
            if around.is_shown:
                group.create_task(DeliveryLoop(outside, writing, DELIVERY).run())

    holder = f"{life.name} {around.chance.bits(32)}"
    leadership = Leadership(store, around.clock, f"{platform.name}:{platform.bot_id}", holder, lease_s=20.0)
    await kept(lambda: leadership.while_leading(served), around.clock)


async def _taken_in(around: Surroundings, outside: DeliveryOutside, life: Life) -> None:
    """What people say; only what was committed is acknowledged."""
    settings = IntakeSettings(tenant="main", deadline_s=around.deadline_s)
    intake = Intake(outside.store, outside.bus, around.clock, around.chance, settings)
    while True:
        message = await around.updates.next()
        await life.point()
        try:
            await intake.hear(message)
        except StoreDown:
            await around.clock.sleep(1.0)
        else:
            await life.point()
            around.updates.acknowledged(message)


async def worker(around: Surroundings, spool: Spool, life: Life) -> None:
    """One worker of ours."""
    bus = TransportAgentBus(Line(around.broker, life, around.clock))
    kinds = ("short", "long", "external", "poison", "deadly")
    skills = {kind: Played(kind, life, around.outside) for kind in kinds}
    ports = Ports(bus=bus, spool=spool, clock=around.clock, entropy=around.chance)
    ours = Worker(NEW, life.name, skills, ports, LIMITS)
    life.leaves = ours.drain
    await kept(ours.run, around.clock)


async def foreign(around: Surroundings, life: Life) -> None:
    """A worker of somebody else's, who has read the wire's page once."""
    bus = TransportAgentBus(Line(around.broker, life, around.clock))
    await kept(lambda: listener(OLD, bus, life), around.clock)


async def kept(work: Callable[[], Awaitable[Any]], clock: Clock) -> None:
    """As `app.roles` keeps a role going while something outside is down. Any other failure is a bug."""
    is_over = False
    while not is_over:
        try:
            await work()
        except* Unavailable:
            await clock.sleep(1.0)
        else:
            is_over = True
