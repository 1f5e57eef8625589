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

from app.answering import answer_with
from app.chats import chats, reception
from app.exits import first_of, tell, terminal_language
from app.parts import dispatcher_bus, skill_of, store_of, worker_bus
from app.planning import decomposer, plan_with
from app.wiring import House
from domain.errors import Misconfigured, Unavailable
from domain.ports import UnitOfWork

if TYPE_CHECKING:
    from agents.skill import Skill
    from agents.worker import Worker

log = structlog.get_logger()

ROLES = ("planner", "dispatcher", "aggregator", "bot", "agents")
WORKING = ("planner", "dispatcher", "aggregator", "agents")  # what a request needs to be answered
LATER = ("api",)
PLANNER_AGENT = "planner"  # lives with the planner's role, where the catalogue is
ALIVE_EVERY_S = 5.0
ALIVE_FOR = timedelta(seconds=15)
RESTART_S = 1.0
LOOK_EVERY_S = 0.02
CANCEL_AGAIN_S = 5.0

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


async def roles_missing(house: House, wanted: Sequence[str] = ROLES) -> tuple[str, ...]:
    """Which of the wanted roles nobody performs yet. The in-process broker is nobody else's: there all are missing."""
    if house.is_embedded:
        return tuple(wanted)
    since = house.clock.now() - ALIVE_FOR
    performed = await house.store.transact(lambda uow: uow.registry.roles_alive(since))
    workers = await house.store.transact(lambda uow: uow.registry.alive(since))
    alive = performed | {"agents" for worker in workers if worker.agent != PLANNER_AGENT}
    return tuple(role for role in wanted if role not in alive)


class Performance:
    """The roles this process performs; it can take on more while it runs."""

    def __init__(self, house: House, group: asyncio.TaskGroup) -> None:
        self.roles: tuple[str, ...] = ()
        self._house = house
        self._group = group
        self._workers: list[Worker] = []
        self._kept: list[asyncio.Task[None]] = []
        self._chats: list[asyncio.Task[None]] = []

    async def in_vain(self) -> None:
        """Return once nothing is left to do here but to be changed by the operator: a process of chat platforms, and
        none that can go on."""
        if set(self.roles) != {"bot"} or not self._chats:
            await asyncio.Event().wait()
        await asyncio.wait(self._chats)

    def take_on(self, roles: Collection[str]) -> None:
        """Begin to perform these roles."""
        for name, work in _control_plane(self._house, roles).items():
            self._keep(name, work)
        if "bot" in roles:
            self._chats = [self._keep(name, work) for name, work in chats(self._house).items()]
        if "agents" in roles:
            self.employ(_workers(self._house, self._house.settings.roster))
        if "planner" in roles and self._house.model is not None:
            self.employ([_decomposing(self._house)])
        if not self.roles and self._says_alive(roles):
            self._keep("liveness", self._say_alive)
        self.roles += tuple(roles)

    def employ(self, workers: Sequence[Worker]) -> None:
        """Begin to be these workers."""
        self._workers += workers
        for worker in workers:
            self._keep(f"agent {worker.agent}", worker.run)

    async def take_on_missing(self, wanted: Sequence[str]) -> None:
        """From now on perform whatever of it nobody performs. A killed process counts as performing for a while."""
        while True:
            await self._house.clock.sleep(ALIVE_EVERY_S)
            try:
                missing = await roles_missing(self._house, wanted)
            except Unavailable as error:
                log.warning("roles_unknown", error=str(error))
                continue
            if new := [role for role in missing if role not in self.roles]:
                log.info("taking_on", roles=new)
                self.take_on(new)

    async def end(self) -> None:
        """Let agents finish or hand back their work, then stop."""
        async with asyncio.TaskGroup() as draining:
            for worker in self._workers:
                draining.create_task(worker.drain())
        await _ended(self._kept)
        if self._says_alive(self.roles):
            await _say_goodbye(self._house, self._workers)

    def _says_alive(self, roles: Collection[str]) -> bool:
        """Workers have heartbeats of their own, and no database."""
        return any(role != "agents" for role in roles)

    def _keep(self, name: str, work: Work) -> asyncio.Task[None]:
        self._kept.append(self._group.create_task(_keep(name, work)))
        return self._kept[-1]

    async def _say_alive(self) -> None:
        while True:
            control = [role for role in self.roles if role != "agents"]
            await self._house.store.transact(partial(_note_roles, house=self._house, roles=control))
            await self._house.clock.sleep(ALIVE_EVERY_S)


@asynccontextmanager
async def performing(house: House, roles: Collection[str]) -> AsyncIterator[Performance]:
    """Perform these roles while the block runs."""
    async with asyncio.TaskGroup() as group:
        performance = Performance(house, group)
        performance.take_on(roles)
        try:
            yield performance
        finally:
            await performance.end()


async def work_as(house: House, agents: Sequence[str], concurrency: int | None, stopped: asyncio.Event) -> None:
    """Be workers of these agents until told to stop: all that an agent machine does."""
    roster = {name: house.settings.roster.get(name, (name,)) for name in agents}
    async with asyncio.TaskGroup() as group:
        performance = Performance(house, group)
        performance.employ(_workers(house, roster, concurrency))
        await stopped.wait()
        await performance.end()


