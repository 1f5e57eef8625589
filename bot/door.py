"""The front door: everything that platforms receive comes in here, is taken once, and is answered once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, TypeVar

import structlog

from bot.hearing import USUAL, Gathering
from bot.platform import Press, Say
from bot.reply import Accepted, Reply
from domain.chat import ChatMessage
from domain.errors import StoreDown
from domain.messages import Nudge
from domain.people import Person
from domain.ports import Clock, ControlBus, Store, TaskLine, UnitOfWork
from domain.safe_text import safe_line
from domain.schedule import Schedule
from domain.task import Scope

log = structlog.get_logger()
T = TypeVar("T")

PAUSE_S = 1.0  # while the database is away
SUGGESTED, LABEL = 25, 60  # task ids (Discord shows no more), and characters that each is described with


class Gate(Protocol):
    """Says who somebody is, and whether they may come in here."""

    async def admit(self, message: ChatMessage) -> Person | Reply | None:
        """The person; or what to say instead; or None to say nothing at all."""
        ...

    async def admit_press(self, press: Press) -> Person | None:
        """Who pressed a button, if they may."""
        ...

    async def person(self, platform: str, user_id: str) -> Person:
        """Somebody by id; a stranger has no role."""
        ...


class Desk(Protocol):
    """Does what a message says."""

    async def is_slow(self, message: ChatMessage) -> bool:
        """Whether its reply takes long, and may be lost with the process."""
        ...

    async def receive(self, message: ChatMessage, person: Person) -> Accepted | Reply:
        """Raises StoreDown when nothing was kept."""
        ...


class Panel(Protocol):
    """Does what a button says."""

    async def pressed(self, press: Press, person: Person) -> Accepted | Reply:
        """Raises StoreDown when nothing was kept."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What stands around the door."""

    store: Store
    bus: ControlBus
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """Who is behind it."""

    gate: Gate
    desk: Desk
    panel: Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorSettings:
    """`tenant` owns what comes in. Replies are said in the background unless `says_inline`, as for somebody who sits
    and waits; then a database that is away is said, too, instead of waited for."""

    tenant: str = "local"
    gathering: Gathering = USUAL
    says_inline: bool = False


