"""How a worker leaves: nothing new, running work finished or handed back, and never waiting for ever."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from agents.skill import Call
from domain.errors import Malformed
from domain.skill import Effect, SkillSpec
from domain.task import Result
from tests.fakes_bus import FakeAgentBus, attempt
from tests.unit.agents.stage import CALM, LASTING, Held, Scripted, settle, staged, until

HASTY = replace(LASTING, grace_s=0.0)


async def test_running_work_finishes_within_the_grace_period() -> None:
    held = Held()
    async with staged(Scripted(held), limits=LASTING) as stage, asyncio.TaskGroup() as group:
        stage.bus.send(attempt())
        await until(lambda: stage.bus.of("started"))
        leaving = group.create_task(stage.worker.drain())
        await until(lambda: not stage.bus.tasks_queue.is_consumed)
        stage.bus.send(attempt("late"))
        await settle()
        assert not leaving.done()
        held.go.set()
        await leaving
    assert stage.bus.kinds() == ["started", "ack", "result"]
    assert stage.bus.kinds("late") == []
    assert not stage.bus.tasks_queue.is_consumed


async def test_short_work_is_waited_for_and_what_was_not_begun_is_handed_back() -> None:
    held = Held()
    skill = Scripted(held)
    async with staged(skill, limits=replace(CALM, slots=1, prefetch=4)) as stage, asyncio.TaskGroup() as group:
        await until(lambda: stage.bus.subscribed)
        stage.bus.tasks_queue.prefetch = 4
        stage.bus.send(attempt("a"), attempt("b"))
        stage.bus.send(attempt("c"), redelivered=True)
        stage.bus.send(Malformed("error.malformed", detail="x"))
        await until(lambda: skill.calls)
        group.create_task(stage.worker.drain())
        await settle()
        assert stage.bus.kinds("b") == []
        held.go.set()
    assert stage.bus.kinds("a") == ["result", "ack"]
    assert stage.bus.kinds("b") == ["handback", "ack"]
    assert stage.bus.kinds("c") == ["handback", "ack"]
    assert {notice.task_id[-1]: notice.metadata.reason for notice in stage.bus.of("handback")} == {
        "b": "draining",
        "c": "redelivered",
    }
    assert len(stage.bus.of("reject")) == 1


async def test_what_outlasts_the_grace_period_is_cancelled_and_handed_back() -> None:
    skill = Scripted(Held())
    async with staged(skill, limits=HASTY) as stage:
        stage.bus.send(attempt(attempt=2))
        await until(lambda: stage.bus.of("started"))
    assert skill.was_cancelled
    assert stage.bus.kinds() == ["started", "ack", "handback"]
    (notice,) = stage.bus.of("handback")
    assert (notice.metadata.reason, notice.metadata.attempt) == ("draining", 2)
    assert notice.metadata.exec_id == stage.bus.of("started")[0].metadata.exec_id


async def test_a_claim_that_waits_is_handed_back_unrun() -> None:
    spec = SkillSpec(name="send", description="", effect=Effect.EXTERNAL)
    skill = Scripted(spec=spec)
    async with staged(skill, limits=HASTY) as stage:
        stage.bus.send(attempt(action="send", effect="external"))
        await until(lambda: stage.bus.of("claim"))
    assert stage.bus.kinds() == ["claim", "ack", "handback"]
    assert stage.bus.of("handback")[0].metadata.reason == "draining"
    assert skill.calls == []


async def test_a_granted_effect_that_is_cut_off_is_never_handed_back() -> None:
    spec = SkillSpec(name="send", description="", effect=Effect.EXTERNAL)
    skill = Scripted(Held(), spec=spec)
    async with staged(skill, limits=HASTY) as stage:
        stage.bus.send(attempt(action="send", effect="external"))
        await until(lambda: stage.bus.of("claim"))
        stage.bus.order("grant", stage.bus.of("claim")[0])
        await until(lambda: skill.calls)
    assert stage.bus.kinds() == ["claim", "ack", "result"]
    assert stage.bus.results[0].status == "outcome_unknown"


async def test_a_result_that_was_ready_at_the_cut_is_reported() -> None:
    async def defiant(call: Call) -> Result:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return Result(summary="just in time")
        raise AssertionError

    async with staged(Scripted(defiant), limits=HASTY) as stage:
        stage.bus.send(attempt())
        await until(lambda: stage.bus.of("started"))
    assert [result.content.summary for result in stage.bus.results] == ["just in time"]


async def test_a_broker_that_is_gone_does_not_keep_a_worker() -> None:
    bus = FakeAgentBus()
    async with staged(Scripted(Held()), limits=replace(HASTY, farewell_s=0.001), bus=bus) as stage:
        bus.send(attempt())
        await until(lambda: bus.of("started"))
        bus.is_up = False
        await stage.worker.drain()
    assert bus.kinds() == ["started", "ack"]


async def test_a_worker_that_never_reached_the_broker_leaves_at_once() -> None:
    bus = FakeAgentBus()
    bus.is_up = False
    async with staged(Scripted(), bus=bus) as stage:
        await settle()
        await stage.worker.drain()
    assert not bus.happened


async def test_heartbeats_end_with_the_worker() -> None:
    async with staged(Scripted()) as stage:
        await until(lambda: stage.bus.beats)
        await stage.worker.drain()
        count = len(stage.bus.beats)
        await stage.clock.advance(60)
    assert len(stage.bus.beats) == count


async def test_a_worker_that_is_cancelled_ends_its_work_even_where_that_was_cut_before() -> None:
    async def stubborn(_: Call) -> Result:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()
        raise AssertionError

    skill = Scripted(stubborn)
    async with staged(skill, limits=LASTING) as stage:
        stage.bus.send(attempt())
        await until(lambda: stage.bus.of("started"))
        stage.bus.order("stop", stage.bus.of("started")[0])
        await settle()
        assert stage.running is not None
        stage.running.cancel()
        await asyncio.wait({stage.running}, timeout=5)
        assert stage.running.cancelled()
    assert skill.was_cancelled
    assert stage.bus.results == []
