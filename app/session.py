"""A person at the command line: the roles nobody performs yet, a door to the bot, and a way to wait for answers."""

from __future__ import annotations

import asyncio
import getpass
import io
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.chats import reception
from app.exits import FAILED, answer, code_of, tell
from app.follow import Follower, following
from app.results import task_document
from app.roles import ALIVE_FOR, LOOK_EVERY_S, WORKING, performing, roles_missing
from app.wiring import House, house
from domain.card import Card, card_of
from domain.chat import ChatMessage
from domain.errors import BrokerDown, Refused, Unavailable
from domain.people import Person, Role
from domain.ports import Clock, UnitOfWork
from domain.task import Task, TaskState
from domain.texts import say

if TYPE_CHECKING:
    from app.settings import Settings
    from bot.commands import Commands
    from bot.intake import Intake
    from bot.reply import Accepted, Reply

AGENTS_WAIT_S = 10.0
BROKER_WAIT_S = 3.0
CANCEL_WAIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Everything a command needs to hand work in and see it through. `typed` are the lines of whoever sits at the
    terminal, None when nobody does."""

    here: House
    user: str
    intake: Intake
    commands: Commands
    follower: Follower
    typed: AsyncIterator[bytes] | None = None

    async def tell(self, message: ChatMessage) -> Accepted | Reply:
        """Do what a message says. Whoever has a terminal here may do everything."""
        return await self.commands.receive(message, Person(platform="console", user_id=self.user, role=Role.OWNER))

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
        """Wait for a task's answer, telling its progress; print it. Being interrupted cancels the task.

        A question is put to the person at the terminal. Where nobody can answer it, it is the outcome.
        """
        try:
            task = await self._answered(task_id)
        except asyncio.CancelledError:
            await self._cancel(task_id)
            raise
        await self.here.store.transact(partial(_note_shown, task=task, at=self.here.clock.now()))
        answer(await self.document(task) if as_json else _text(task))
        if task.question is None:
            return code_of(task.state)
        tell(say("cli.unanswered", task.language, task=task.id))
        return FAILED

    async def _answered(self, task_id: str) -> Task:
        """The task once it is over; with its question when nobody could answer that."""
        progress = _progress(self.here.clock)
        while True:
            task = await self.follower.reached(task_id, _asks, progress)
            if task.question is None:
                return task
            if not await self._replied(task):
                return replace(await self._given_up(task), question=task.question)

    async def _replied(self, task: Task) -> bool:
        """Put a task's question to whoever sits here. False when nobody answers."""
        from bot.card_text import question_of
        from bot.platforms.seat import reply_text
        from bot.reply import Reply

        if self.typed is None:
            return False
        tell("\n".join(question_of(card_of(task, self.here.clock.now()))))
        line = await self._line_for(task, self.typed)
        if line and isinstance(outcome := await self.tell(self._of_owner(task, line)), Reply):
            tell(reply_text(outcome))
        return line is not None

    async def _line_for(self, task: Task, typed: AsyncIterator[bytes]) -> str | None:
        """What is typed next; empty when the task's question is settled elsewhere first, None when no more comes."""
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(_next(typed))
            moving = group.create_task(self.follower.reached(task.id, lambda now: now.question is None))
            await asyncio.wait({reading, moving}, return_when=asyncio.FIRST_COMPLETED)
            moving.cancel()
            has_moved = reading.cancel()
        return "" if has_moved else reading.result()

    async def _given_up(self, task: Task) -> Task:
        """Cancel a task whose question nobody can answer."""
        await self.tell(self._of_owner(task, f"/cancel {task.id}"))
        with suppress(TimeoutError):
            async with asyncio.timeout(CANCEL_WAIT_S):
                return await self.follower.answered(task.id)
        return task

    def _of_owner(self, task: Task, text: str) -> ChatMessage:
        """A line as the task's owner would have typed it in its own chat."""
        platform, _, user_id = task.scope.owner.partition(":")
        route = task.route
        message = self.message(text)
        return replace(message, platform=platform, user_id=user_id, bot_id=route.bot_id, chat_id=route.chat_id)

    async def document(self, task: Task) -> str:
        """The task as JSON text."""
        attempts = await self.here.store.transact(lambda uow: uow.tasks.attempts(task.id))
        return json.dumps(task_document(task, attempts), ensure_ascii=False, indent=2)

    async def _cancel(self, task_id: str) -> None:
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(CANCEL_WAIT_S):
                await self.tell(self.message(f"/cancel {task_id}"))


@asynccontextmanager
async def session(settings: Settings, user: str | None, wanted: Sequence[str] = WORKING) -> AsyncIterator[Session]:
    """Open a session, performing those of the wanted roles that nobody else performs while it lasts."""
    async with house(settings) as here:
        missing = await roles_missing(here, wanted)
        async with (
            performing(here, missing) as performance,
            following(here.store, here.control_bus) as follower,
            asyncio.TaskGroup() as group,
        ):
            filling_in = group.create_task(performance.take_on_missing(wanted))
            if "agents" in missing:
                await agents_announced(here)
            try:
                yield make_session(here, user, follower)
            finally:
                filling_in.cancel()


def make_session(here: House, user: str | None, follower: Follower) -> Session:
    """Wire the bot for one user."""
    from bot.platforms.piped import read_lines

    user = user or getpass.getuser()
    # Not sys.stdin: its lock would still be held by a read that nothing ended when the interpreter wants to close it.
    typed = read_lines(io.FileIO(sys.stdin.fileno(), closefd=False)) if sys.stdin.isatty() else None
    behind = reception(here)
    return Session(here=here, user=user, intake=behind.intake, commands=behind.commands, follower=follower, typed=typed)


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


def read_text(source: str) -> str:
    """A file's text, stdin's for `-`. Raises Refused when it cannot be read as UTF-8 text."""
    try:
        return read_bytes(source).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("cli.file_unreadable", path=source, detail="not UTF-8") from error


def read_bytes(source: str) -> bytes:
    """What is in a file, on stdin for `-`. Raises Refused when it cannot be read."""
    try:
        return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise Refused("cli.file_unreadable", path=source, detail=error.strerror) from error


def said(outcome: Reply) -> int:
    """Print a reply that is not a task. Returns the exit code."""
    from bot.platforms.seat import reply_text

    if outcome.is_refusal:
        tell(reply_text(outcome))
        return 2
    answer(reply_text(outcome))
    return 0


async def _next(typed: AsyncIterator[bytes]) -> str | None:
    line = await anext(typed, None)
    return None if line is None else line.decode(errors="replace").strip()


def _asks(task: Task) -> bool:
    return task.question is not None


def _note_shown(uow: UnitOfWork, task: Task, at: datetime) -> None:
    uow.deliveries.shown(task.id, task.version, None)
    uow.deliveries.delivered(task.id, at)


def _progress(clock: Clock) -> Callable[[Task], None]:
    """Tell what changed since the last state, a line each."""
    from bot.card_text import changes

    shown: list[Card] = []

    def show(task: Task) -> None:
        since = clock.now() if task.model_away else task.created_at
        card = card_of(task, task.answered_at or task.settled_at or task.planned_at or since)
        for line in changes(shown[-1] if shown else None, card):
            tell(line)
        shown[:] = [card]
        if task.state is TaskState.WAITING and task.question is None:
            tell(say("cli.waits_for_approval", task.language, task=task.id))

    return show


def _text(task: Task) -> str:
    """The outcome: the answer, or the question nobody could answer."""
    from domain.markdown import readable
    from domain.safe_text import safe

    if task.question is not None:
        return safe(task.question)
    return readable(task.answer.text) if task.answer else ""