def stop_signal() -> asyncio.Event:
    """An event that SIGTERM or Ctrl-C sets: stop in good order."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped


async def _ended(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel until all are over: whoever asks a process to stop must not depend on every library beneath passing a
    cancellation on."""
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=CANCEL_AGAIN_S)


async def _keep(name: str, work: Work) -> None:
    """Start `work` again whenever it fails: one role's trouble must not end the process, nor the other roles. What only
    the operator can change is said once, and the role rests."""
    is_over = False
    while not is_over:
        try:
            await work()
        except* Misconfigured as wrong:
            error = first_of(wrong)
            log.warning("role_stopped", role=name, error=str(error))
            tell(f"{name}: {error.say(terminal_language())}")
            is_over = True
        except* Unavailable as trouble:
            error = first_of(trouble)
            log.warning("role_waits", role=name, error=str(error), cause=repr(error.__cause__))
        except* Exception:  # the outermost edge of a role: log the bug, keep the promise to go on
            log.exception("role_failed", role=name)
        else:
            is_over = True
        if not is_over:
            await asyncio.sleep(RESTART_S)


def _note_roles(uow: UnitOfWork, house: House, roles: Sequence[str]) -> None:
    for role in roles:
        uow.registry.process_seen(role, house.process_id, house.clock.now())


async def _say_goodbye(house: House, workers: Sequence[Worker]) -> None:
    """Take what ended here out of the registry, so that the next process does not count on it."""
    try:
        await house.store.transact(partial(_note_gone, house=house, workers=workers))
    except Unavailable as error:
        log.warning("goodbye_unsaid", error=str(error))


def _note_gone(uow: UnitOfWork, house: House, workers: Sequence[Worker]) -> None:
    uow.registry.process_gone(house.process_id)
    for worker in workers:
        uow.registry.gone(worker.agent, worker.name)


def _workers(house: House, roster: Roster, concurrency: int | None = None) -> list[Worker]:
    """One worker per agent, each with the skills the roster gives it."""
    from agents.roster import build
    from agents.workspace import Workspace

    skills = build(roster, Workspace(house.checked_workspace()), house.model)
    return [_worker(house, agent, able, concurrency) for agent, able in skills.items()]


def _decomposing(house: House) -> Worker:
    """The planner as an agent, for goals that other agents or plans leave to it."""
    skill = decomposer(house)
    return _worker(house, PLANNER_AGENT, {skill.spec.name: skill})


def _worker(house: House, agent: str, skills: Mapping[str, Skill], concurrency: int | None = None) -> Worker:
    from agents.surroundings import Limits, Ports
    from agents.worker import Worker

    ports = Ports(bus=worker_bus(house), spool=house.spool, clock=house.clock, entropy=house.entropy)
    settings = house.settings
    limits = Limits(slots=concurrency or settings.worker_concurrency, grace_s=settings.drain_s)
    skills = {name: skill_of(house, skill) for name, skill in skills.items()}
    return Worker(agent, house.worker_name(agent), skills, ports, limits)


def _control_plane(house: House, roles: Collection[str]) -> dict[str, Work]:
    makers: dict[str, Callable[[House], Work]] = {
        "planner": _planner,
        "dispatcher": _dispatcher,
        "aggregator": _aggregator,
    }
    works = {role: make(house) for role, make in makers.items() if role in roles}
    beside = {"calendar": _calendar(house), **_upkeep(house)} if "dispatcher" in roles else {}  # where the timers are
    return works | beside


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
    outside = Outside(
        store=store_of(house, "dispatcher"), bus=dispatcher_bus(house), clock=house.clock, entropy=house.entropy
    )
    dispatcher = Dispatcher(outside, policy, house.configured)

    async def work() -> None:
        if house.running is not None:
            from app.blame import blame

            await blame(outside.store, house.entropy, house.clock.now(), house.running.take_died())
        await dispatcher.run()

    return work


def _upkeep(house: House) -> dict[str, Work]:
    from app.upkeep import upkeep

    return upkeep(house)


def _calendar(house: House) -> Work:
    from bot.scheduling.calendar import Calendar, Outside

    behind = reception(house)
    outside = Outside(store=house.store, bus=house.control_bus, clock=house.clock)
    return Calendar(outside, behind.intake, behind.access).run


def _planner(house: House) -> Work:
    from planner.claim import Outside
    from planner.role import PlannerRole, PlannerSettings

    settings = PlannerSettings(
        name=house.process_id,
        configured=house.configured,
        claim_s=house.settings.lease_s,
        sweep_s=house.settings.sweep_s,
        history_s=house.settings.conversation_s,
        model_wait_s=house.settings.model_wait_s,
    )
    outside = Outside(store=store_of(house, "planner"), bus=house.control_bus, clock=house.clock, entropy=house.entropy)
    return PlannerRole(outside, plan_with(house), settings).run


def _aggregator(house: House) -> Work:
    from aggregator.role import AggregatorRole, AggregatorSettings

    settings = AggregatorSettings(claim_s=house.settings.lease_s, sweep_s=house.settings.sweep_s)
    return AggregatorRole(
        store_of(house, "aggregator"), house.control_bus, answer_with(house), house.clock, settings
    ).run
