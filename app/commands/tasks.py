"""`status`, `tasks`, `cost`, `cancel`, `retry`, `approve`, `agents`: looking at tasks and deciding over them."""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from app.exits import ANSWERED, MISUSE, answer, tell, terminal_language
from app.follow import Follower
from app.session import Session, make_session, said, session
from app.settings import Settings
from app.wiring import House, house
from bot.card_text import card_text
from bot.cost_text import LATELY, cost_text
from bot.lists import agents_text, tasks_text
from bot.platforms.seat import reply_text
from bot.reply import Accepted, Reply
from domain.agents import SILENCE, Worker
from domain.backlog import Backlog
from domain.card import card_of
from domain.chat import ChatMessage
from domain.errors import NotFound
from domain.ids import SubtaskId, read_task_id
from domain.markdown import readable
from domain.task import Scope, Task
from domain.texts import say

DECIDING = frozenset({"approve", "deny"})


async def status(settings: Settings, *, task: str, as_json: bool, user: str | None) -> int:
    """Show one task, from the database alone."""
    async with house(settings) as here:
        found = await _found(here, task, user)
        if as_json:
            answer(await _looking(here, user).document(found))
        else:
            answer(card_text(card_of(found, here.clock.now())))
            if found.answer is not None:
                answer("\n" + readable(found.answer.text))
            await _tell_letters(here, found)
    return ANSWERED


async def _tell_letters(here: House, task: Task) -> None:
    names = [SubtaskId(task.id, key) for key in task.subtasks]
    if letters := await here.store.transact(lambda uow: uow.dead.about(names)):
        tell(say("dead.of_task", task.language, count=len(letters), id=letters[0].id))


async def tasks(settings: Settings, *, as_json: bool, limit: int, user: str | None) -> int:
    """List the newest tasks."""
    async with house(settings) as here:
        scope = _scope(here, user) if user else None
        lines = await here.store.transact(lambda uow: uow.tasks.recent(scope, limit))
    if as_json:
        rows = [
            {
                "task_id": line.id,
                "state": line.state.value,
                "request": line.request,
                "created_at": line.created_at.isoformat(),
                "done": line.done,
                "total": line.total,
            }
            for line in lines
        ]
        answer(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        answer(tasks_text(lines, terminal_language()))
    return ANSWERED


async def cost(settings: Settings, *, task: str | None, as_json: bool, user: str | None) -> int:
    """Show what language models took for a task, or for a user lately."""
    async with house(settings) as here:
        found = await _found(here, task, user) if task else None
        scope = found.scope if found else _scope(here, user or getpass.getuser())
        since = here.clock.now() - LATELY
        spends = await here.store.transact(
            lambda uow: uow.calls.spent_on(scope, found.id) if found else uow.calls.spent(scope, since)
        )
    if as_json:
        answer(json.dumps([asdict(spend) for spend in spends], ensure_ascii=False, indent=2))
    else:
        language = found.language if found else terminal_language()
        answer(cost_text(spends, language, found.id if found else None))
    return ANSWERED


async def agents(settings: Settings, *, as_json: bool) -> int:
    """List who is alive."""
    async with house(settings) as here:
        now = here.clock.now()
        workers, waiting = await here.store.transact(
            lambda uow: (uow.registry.alive(now - SILENCE), uow.registry.backlogs())
        )
    if as_json:
        loads = {backlog.agent: _load(backlog, now) for backlog in waiting}
        rows = [_row(worker) | loads.pop(worker.agent, {}) for worker in workers]
        absent = [{"agent": agent, "worker": None, "state": "absent", **load} for agent, load in loads.items()]
        answer(json.dumps([*rows, *absent], ensure_ascii=False, indent=2))
    else:
        answer(agents_text(workers, terminal_language(), waiting, now))
    return ANSWERED


def _row(worker: Worker) -> dict[str, Any]:
    return {
        "agent": worker.agent,
        "worker": worker.worker,
        "state": worker.status,
        "current_task": worker.current_task,
        "last_seen": worker.last_seen.isoformat(),
        "skills": [spec.name for spec in worker.skills],
    }


def _load(backlog: Backlog, now: datetime) -> dict[str, Any]:
    """What all workers of an agent have before them together; told with the first of them."""
    return {"sent": backlog.sent, "running": backlog.running, "oldest_wait_s": round(backlog.waited_s(now), 1)}


async def act(settings: Settings, *, verb: str, arguments: Sequence[str], as_json: bool, user: str | None) -> int:
    """Say `/verb` in the name of the task's owner."""
    async with house(settings) as here:
        found = await _found(here, arguments[0], user)
    if verb == "retry":
        async with session(settings, None) as seat:
            outcome = await seat.tell(_typed(seat, found, verb, arguments))
            if isinstance(outcome, Accepted):
                tell(say("cli.retrying", found.language, task=outcome.task_id))
                return await seat.see_through(outcome.task_id, as_json=as_json)
            return said(outcome)
    async with house(settings) as here:
        seat = _looking(here, user)
        if verb in DECIDING:  # only what was shown can be decided
            shown = await seat.tell(_typed(seat, found, "status", arguments[:1]))
            tell(reply_text(shown) if isinstance(shown, Reply) else "")
        reply = await seat.tell(_typed(seat, found, verb, arguments))
        if isinstance(reply, Accepted):
            return ANSWERED
        if as_json:
            answer(json.dumps({"ok": not reply.is_refusal, "text": reply_text(reply)}, ensure_ascii=False))
            return MISUSE if reply.is_refusal else ANSWERED
        return said(reply)


def _looking(here: House, user: str | None) -> Session:
    """A session that performs nothing and waits for nothing."""
    return make_session(here, user, Follower(here.store, here.control_bus))


def _typed(seat: Session, task: Task, verb: str, arguments: Sequence[str]) -> ChatMessage:
    """The command as its owner would have typed it in the task's own chat."""
    platform, _, user_id = task.scope.owner.partition(":")
    message = seat.message(f"/{verb} {' '.join(arguments)}")
    return replace(message, platform=platform, user_id=user_id, bot_id=task.route.bot_id, chat_id=task.route.chat_id)


def _scope(here: House, user: str) -> Scope:
    """A user of the console, or `platform:id`."""
    return Scope(tenant=here.settings.tenant, owner=user if ":" in user else f"console:{user}")


async def _found(here: House, typed: str, user: str | None) -> Task:
    """The task; with `user`, only if it is theirs. Somebody else's is as unknown as none."""
    task_id = read_task_id(typed.partition(".")[0])
    found = None
    if task_id is not None and user:
        scope = _scope(here, user)
        found = await here.store.transact(lambda uow: uow.tasks.find(scope, task_id))
    elif task_id is not None:
        found = await here.store.transact(lambda uow: uow.tasks.peek(task_id))
    if found is None:
        raise NotFound("error.not_found", task=typed[:40])
    return found
