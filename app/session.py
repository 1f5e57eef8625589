"""A person at the command line: the roles nobody performs yet, a door to the bot, and a way to wait for answers."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.exits import answer, code_of, tell
from app.follow import Follower, following
from app.results import task_document
from app.roles import ALIVE_FOR, LOOK_EVERY_S, performing, plan_with, roles_missing
from app.wiring import House, house
from domain.agents import SILENCE, offers
from domain.card import Card, card_of
from domain.chat import ChatMessage
from domain.errors import BrokerDown, Refused, Unavailable
from domain.ports import UnitOfWork
from domain.skill import Catalogue
from domain.task import Scope, Task, TaskState
from domain.texts import Language, say

if TYPE_CHECKING:
    from app.settings import Settings
    from bot.commands import Commands, Preview
    from bot.intake import Intake, Reply
    from domain.plan import Plan

AGENTS_WAIT_S = 10.0
BROKER_WAIT_S = 3.0
CANCEL_WAIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Everything a command needs to hand work in and see it through."""

    here: House
    user: str
    intake: Intake
    commands: Commands
    follower: Follower

    def message(self, text: str) -> ChatMessage:
        """One line typed by this user in this session."""
        return ChatMessage(
            platform="console",
            bot_id=self.here.process_id,
            chat_id=self.user,
            user_id=self.user,
            update_key=f"{self.here.entropy.bits(128):032x}",
            text=text,
            received_at=self.here.clock.now(),
        )

    async def see_through(self, task_id: str, *, as_json: bool) -> int:
        """Wait for a task's answer, telling its progress; print it. Being interrupted cancels the task."""
        try:
            task = await self.follower.answered(task_id, _progress())
        except asyncio.CancelledError:
            await self._cancel(task_id)
            raise
        await self.here.store.transact(partial(_note_shown, task=task, at=self.here.clock.now()))
        answer(await self.document(task) if as_json else _text(task))
        return code_of(task.state)

    async def document(self, task: Task) -> str:
        """The task as JSON text."""
        attempts = await self.here.store.transact(lambda uow: uow.tasks.attempts(task.id))
        return json.dumps(task_document(task, attempts), ensure_ascii=False, indent=2)

    async def _cancel(self, task_id: str) -> None:
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(CANCEL_WAIT_S):
                await self.commands.receive(self.message(f"/cancel {task_id}"))


@asynccontextmanager
async def session(settings: Settings, user: str | None) -> AsyncIterator[Session]:
    """Open a session, performing what nobody else performs while it lasts."""
    async with house(settings) as here:
        missing = await roles_missing(here)
        async with (
            performing(here, missing) as performance,
            following(here.store, here.control_bus) as follower,
            asyncio.TaskGroup() as group,
        ):
            filling_in = group.create_task(performance.take_on_missing())
            if "agents" in missing:
                await agents_announced(here)
            try:
                yield make_session(here, user, follower)
            finally:
                filling_in.cancel()


def make_session(here: House, user: str | None, follower: Follower) -> Session:
    """Wire the bot for one user."""
    from bot.commands import Commands
    from bot.intake import Intake, IntakeSettings

    user = user or getpass.getuser()
    intake_settings = IntakeSettings(tenant=here.settings.tenant, deadline_s=here.settings.task_deadline_s)
    intake = Intake(here.store, here.control_bus, here.clock, here.entropy, intake_settings)
    commands = Commands(intake, here.store, here.control_bus, here.clock, preview(here, user))
    return Session(here=here, user=user, intake=intake, commands=commands, follower=follower)


def preview(here: House, user: str) -> Preview:
    """Plans a text without keeping anything."""
    from planner.prompt import PlanRequest

    scope = Scope(tenant=here.settings.tenant, owner=f"console:{user}")

    async def plan(text: str, language: Language) -> Plan:
        catalogue = await live_catalogue(here)
        return await plan_with(here)(scope, PlanRequest(text=text, language=language, catalogue=catalogue))

    return plan


async def agents_announced(here: House) -> None:
    """Wait until the agents started here are in the registry.

    Raises BrokerDown when there is no broker to say so, Unavailable when they never show up."""
    expected = set(here.settings.roster)
    begun_at = here.clock.now()
    while expected - await _announced(here):
        waited_s = (here.clock.now() - begun_at).total_seconds()
        if waited_s > BROKER_WAIT_S and here.control_bus.connection().since is None:
            raise BrokerDown("error.broker_down")
        if waited_s > AGENTS_WAIT_S:
            raise Unavailable("cli.agents_silent", seconds=int(AGENTS_WAIT_S))
        await here.clock.sleep(LOOK_EVERY_S)


async def _announced(here: House) -> set[str]:
    since = here.clock.now() - ALIVE_FOR
    workers = await here.store.transact(lambda uow: uow.registry.alive(since))
    return {worker.agent for worker in workers if worker.skills}


async def live_catalogue(here: House) -> Catalogue:
    """The skills that can be asked for now: announced and alive, or vouched for by configuration."""
    since = here.clock.now() - SILENCE
    workers = await here.store.transact(lambda uow: uow.registry.alive(since))
    return Catalogue.of(offers(workers, here.configured))


def read_text(source: str) -> str:
    """A file's text, stdin's for `-`. Raises Refused when it cannot be read as UTF-8 text."""
    try:
        raw = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        detail = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Refused("cli.file_unreadable", path=source, detail=detail) from error


def said(outcome: Reply) -> int:
    """Print a reply that is not a task. Returns the exit code."""
    from bot.platforms.seat import reply_text

    if outcome.is_refusal:
        tell(reply_text(outcome))
        return 2
    answer(reply_text(outcome))
    return 0


def _note_shown(uow: UnitOfWork, task: Task, at: datetime) -> None:
    uow.deliveries.shown(task.id, task.version, None)
    uow.deliveries.delivered(task.id, at)


def _progress() -> Callable[[Task], None]:
    """Tell what changed since the last state, a line each."""
    from bot.card_text import changes

    shown: list[Card] = []

    def show(task: Task) -> None:
        card = card_of(task, task.answered_at or task.settled_at or task.planned_at or task.created_at)
        for line in changes(shown[-1] if shown else None, card):
            tell(line)
        shown[:] = [card]
        if task.state is TaskState.WAITING:
            tell(say("cli.waits_for_approval", task.language, task=task.id))

    return show


def _text(task: Task) -> str:
    from domain.markdown import readable

    return readable(task.answer.text) if task.answer else ""
