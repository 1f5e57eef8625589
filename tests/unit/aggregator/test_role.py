from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from aggregator.role import AggregatorRole, AggregatorSettings
from aggregator.summary import summarise
from domain.answer import Answer, Author, Statement
from domain.errors import Misconfigured, ModelDown
from domain.events import AnsweringStarted
from domain.plan import Plan
from domain.task import Task, TaskState
from tests.unit.bot.fakes import Stage, stage, until

Writer = Callable[[Task], Awaitable[Answer]]
ASLEEP = AggregatorSettings(sweep_s=600.0)


async def by_rules(task: Task) -> Answer:
    return summarise(task)


def says(text: str) -> Answer:
    return Answer(statements=(Statement(text=text),), author=Author.MODEL)


@asynccontextmanager
async def running(on: Stage, writer: Writer = by_rules, settings: AggregatorSettings = ASLEEP) -> AsyncIterator[None]:
    role = AggregatorRole(on.store, on.bus, writer, on.clock, settings)
    async with asyncio.TaskGroup() as group:
        work = group.create_task(role.run())
        yield
        work.cancel()


async def answered(on: Stage, *task_ids: str) -> list[Task]:
    await until(lambda: {("answered", task_id) for task_id in task_ids} <= set(on.bus.nudged))
    return [await on.task(task_id) for task_id in task_ids]


async def test_what_settled_before_the_start_is_answered() -> None:
    async with stage() as on:
        task_id = await on.accepted(Plan(answer="42"))
        async with running(on):
            [task] = await answered(on, task_id)
        assert task.state is TaskState.ANSWERED
        assert task.answer is not None
        assert task.answer.text == "42"
        assert task.claimed_until is None


async def test_a_nudge_wakes_it() -> None:
    async with stage() as on, running(on):
        task_id = await on.accepted(Plan(answer="42"))
        [task] = await answered(on, task_id)
        assert task.answered_at == on.clock.now()


async def test_a_sweep_finds_what_no_nudge_told() -> None:
    async with stage() as on, running(on, settings=AggregatorSettings(sweep_s=0.01)):
        on.bus.loses_nudges = True
        await answered(on, await on.accepted(Plan(answer="42")))


@pytest.mark.parametrize(
    "error", [ModelDown("error.model_down", detail="x"), Misconfigured("error.no_model"), TimeoutError()]
)
async def test_the_summary_stands_in_for_a_model(error: Exception) -> None:
    async def failing(task: Task) -> Answer:
        raise error

    async with stage() as on, running(on, failing):
        [task] = await answered(on, await on.accepted(Plan(answer="42")))
        assert task.answer == summarise(task)


async def test_a_model_that_never_answers_is_not_waited_for() -> None:
    async def silent(task: Task) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    async with stage() as on, running(on, silent, AggregatorSettings(claim_s=0.01)):
        [task] = await answered(on, await on.accepted(Plan(answer="42")))
        assert task.answer == summarise(task)


async def test_several_are_written_at_once_but_not_too_many() -> None:
    at_work: list[str] = []
    most = 0
    go = asyncio.Event()

    async def slow(task: Task) -> Answer:
        nonlocal most
        at_work.append(task.id)
        most = max(most, len(at_work))
        await go.wait()
        at_work.remove(task.id)
        return summarise(task)

    async with stage() as on:
        ids = [await on.accepted(Plan(answer="42")) for _ in range(5)]
        async with running(on, slow, AggregatorSettings(at_once=2, sweep_s=600.0)):
            await until(lambda: len(at_work) == 2)
            go.set()
            await answered(on, *ids)
        assert most == 2


async def test_the_first_answer_counts() -> None:
    async with stage() as on:
        first = await on.accepted(Plan(answer="42"))
        await on.clock.advance(1)

        async def outrun(task: Task) -> Answer:
            if task.id == first:
                await on.answered(first, "somebody was faster")
            return says("too late")

        async with running(on, outrun, AggregatorSettings(at_once=1, sweep_s=600.0)):
            await answered(on, await on.accepted(Plan(answer="43")))
        task = await on.task(first)
        assert task.answer is not None
        assert task.answer.text == "somebody was faster"
        assert ("answered", first) not in on.bus.nudged


async def test_a_claimed_task_is_left_alone_until_the_claim_runs_out() -> None:
    async with stage() as on:
        task_id = await on.accepted(Plan(answer="42"))
        await on.happen(task_id, AnsweringStarted(until=on.clock.now() + timedelta(seconds=60)))
        async with running(on, settings=AggregatorSettings(sweep_s=0.01)):
            other = await on.accepted(Plan(answer="43"))
            await answered(on, other)
            assert (await on.task(task_id)).answer is None
            await on.clock.advance(61)
            await answered(on, task_id)


async def test_an_answer_waits_for_the_database() -> None:
    async with stage() as on:
        task_id = await on.accepted(Plan(answer="42"))

        async def then_down(task: Task) -> Answer:
            on.store.is_down = True
            return says("written once")

        async with running(on, then_down):
            await until(lambda: on.store.refusals >= 1)
            on.store.is_down = False
            await on.clock.advance(1)
            [task] = await answered(on, task_id)
        assert task.answer == says("written once")


async def test_it_survives_a_database_that_is_down_from_the_start() -> None:
    async with stage() as on:
        task_id = await on.accepted(Plan(answer="42"))
        on.store.is_down = True
        async with running(on, settings=AggregatorSettings(sweep_s=0.01)):
            await until(lambda: on.store.refusals >= 2)
            on.store.is_down = False
            await answered(on, task_id)


async def test_a_task_that_is_gone_is_forgotten() -> None:
    async with stage() as on:
        role = AggregatorRole(on.store, on.bus, by_rules, on.clock)
        assert await role._freeze("ZZZZZZ", says("x")) is False