class FrontDoor:
    """`bot.platform.Door`, open while it is entered."""

    def __init__(self, outside: Outside, inside: Inside, settings: DoorSettings) -> None:
        self._outside = outside
        self._inside = inside
        self._settings = settings
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._group.__aexit__(kind, error, trace)

    async def take(self, message: ChatMessage, say: Say) -> Accepted | Reply | None:
        """A message of somebody: answered, refused or passed over; all of that once, however often it arrives."""
        admitted = await self._kept(lambda: self._inside.gate.admit(message))
        if not isinstance(admitted, Person):
            return await self._said_once(message, admitted, say) if admitted else None
        known = await self._known(message)
        if known is not None and not message.is_edit:
            return Accepted(task_id=known, is_new=False)
        if not self._settings.says_inline and await self._kept(lambda: self._inside.desk.is_slow(message)):
            self._group.create_task(self._answered_later(message, admitted, say))
            return Reply()  # follows
        outcome = await self._kept(lambda: self._inside.desk.receive(message, admitted))
        if isinstance(outcome, Accepted):
            self._wake_later(message, outcome)
            return outcome
        return await self._said_once(message, outcome, say)

    async def pressed(self, press: Press, say: Say) -> None:
        """A button: what it asks for is decided once by what it is about, so a second press is only answered. A
        stranger's is answered with nothing."""
        person = await self._kept(lambda: self._inside.gate.admit_press(press))
        outcome = await self._kept(lambda: self._inside.panel.pressed(press, person)) if person else None
        self._group.create_task(_said(say, outcome if isinstance(outcome, Reply) else Reply(is_notice=True)))

    async def suggest(self, platform: str, user_id: str, typed: str) -> list[tuple[str, str]]:
        """Ids of somebody's own tasks that begin with what was typed; a stranger has none."""
        person = await self._inside.gate.person(platform, user_id)
        if person.role is None:
            return []
        scope = Scope(tenant=self._settings.tenant, owner=f"{platform}:{user_id}")
        recent = await self._outside.store.transact(lambda uow: uow.tasks.recent(scope, 100))
        wanted = typed.strip().lstrip("#").upper()
        return [(line.id, _described(line)) for line in recent if line.id.startswith(wanted)][:SUGGESTED]

    async def suggest_schedules(self, platform: str, user_id: str, typed: str) -> list[tuple[str, str]]:
        """What can be done with somebody's own schedules, beginning with what was typed; a stranger has none."""
        person = await self._inside.gate.person(platform, user_id)
        if person.role is None:
            return []
        scope = Scope(tenant=self._settings.tenant, owner=f"{platform}:{user_id}")
        theirs = await self._outside.store.transact(lambda uow: uow.schedules.of(scope))
        offered = [(f"{verb} {one.id}", safe_line(one.request, LABEL)) for one in theirs for verb in _verbs(one)]
        return [offer for offer in offered if offer[0].lower().startswith(typed.strip().lower())][:SUGGESTED]

    # --- once -----------------------------------------------------------------------------------------------------

    async def _known(self, message: ChatMessage) -> str | None:
        key = message.platform, message.bot_id, message.update_key
        return await self._kept(lambda: self._outside.store.transact(lambda uow: uow.inbox.known(*key)))

    async def _said_once(self, message: ChatMessage, reply: Reply, say: Say) -> Reply | None:
        """Say a reply, unless this update had its reply before. It is noted first: one that is lost with the process
        can be asked for again, one that comes twice is a nuisance."""
        if not _has_something(reply):
            return None
        if self._settings.says_inline:
            await say(reply)
            return reply
        if not message.is_edit:
            earlier = await self._kept(lambda: self._outside.store.transact(lambda uow: _claimed(uow, message)))
            if earlier == "":  # a task's id would be what this very message has just done to one
                return None
        self._group.create_task(_said(say, reply))
        return reply

    async def _answered_later(self, message: ChatMessage, person: Person, say: Say) -> None:
        outcome = await self._kept(lambda: self._inside.desk.receive(message, person))
        if isinstance(outcome, Reply):
            await self._said_once(message, outcome, say)

    # --- later ----------------------------------------------------------------------------------------------------

    def _wake_later(self, message: ChatMessage, accepted: Accepted) -> None:
        """What is still gathered is planned when nothing more comes; a lost nudge costs a sweep."""
        if message.gathers and not self._settings.says_inline:
            self._group.create_task(self._wake(accepted.task_id))

    async def _wake(self, task_id: str) -> None:
        await self._outside.clock.sleep(self._settings.gathering.quiet_s)
        await self._outside.bus.nudge([Nudge(kind="received", task_id=task_id)])

    async def _kept(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do it, however long the database is away: what is not committed was not taken."""
        while True:
            try:
                return await work()
            except StoreDown as error:
                if self._settings.says_inline:
                    raise
                log.warning("door_waits_for_store", error=str(error), cause=repr(error.__cause__))
                await self._outside.clock.sleep(PAUSE_S)


async def _said(say: Say, reply: Reply) -> None:
    try:
        await say(reply)
    except Exception:  # the outermost edge of one reply: it must not close the door for everybody
        log.exception("reply_not_said")


def _claimed(uow: UnitOfWork, message: ChatMessage) -> str | None:
    return uow.inbox.claim(message.platform, message.bot_id, message.update_key, "")


def _has_something(reply: Reply) -> bool:
    return bool(reply.text or reply.card or reply.answer or reply.buttons)


def _verbs(schedule: Schedule) -> tuple[str, ...]:
    if schedule.ended_at is not None:
        return ("remove", "run")
    return ("resume" if schedule.paused_at else "pause", "remove", "run")


def _described(line: TaskLine) -> str:
    return safe_line(line.request, LABEL)
