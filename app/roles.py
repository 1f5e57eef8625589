"""Which roles a process performs, and how they are kept going until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from app.wiring import House
from domain.errors import Misconfigured, Unavailable
from domain.ports import UnitOfWork

if TYPE_CHECKING:
    from agents.worker import Worker
    from domain.answer import Answer
    from domain.plan import Plan
    from domain.task import Scope, Task
    from planner.prompt import PlanRequest

log = structlog.get_logger()

ROLES = ("planner", "dispatcher", "aggregator", "bot", "agents")
LATER = ("api",)
ALIVE_EVERY_S = 5.0
ALIVE_FOR = timedelta(seconds=15)
RESTART_S = 1.0
LOOK_EVERY_S = 0.02

Work = Callable[[], Awaitable[Any]]
Roster = Mapping[str, tuple[str, ...]]


def read_roles(names: Sequence[str]) -> tuple[str, ...]:
    """Roles as typed, comma lists allowed; all of them when none are named. Raises Misconfigured."""
    wanted = tuple(dict.fromkeys(part.strip() for name in names for part in name.split(",") if part.strip()))
    for name in wanted:
        if name in LATER:
            raise Misconfigured("cli.role_later", role=name)
        if name not in ROLES:
            raise Misconfigured("cli.role_unknown", role=name, roles=", ".join(ROLES))
    return wanted or ROLES


def check_roles(house: House, roles: Collection[str]) -> None:
    """Raises Misconfigured when these roles alone could never meet the others."""
    if house.is_embedded and not set(ROLES) <= {*roles, "bot"}:
        raise Misconfigured("cli.needs_broker")


async def roles_missing(house: House) -> tuple[str, ...]:
    """Roles nobody performs yet. The in-process broker is nobody else's, so with it all are missing."""
    if house.is_embedded:
        return ROLES
    since = house.clock.now() - ALIVE_FOR
    performed = await house.store.transact(lambda uow: uow.registry.roles_alive(since))
    workers = await house.store.transact(lambda uow: uow.registry.alive(since))
    alive = performed | ({"agents"} if workers else set())
    return tuple(role for role in ROLES if role not in alive)


@asynccontextmanager
async def performing(house: House, roles: Collection[str]) -> AsyncIterator[None]:
    """Perform these roles while the block runs; agents finish or hand back their work on the way out."""
    workers = _workers(house, house.settings.roster) if "agents" in roles else []
    async with asyncio.TaskGroup() as group:
        kept = [group.create_task(_keep(name, work)) for name, work in _control_plane(house, roles).items()]
        kept += [group.create_task(_keep(f"agent {worker.agent}", worker.run)) for worker in workers]
        control = [role for role in roles if role != "agents"]
        if control:
            kept.append(group.create_task(_keep("liveness", partial(_say_alive, house, control))))
        try:
            yield
        finally:
            for worker in workers:
                await worker.drain()
            for task in kept:
                task.cancel()
            if control:
                await _say_goodbye(house)


async def work_as(house: House, agents: Sequence[str], concurrency: int | None, stopped: asyncio.Event) -> None:
    """Be workers of these agents until told to stop: all that an agent machine does."""
    roster = {name: house.settings.roster.get(name, (name,)) for name in agents}
    workers = _workers(house, roster, concurrency)
    async with asyncio.TaskGroup() as group:
        kept = [group.create_task(_keep(f"agent {worker.agent}", worker.run)) for worker in workers]
        await stopped.wait()
        for worker in workers:
            await worker.drain()
        for task in kept:
            task.cancel()


def stop_signal() -> asyncio.Event:
    """An event that SIGTERM or Ctrl-C sets: stop in good order."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped


async def _keep(name: str, work: Work) -> None:
    """Start `work` again whenever it fails: one role's trouble must not end the process, nor the other roles."""
    while True:
        try:
            await work()
        except Unavailable as error:
            log.warning("role_waits", role=name, error=str(error), cause=repr(error.__cause__))
        except Exception:
            log.exception("role_failed", role=name)
        else:
            return
        await asyncio.sleep(RESTART_S)


async def _say_alive(house: House, roles: Sequence[str]) -> None:
    while True:
        await house.store.transact(partial(_note_roles, house=house, roles=roles))
        await house.clock.sleep(ALIVE_EVERY_S)


def _note_roles(uow: UnitOfWork, house: House, roles: Sequence[str]) -> None:
    for role in roles:
        uow.registry.process_seen(role, house.process_id, house.clock.now())


async def _say_goodbye(house: House) -> None:
    try:
        await house.store.transact(lambda uow: uow.registry.process_gone(house.process_id))
    except Unavailable as error:
        log.warning("goodbye_unsaid", error=str(error))


def _workers(house: House, roster: Roster, concurrency: int | None = None) -> list[Worker]:
    """One worker per agent, each with the skills the roster gives it."""
    from agents.roster import build
    from agents.surroundings import Limits, Ports
    from agents.worker import Worker, worker_name
    from agents.workspace import Workspace

    ports = Ports(bus=house.agent_bus, spool=house.spool, clock=house.clock, entropy=house.entropy)
    limits = Limits(slots=concurrency or house.settings.worker_concurrency)
    skills = build(roster, Workspace(house.checked_workspace()), house.model)
    # The process in its name, so that two workers of one agent on one machine never share a lease or a queue.
    return [
        Worker(agent, worker_name(house.process_id, agent, 1), able, ports, limits) for agent, able in skills.items()
    ]


def _control_plane(house: House, roles: Collection[str]) -> dict[str, Work]:
    makers: dict[str, Callable[[House], Work]] = {
        "planner": _planner,
        "dispatcher": _dispatcher,
        "aggregator": _aggregator,
    }
    return {role: make(house) for role, make in makers.items() if role in roles}


def _dispatcher(house: House) -> Work:
    from dispatcher.policy import Policy
    from dispatcher.role import Dispatcher, Outside
    from domain.release import Window

    settings = house.settings
    policy = Policy(
        window=Window(per_task=settings.task_window, total=settings.total_window),
        dispatch_ttl_s=settings.dispatch_ttl_s,
        lease_s=settings.lease_s,
        sweep_s=settings.sweep_s,
    )
    outside = Outside(store=house.store, bus=house.control_bus, clock=house.clock, entropy=house.entropy)
    return Dispatcher(outside, policy, house.configured).run


def _planner(house: House) -> Work:
    from planner.role import PlannerRole, PlannerSettings

    settings = PlannerSettings(configured=house.configured, sweep_s=house.settings.sweep_s)
    return PlannerRole(house.store, house.control_bus, plan_with(house), house.clock, settings).run


def plan_with(house: House) -> Callable[[Scope, PlanRequest], Awaitable[Plan]]:
    """Plans one request of one owner, its model's replies kept for that owner only."""
    from planner.planner import Planner

    async def plan(scope: Scope, request: PlanRequest) -> Plan:
        model = house.model_cache.of(scope) if house.model_cache else None
        return await Planner(model, house.limits).plan(request)

    return plan


def _aggregator(house: House) -> Work:
    from aggregator.model_answer import ModelAnswer
    from aggregator.role import AggregatorRole, AggregatorSettings
    from aggregator.summary import summarise

    async def by_rules(task: Task) -> Answer:
        return summarise(task)

    cache = house.model_cache
    answer_with = ModelAnswer(cache.complete) if cache else by_rules
    settings = AggregatorSettings(sweep_s=house.settings.sweep_s)
    return AggregatorRole(house.store, house.control_bus, answer_with, house.clock, settings).run
