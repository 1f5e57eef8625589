from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.drafts import EVERY_S, LENGTH, Write
from aggregator.model_answer import Miss
from aggregator.role import AggregatorRole, AggregatorSettings, AnswerWith
from aggregator.summary import summarise
from domain.answer import Answer, Author, Statement
from domain.errors import Misconfigured, ModelDown
from domain.events import AnsweringStarted, CancelRequested, Dissatisfied, Event, PlanFailed
from domain.messages import Nudge
from domain.plan import Plan
from domain.task import Failure, Task, TaskState
from tests.unit.bot.fakes import Stage, plan_of, released, stage, succeeded, until

ASLEEP = AggregatorSettings(sweep_s=600.0)


async def by_rules(task: Task, write: Write) -> Answer:
    return summarise(task)


def says(text: str) -> Answer:
    return Answer(statements=(Statement(text=text),), author=Author.MODEL)


@asynccontextmanager
async def running(
    on: Stage, writer: AnswerWith = by_rules, settings: AggregatorSettings = ASLEEP
) -> AsyncIterator[None]:
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
    "error",
    [ModelDown("error.model_down", detail="x"), Misconfigured("error.no_model"), TimeoutError(), KeyError("a bug")],
)
async def test_the_summary_stands_in_for_a_model(error: Exception) -> None:
    async def failing(task: Task, write: Write) -> Answer:
        raise error

    async with stage() as on, running(on, failing):
        [task] = await answered(on, await on.accepted(Plan(answer="42")))
        assert task.answer == summarise(task)


async def test_a_model_that_never_answers_is_not_waited_for() -> None:
    async def silent(task: Task, write: Write) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    async with stage() as on, running(on, silent, AggregatorSettings(write_s=0.01)):
        [task] = await answered(on, await on.accepted(Plan(answer="42")))
        assert task.answer == summarise(task)


async def test_several_are_written_at_once_but_not_too_many() -> None:
    at_work: list[str] = []
    most = 0
    go = asyncio.Event()

    async def slow(task: Task, write: Write) -> Answer:
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

        async def outrun(task: Task, write: Write) -> Answer:
            if task.id == first:
                await on.answered(first, "somebody was faster")
            return says("too late")

        async with running(on, outrun, AggregatorSettings(at_once=1, sweep_s=600.0)):
            await answered(on, await on.accepted(Plan(answer="43")))
        task = await on.task(first)
        assert task.answer is not None
        assert task.answer.text == "somebody was faster"
        assert ("answered", first) not in on.bus.nudged


async def test_a_claim_is_renewed_while_an_answer_is_written_and_not_after_a_crash() -> None:
    """A process that dies must not hold an answer up for as long as one may take to write."""
    writing = asyncio.Event()

    async def endless(task: Task, write: Write) -> Answer:
        writing.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with stage() as on:
        task_id = await on.accepted(Plan(answer="42"))
        async with running(on, endless, AggregatorSettings(claim_s=30.0, sweep_s=600.0)):
            await writing.wait()
            first = (await on.task(task_id)).claimed_until
            await on.clock.advance(10)
            renewed = on.clock.now() + timedelta(seconds=30)

            async def is_renewed() -> bool:
                return (await on.task(task_id)).claimed_until == renewed

            await until(is_renewed)
        assert first == renewed - timedelta(seconds=10)


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

        async def then_down(task: Task, write: Write) -> Answer:
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


async def test_what_is_written_of_an_older_round_is_dropped() -> None:
    async with stage() as on:
        task_id = await on.accepted(ONE_ROUND)
        await on.happen(task_id, *done_by("a", on))

        async def outrun(task: Task, write: Write) -> Answer:
            if not (await on.task(task_id)).plan.misses:
                await on.happen(task_id, Dissatisfied(why="too little", at=on.clock.now()))
                await on.clock.advance(1)
                await on.happen(task_id, PlanFailed(failure=Failure(code="no_plan"), at=on.clock.now()))
                return says("about the first round")
            return says("about the second")

        async with running(on, outrun, AggregatorSettings(sweep_s=0.01)):
            await until(lambda: ("answered", task_id) in on.bus.nudged)
        task = await on.task(task_id)
        assert task.answer == says("about the second")


# --- not what was asked -------------------------------------------------------------------------------------------

ONE_ROUND = replace(plan_of("a"), rounds_left=1)


def done_by(key: str, on: Stage) -> list[Event]:
    return [released(key, on.clock), succeeded(key, on.clock)]


async def test_a_miss_sends_the_task_back_to_the_planner() -> None:
    async def missing(task: Task, write: Write) -> Miss:
        return Miss(why="the prices", answer=says("without prices"))

    async with stage() as on, running(on, missing):
        task_id = await on.accepted(ONE_ROUND)
        await on.happen(task_id, *done_by("a", on))
        on.bus.nudged.clear()
        await on.bus.nudge([Nudge(kind="settled", task_id=task_id)])
        await until(lambda: ("received", task_id) in on.bus.nudged)
        task = await on.task(task_id)
        assert (task.state, task.answer, task.settled_at) == (TaskState.PLANNING, None, None)
        assert task.plan is not None
        assert (task.plan.misses, task.plan.rounds_left) == (("the prices",), 0)
        assert ("changed", task_id) in on.bus.nudged
        assert ("answered", task_id) not in on.bus.nudged


@pytest.mark.parametrize("why_not", ["no round left", "late", "cancelled"])
async def test_a_miss_without_another_round_is_answered(why_not: str) -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("a") if why_not == "no round left" else ONE_ROUND)

        async def missing(task: Task, write: Write) -> Miss:
            if why_not == "late":
                await on.clock.advance(1800)
            return Miss(why="the prices", answer=says("without prices"))

        if why_not == "cancelled":
            await on.happen(task_id, CancelRequested(at=on.clock.now()))
        else:
            await on.happen(task_id, *done_by("a", on))
        async with running(on, missing):
            [task] = await answered(on, task_id)
        assert task.answer == says("without prices")


# --- drafts -------------------------------------------------------------------------------------------------------


async def test_drafts_go_out_newest_first_and_not_too_often() -> None:
    half, go = asyncio.Event(), asyncio.Event()

    async def writing(task: Task, write: Write) -> Answer:
        for number in range(5):
            write(f"draft {number}")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        half.set()
        await go.wait()
        write("x" * 5000 + " the end")
        await asyncio.sleep(0)
        return says("done")

    async with stage() as on, on.bus.nudges("draft") as drafts, running(on, writing):
        task_id = await on.accepted(Plan(answer="42"))
        first = (await drafts.batch(1))[0].message
        assert (first.task_id, first.text) == (task_id, "draft 0")
        await half.wait()
        assert drafts.queue.empty()
        await on.clock.advance(EVERY_S)
        assert (await drafts.batch(1))[0].message.text == "draft 4"
        assert drafts.queue.empty()
        go.set()
        await on.clock.advance(EVERY_S)
        await answered(on, task_id)
        left = [drafts.queue.get_nowait().text for _ in range(drafts.queue.qsize())]
        assert all(len(text) <= LENGTH and text.endswith("the end") for text in left)
        await on.clock.advance(10 * EVERY_S)
        assert drafts.queue.empty()
