"""The door of the chat: every message comes in here. Plain text is /ask."""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import NoReturn

from bot.aftermath import tell
from bot.cost_text import LATELY, cost_text, estimate_text
from bot.intake import Accepted, Intake, Reply
from bot.lists import agents_text, approvals_text, help_text, plan_text, tasks_text
from bot.request_text import request_text
from bot.retry import carried
from domain import events as e
from domain.agents import SILENCE
from domain.card import card_of
from domain.chat import ChatMessage
from domain.errors import ModelDown, NotFound, Refused
from domain.estimate import HISTORY, estimate
from domain.ids import read_task_id
from domain.plan import Plan
from domain.ports import Clock, ControlBus, Store, TaskLine, UnitOfWork
from domain.progress import step
from domain.safe_text import safe_line
from domain.task import FINAL_TASK, Scope, Task, TaskState
from domain.texts import Language, language_of, say

Preview = Callable[[Scope, str, Language], Awaitable[Plan]]

LISTED = 10
OPEN = frozenset(TaskState) - FINAL_TASK
_WORDY = frozenset({"ask", "fresh", "plan"})  # commands whose argument says which language is spoken
_COMMAND = re.compile(r"[/／]([\w-]+)(?:@\w+)?(?:\s+(.*))?", re.DOTALL)  # Chinese keyboards type ／


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One command: its argument, whose it is, and the language to answer in."""

    message: ChatMessage
    scope: Scope
    argument: str
    language: Language


class Commands:
    """Answers commands and hands requests to the intake.

    Args:
        intake: takes requests in.
        store: where tasks are.
        bus: who must hear of a cancelled or approved task.
        clock: the time of it.
        preview: plans a text for its owner without starting anything; raises Refused or ModelDown.
    """

    def __init__(self, intake: Intake, store: Store, bus: ControlBus, clock: Clock, preview: Preview) -> None:
        self._intake = intake
        self._store = store
        self._bus = bus
        self._clock = clock
        self._preview = preview
        self._commands: dict[str, Callable[[Asked], Awaitable[Accepted | Reply]]] = {
            "ask": self._ask,
            "fresh": self._fresh,
            "status": self._status,
            "tasks": self._tasks,
            "cancel": self._cancel,
            "retry": self._retry,
            "approve": self._approve,
            "plan": self._plan,
            "agents": self._agents,
            "cost": self._cost,
            "help": self._help,
        }

    async def receive(self, message: ChatMessage) -> Accepted | Reply:
        """Do what a message says.

        Raises StoreDown when the database does not answer: then nothing happened and the update must not be
        acknowledged.
        """
        typed = _COMMAND.fullmatch(message.text.strip())
        if typed is None:
            return await self._intake.hear(message)
        name, argument = typed[1].lower(), (typed[2] or "").strip()
        scope = self._intake.scope_of(message)
        language = language_of(argument) if argument and name in _WORDY else await self._language(scope)
        asked = Asked(message=message, scope=scope, argument=argument, language=language)
        command = self._commands.get(name)
        try:
            return await command(asked) if command else self._unknown(name)
        except (Refused, ModelDown) as error:
            return Reply(text=error.say(asked.language), is_refusal=True)

    # --- commands ---------------------------------------------------------------------------------------------

    async def _ask(self, asked: Asked) -> Accepted | Reply:
        return await self._intake.receive(replace(asked.message, text=asked.argument))

    async def _fresh(self, asked: Asked) -> Accepted | Reply:
        return await self._intake.receive(replace(asked.message, text=asked.argument), is_fresh=True)

    async def _status(self, asked: Asked) -> Reply:
        task = await self._one_of(asked, OPEN) if not asked.argument else await self._named(asked)
        return Reply(card=card_of(task, self._clock.now()), text=approvals_text(task), answer=task.answer)

    async def _tasks(self, asked: Asked) -> Reply:
        return Reply(text=tasks_text(await self._recent(asked.scope), asked.language))

    async def _cancel(self, asked: Asked) -> Reply:
        task_id = await self._meant(asked, OPEN, "chat.nothing_open")
        task, is_changed = await self._decide(asked, task_id, e.CancelRequested(at=self._clock.now()))
        if not is_changed:
            return Reply(text=say("chat.already_over", task.language, task=task.id))
        return Reply(text=say("chat.cancelled" if task.settled_at else "chat.cancelling", task.language, task=task.id))

    async def _approve(self, asked: Asked) -> Reply:
        task_id = await self._meant(asked, {TaskState.WAITING}, "chat.nothing_waits")
        task, is_changed = await self._decide(asked, task_id, e.Approved(at=self._clock.now()))
        return Reply(text=say("chat.approved" if is_changed else "chat.nothing_waits", task.language, task=task.id))

    async def _retry(self, asked: Asked) -> Accepted | Reply:
        name, *keys = re.split(r"[.\s]+", asked.argument, maxsplit=1)
        if not name:
            raise Refused("chat.retry_usage")
        task = await self._named(replace(asked, argument=name))
        plan, kept = carried(task, "".join(keys) or None)
        message = replace(asked.message, text=task.request)
        if plan is None:
            return await self._intake.receive(message, retry_of=task.id, is_fresh=True)
        return await self._intake.submit_plan(message, plan, kept, retry_of=task.id)

    async def _plan(self, asked: Asked) -> Reply:
        plan = await self._preview(asked.scope, request_text(asked.argument), asked.language)
        since = self._clock.now() - HISTORY
        measured = await self._store.transact(lambda uow: uow.tasks.measured(since))
        expected = estimate_text(estimate(plan, measured), asked.language)
        return Reply(text="\n".join(filter(None, [plan_text(plan, asked.language), expected])))

    async def _agents(self, asked: Asked) -> Reply:
        since = self._clock.now() - SILENCE
        workers = await self._store.transact(lambda uow: uow.registry.alive(since))
        return Reply(text=agents_text(workers, asked.language))

    async def _cost(self, asked: Asked) -> Reply:
        if asked.argument:
            task = await self._named(asked)
            spends = await self._store.transact(lambda uow: uow.calls.spent_on(task.scope, task.id))
            return Reply(text=cost_text(spends, task.language, task.id))
        since = self._clock.now() - LATELY
        spends = await self._store.transact(lambda uow: uow.calls.spent(asked.scope, since))
        return Reply(text=cost_text(spends, asked.language))

    async def _help(self, asked: Asked) -> Reply:
        return Reply(text=help_text(self._commands, asked.language))

    def _unknown(self, name: str) -> NoReturn:
        typed = safe_line(f"/{name}", 40)
        nearest = difflib.get_close_matches(name, self._commands, n=1, cutoff=0.5)
        if not nearest:
            raise Refused("chat.unknown_command", typed=typed)
        raise Refused("chat.did_you_mean", typed=typed, nearest=f"/{nearest[0]}")

    # --- which task is meant ------------------------------------------------------------------------------------

    async def _recent(self, scope: Scope) -> list[TaskLine]:
        return await self._store.transact(lambda uow: uow.tasks.recent(scope, LISTED))

    async def _language(self, scope: Scope) -> Language:
        """A command has no words of its own: the newest request says which language is spoken."""
        newest = await self._store.transact(lambda uow: uow.tasks.recent(scope, 1))
        return language_of(newest[0].request) if newest else "en"

    async def _named(self, asked: Asked) -> Task:
        task_id = read_task_id(asked.argument)
        task = await self._store.transact(lambda uow: uow.tasks.find(asked.scope, task_id)) if task_id else None
        if task is None:
            raise NotFound("error.not_found", task=safe_line(asked.argument, 40))
        return task

    async def _one_of(self, asked: Asked, states: Collection[TaskState]) -> Task:
        """The newest task in one of these states, else the newest."""
        lines = await self._recent(asked.scope)
        if not lines:
            raise Refused("chat.no_tasks")
        chosen = next((line for line in lines if line.state in states), lines[0])
        return await self._named(replace(asked, argument=chosen.id))

    async def _meant(self, asked: Asked, states: Collection[TaskState], none: str) -> str:
        """The id typed, or that of the only task in one of these states."""
        if asked.argument:
            return (await self._named(asked)).id
        fitting = [line.id for line in await self._recent(asked.scope) if line.state in states]
        if not fitting:
            raise Refused(none)
        if len(fitting) > 1:
            raise Refused("chat.which_one", tasks=", ".join(fitting))
        return fitting[0]

    # --- changing one -------------------------------------------------------------------------------------------

    async def _decide(self, asked: Asked, task_id: str, event: e.Event) -> tuple[Task, bool]:
        """Apply an event to a task of this user, and tell whom it concerns. The flag is whether it changed anything."""

        def work(uow: UnitOfWork) -> tuple[Task, tuple[e.Effect, ...], bool]:
            task = uow.tasks.lock([task_id])[task_id]
            decided, effects = step(task, event)
            if decided is task:
                return task, (), False
            attempts = [effect.attempt for effect in effects if isinstance(effect, e.RecordAttempt)]
            return uow.tasks.put(decided, attempts), effects, True

        task, effects, is_changed = await self._store.transact(work)
        if is_changed:
            await tell(self._bus, task.id, effects)
        return task, is_changed
