"""Short ways to use commands and buttons in tests, in private and in a group."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.platform import Press
from bot.post import Action, Button, Verb
from bot.reply import Accepted, Reply
from domain.chat import ChatMessage
from domain.people import Role
from domain.task import Task
from tests.unit.bot.fakes import Stage, person

GROUP = "-100"


async def told(on: Stage, text: str, user: str = "ann", role: Role = Role.MEMBER) -> Reply:
    """What is said to a command that makes no task."""
    reply = await on.say(text, user=user, role=role)
    assert isinstance(reply, Reply)
    return reply


def in_group(message: ChatMessage) -> ChatMessage:
    return replace(message, chat_id=GROUP, is_group=True)


async def told_in_group(on: Stage, text: str, user: str = "ann", role: Role = Role.MEMBER) -> Any:
    return await on.commands.receive(in_group(on.message(text, user=user)), person(user, role))


async def asked_in_group(on: Stage, plan: Any, user: str = "ann") -> str:
    """A task with a plan that somebody asked for in the group."""
    taken = await on.intake.submit_plan(in_group(on.message("do it", user=user)), plan)
    assert isinstance(taken, Accepted)
    return taken.task_id


def press_of(on: Stage, action: Action, user: str = "ann", **changes: Any) -> Press:
    on.count += 1
    given: dict[str, Any] = {
        "key": f"c{on.count}",
        "platform": "fake",
        "bot_id": "b1",
        "chat_id": f"chat-{user}",
        "user_id": user,
        "message_id": "shown-1",
        "action": action,
        "received_at": on.clock.now(),
    }
    return Press(**{**given, **changes})


async def pressed(on: Stage, action: Action, user: str = "ann", role: Role | None = Role.MEMBER, **changes: Any) -> Any:
    return await on.controls.pressed(press_of(on, action, user, **changes), person(user, role))


def buttons(reply: Reply) -> list[Button]:
    return [button for row in reply.buttons for button in row]


def verbs(reply: Reply) -> list[Verb]:
    return [button.action.verb for button in buttons(reply)]


def action(reply: Reply, verb: Verb, number: int = 0) -> Action:
    return [button.action for button in buttons(reply) if button.action.verb is verb][number]


async def all_tasks(on: Stage) -> list[Task]:
    lines = await on.store.transact(lambda uow: uow.tasks.recent(None, 100))
    return [await on.task(line.id) for line in lines]
