from __future__ import annotations

import asyncio

from app.follow import following
from domain import events as e
from domain.messages import Nudge
from domain.plan import Plan
from domain.task import Task, TaskState
from tests.unit.bot.fakes import Stage, plan_of, released, stage, succeeded


async def moved(on: Stage, task_id: str, *events: e.Event, kind: str = "changed") -> None:
    await on.happen(task_id, *events)
    await on.bus.nudge([Nudge(kind=kind, task_id=task_id)])


async def test_every_newer_state_is_seen_once_and_the_end_is_returned() -> None:
    seen: list[Task] = []
    async with stage() as on, following(on.store, on.bus) as follower, asyncio.TaskGroup() as group:
        task_id = await on.accepted(plan_of("a"))
        waiting = group.create_task(follower.answered(task_id, seen.append))
        await asyncio.sleep(0.01)
        await moved(on, task_id, released("a", on.clock))
        await on.bus.nudge([Nudge(kind="changed", task_id=task_id)] * 3)
        await moved(on, task_id, succeeded("a", on.clock))
        await on.answered(task_id)
        await on.bus.nudge([Nudge(kind="answered", task_id=task_id)])
        assert (await waiting).state is TaskState.ANSWERED
    versions = [task.version for task in seen]
    assert versions == sorted(set(versions))


async def test_a_state_on_the_way_can_be_waited_for() -> None:
    async with stage() as on, following(on.store, on.bus) as follower, asyncio.TaskGroup() as group:
        task_id = await on.accepted(plan_of("a"))
        waiting = group.create_task(follower.reached(task_id, lambda task: task.settled_at is not None))
        await asyncio.sleep(0.01)
        await moved(on, task_id, released("a", on.clock), succeeded("a", on.clock))
        reached = await waiting
        assert (reached.state, reached.answer) == (TaskState.RUNNING, None)


async def test_what_ends_otherwise_is_reached_too() -> None:
    async with stage() as on, following(on.store, on.bus) as follower:
        task_id = await on.accepted(Plan(answer="42"))
        await on.answered(task_id)
        assert (await follower.reached(task_id, lambda _: False)).state is TaskState.ANSWERED
