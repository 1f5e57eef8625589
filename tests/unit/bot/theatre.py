"""A bot with everything behind it played by rules: a planner, an agent, an aggregator, and delivery to one platform."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from aggregator.summary import summarise
from bot.door import DoorSettings, FrontDoor, Inside, Outside
from bot.platform import Platform
from bot.platforms.seat import Seat
from domain import events as e
from domain.attempts import releasable
from domain.messages import Nudge
from domain.plan import Node, Plan
from domain.skill import Effect
from domain.task import Failure, Result, Task
from tests.unit.bot.delivering import delivering
from tests.unit.bot.fakes import Stage

Script = Callable[[str], Plan]


def echo_plan(request: str) -> Plan:
    """`fail …` fails, `pay …` needs approval, `wait …` never ends, `vague …` is asked about first and the reply said
    again, everything else is said again."""
    word = request.split(maxsplit=1)[0]
    if word == "vague":
        return Plan(question=f"Which {request.partition(' ')[2]}?")
    effect = Effect.EXTERNAL if word == "pay" else Effect.NONE
    return Plan(nodes=(Node(id="t1", skill=word, name=f"Do {word}", effect=effect, max_attempts=1),))


def seat_of(on: Stage) -> Seat:
    """Ann's place at the terminal."""
    return Seat(clock=on.clock, entropy=on.entropy, user_id="ann", bot_id="tty")


def door_of(on: Stage) -> FrontDoor:
    """The way in for somebody who sits and waits."""
    outside = Outside(store=on.store, bus=on.bus, clock=on.clock)
    inside = Inside(gate=on.means.access, desk=on.commands, panel=on.controls)
    return FrontDoor(outside, inside, DoorSettings(says_inline=True))


@asynccontextmanager
async def playing(on: Stage, platform: Platform, script: Script = echo_plan) -> AsyncIterator[None]:
    """Move every task on whenever something was nudged."""

    async def play() -> None:
        async with on.bus.nudges("received", "changed", "settled") as nudges:
            while True:
                nudge = (await nudges.batch(1))[0].message
                await _move_on(on, nudge.task_id, script)

    async with delivering(on, platform), asyncio.TaskGroup() as group:
        part = group.create_task(play())
        yield
        part.cancel()


async def _move_on(on: Stage, task_id: str, script: Script) -> None:
    task = await on.task(task_id)
    while events := _next(on, task, script):
        task = await on.happen(task_id, *events)
        await on.bus.nudge([Nudge(kind="answered" if task.answer else "changed", task_id=task_id)])


def _next(on: Stage, task: Task, script: Script) -> list[e.Event]:
    now = on.clock.now()
    if task.answer is not None:
        return []
    if task.settled_at is not None:
        return [e.Answered(answer=summarise(task), at=now)]
    if task.question is not None:
        return []
    if task.plan is None:
        return _planning(task, script, now)
    for sub in task.subtasks.values():
        node = task.plan.by_id[sub.key]
        if node.skill != "wait" and releasable(task, sub, now):
            return _attempt(task, node, on)
    return []


def _planning(task: Task, script: Script, now: datetime) -> list[e.Event]:
    plan = script(task.dialogue[-1].reply if task.dialogue else task.request)
    if plan.question is None:
        return [e.Planned(plan=plan, at=now)]
    return [e.PlanningStarted(until=now, by="p"), e.QuestionAsked(question=plan.question, at=now, by="p")]


def _attempt(task: Task, node: Node, on: Stage) -> list[e.Event]:
    now = on.clock.now()
    sent = e.Released(key=node.id, agent="hall", at=now, due_at=now)
    if node.skill == "fail":
        failure = Failure(code="refused", message="will not")
        return [
            sent,
            e.Failed(key=node.id, attempt=None, exec_id=None, agent="hall", failure=failure, at=now, jitter=0),
        ]
    said = task.dialogue[-1].reply if task.dialogue else task.request
    result = Result(summary=said.partition(" ")[2])
    return [sent, e.Succeeded(key=node.id, attempt=None, exec_id=None, agent="hall", result=result, at=now)]
