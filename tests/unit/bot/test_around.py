"""What a card says about a task beside its own rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from bot.around import Surroundings, around_of, left_s
from domain import events as e
from domain.agents import Worker
from domain.approval import Offer
from domain.model import Purpose, Usage
from domain.plan import Plan
from domain.ports import Call, Measured, UnitOfWork
from domain.skill import SkillSpec
from domain.task import Subtask, Task
from tests.builders import node, plan, planned, released, task
from tests.fakes import START
from tests.unit.bot.delivering import in_quick_time, paying, quick_stage
from tests.unit.bot.fakes import Stage, plan_of, succeeded
from tests.unit.bot.fakes import released as release
from tests.unit.bot.fakes import started as start

ECHO = {"echo": Measured(attempts=5, seconds=10.0, cost=0.0)}


def at(seconds: float) -> Any:
    return START + timedelta(seconds=seconds)


# --- how long yet -----------------------------------------------------------------------------------------------------


def chain_of(*keys: str) -> Plan:
    return plan(*(node(key, *keys[max(0, place - 1) : place]) for place, key in enumerate(keys)))


def test_what_is_left_is_the_longest_path_of_what_has_not_ended() -> None:
    assert left_s(planned(chain_of("a", "b", "c")), ECHO, at(0)) == pytest.approx(30.0)


def test_what_runs_counts_with_what_is_left_of_it() -> None:
    running = released(planned(chain_of("a", "b")), "a")
    assert left_s(running, ECHO, at(4)) == pytest.approx(16.0)


def test_nobody_can_say_how_long_what_is_late_will_take() -> None:
    running = released(planned(chain_of("a")), "a")
    assert left_s(running, ECHO, at(60)) is None
    assert left_s(running, {}, at(0)) is None
    assert left_s(task(), ECHO, at(0)) is None


def test_a_map_takes_as_long_as_its_children() -> None:
    children = tuple(node(f"a.{number}", parent="a", item=number) for number in range(2))
    whole = plan(node("a"), *children, node("b", "a"))
    waiting = replace(planned(whole), subtasks={one.id: Subtask(key=one.id) for one in whole.nodes})
    assert left_s(waiting, ECHO, at(0)) == pytest.approx(20.0)


# --- from the rows ----------------------------------------------------------------------------------------------------


class Counting:
    """A unit of work that says what was asked of it."""

    def __init__(self, uow: UnitOfWork, asked: list[str], name: str = "") -> None:
        self._uow = uow
        self._asked = asked
        self._name = name

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._uow, name)
        if not self._name:
            return Counting(found, self._asked, name)
        self._asked.append(f"{self._name}.{name}")
        return found


async def asked_for(on: Stage, one: Task, surroundings: Surroundings) -> list[str]:
    asked: list[str] = []

    def look(uow: UnitOfWork) -> None:
        counting: Any = Counting(uow, asked)
        surroundings.of(counting, one, on.clock.now())

    await on.store.transact(look)
    return asked


async def around(on: Stage, task_id: str) -> Any:
    one = await on.task(task_id)
    return await on.store.transact(partial(around_of, task=one, now=on.clock.now()))


@in_quick_time
async def test_nothing_is_asked_that_a_state_does_not_need() -> None:
    async with quick_stage() as on:
        seen = Surroundings()
        received = await on.accepted()
        assert await asked_for(on, await on.task(received), seen) == ["tasks.ahead"]
        running = await on.accepted(plan_of("a"))
        await on.happen(running, release("a", on.clock), start("a", on.clock))
        assert await asked_for(on, await on.task(running), seen) == ["tasks.measured", "calls.spent_on"]
        assert await asked_for(on, await on.task(running), seen) == []
        waiting = await on.accepted(paying("x"))
        assert await asked_for(on, await on.task(waiting), seen) == ["calls.spent_on", "offers.live"]
        answered = await on.answered(running)
        assert await asked_for(on, answered, seen) == ["calls.spent_on"]


@in_quick_time
async def test_its_place_in_the_queue_is_known_while_it_waits_for_the_planner() -> None:
    async with quick_stage() as on:
        ids = []
        for _ in range(3):
            ids.append(await on.accepted())
            await asyncio.sleep(1.0)
        assert [(await around(on, task_id)).ahead for task_id in ids] == [0, 1, 2]
        await on.happen(ids[2], e.PlanningStarted(until=on.clock.now(), by="p"))
        assert (await around(on, ids[2])).ahead is None


@in_quick_time
async def test_costs_are_known_once_there_are_some() -> None:
    async with quick_stage() as on:
        task_id = await on.accepted(plan_of("a"))
        assert (await around(on, task_id)).cost is None
        scope = (await on.task(task_id)).scope
        usage = Usage(model="m", prompt_tokens=1, completion_tokens=1, cached_tokens=0, cost=0.25, seconds=1.0)
        call = Call(scope=scope, task_id=task_id, purpose=Purpose.PLAN, usage=usage, at=on.clock.now())
        await on.store.transact(lambda uow: uow.calls.add([call, call]))
        assert (await around(on, task_id)).cost == pytest.approx(0.5)


@in_quick_time
async def test_live_offers_are_shown() -> None:
    async with quick_stage() as on:
        task_id = await on.accepted(paying("x"))
        now, until = on.clock.now(), on.clock.now() + timedelta(minutes=5)
        offer = Offer(code="C", task_id=task_id, key="x", digest="d", made_at=now, expires_at=until)
        await on.store.transact(lambda uow: uow.offers.make(offer))
        assert (await around(on, task_id)).offers == (offer,)


def workers(on: Stage, **silent_s: float) -> Iterator[Worker]:
    """Agents with the skill `say`, and how long they have been silent."""
    for agent, seconds in silent_s.items():
        yield Worker(
            agent=agent,
            worker=f"{agent}-1",
            incarnation="i",
            slots=1,
            skills=(SkillSpec(name="say", description="says"),),
            status="idle",
            current_task=None,
            last_seen=on.clock.now() - timedelta(seconds=seconds),
        )


@in_quick_time
async def test_agents_that_are_waited_for_and_silent_are_named() -> None:
    async with quick_stage() as on:
        task_id = await on.accepted(plan_of("a"))
        for worker in workers(on, agent=31.0):
            await on.store.transact(lambda uow, worker=worker: uow.registry.hello(worker))
        assert (await around(on, task_id)).absent == {"agent"}
        await on.happen(task_id, release("a", on.clock))
        assert (await around(on, task_id)).absent == {"agent"}
        for worker in workers(on, agent=1.0):
            await on.store.transact(lambda uow, worker=worker: uow.registry.hello(worker))
        assert (await around(on, task_id)).absent == frozenset()
        await on.happen(task_id, succeeded("a", on.clock))
        assert (await around(on, task_id)).absent == frozenset()


@in_quick_time
async def test_a_skill_that_another_agent_has_is_not_missed() -> None:
    async with quick_stage() as on:
        task_id = await on.accepted(plan_of("a"))
        for worker in workers(on, gone=60.0, here=1.0):
            await on.store.transact(lambda uow, worker=worker: uow.registry.hello(worker))
        assert (await around(on, task_id)).absent == frozenset()
