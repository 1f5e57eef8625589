"""What becomes of a message: run once, handed back, or rejected, and acknowledged at the right moment."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from domain.errors import Malformed
from domain.messages import Order
from tests.fakes_bus import TRACE, FakeAgentBus, attempt
from tests.unit.agents.stage import CALM, LASTING, Held, Scripted, settle, staged, until


async def test_short_work_is_acked_after_its_result_is_confirmed() -> None:
    skill = Scripted()
    async with staged(skill) as stage:
        stage.bus.send(attempt(params={"text": "hi"}))
        await until(lambda: "ack" in stage.bus.kinds())
    assert stage.bus.kinds() == ["result", "ack"]
    (result,) = stage.bus.results
    assert (result.status, result.content.summary, result.content.output) == ("success", "done", {"text": "hi"})
    assert (result.source, result.metadata.attempt, result.metadata.worker) == ("echo", 1, "here-echo-1")
    assert result.metadata.exec_id
    assert result.metadata.traceparent is not None
    assert TRACE in result.metadata.traceparent
    assert result.metadata.duration is not None
    assert result.metadata.completed_at == stage.clock.now()


async def test_short_work_is_not_acked_while_its_result_is_unconfirmed() -> None:
    async with staged(Scripted()) as stage:
        await until(lambda: stage.bus.of("hello"))
        stage.bus.confirming.clear()
        stage.bus.send(attempt())
        await settle()
        assert stage.bus.kinds() == []
        assert stage.bus.tasks_queue.unsettled == [attempt()]
        stage.bus.confirming.set()
        await until(lambda: stage.bus.kinds() == ["result", "ack"])


async def test_a_result_the_broker_refused_is_sent_again_and_then_acked() -> None:
    skill = Scripted()
    async with staged(skill) as stage:
        stage.bus.refusals["result"] = 2
        stage.bus.send(attempt())
        await settle()
        assert stage.bus.kinds() == []
        await stage.clock.advance(3)
        await until(lambda: stage.bus.kinds() == ["result", "ack"])
    assert len(skill.calls) == 1


async def test_a_finished_skill_frees_its_slot_before_its_result_is_confirmed() -> None:
    skill = Scripted()
    async with staged(skill, limits=replace(CALM, slots=1, prefetch=1)) as stage:
        await until(lambda: stage.bus.of("hello") and stage.bus.subscribed)
        stage.bus.tasks_queue.prefetch = 5
        stage.bus.confirming.clear()
        stage.bus.send(attempt("a"), attempt("b"))
        await until(lambda: len(skill.calls) == 2)
        stage.bus.confirming.set()


async def test_lasting_work_says_started_then_acks_then_reports() -> None:
    held = Held()
    async with staged(Scripted(held), limits=LASTING) as stage:
        stage.bus.send(attempt(attempt=2))
        await until(lambda: stage.bus.kinds() == ["started", "ack"])
        held.go.set()
        await until(lambda: stage.bus.results)
    assert stage.bus.kinds() == ["started", "ack", "result"]
    (started,) = stage.bus.of("started")
    assert started.metadata.attempt == 2
    assert started.metadata.exec_id == stage.bus.results[0].metadata.exec_id


async def test_what_came_back_before_says_started_first_so_that_killing_its_worker_counts_as_a_try() -> None:
    held = Held()
    async with staged(Scripted(held)) as stage:
        stage.bus.confirming.clear()
        stage.bus.send(attempt(attempt=2))
        await settle()
        assert stage.bus.kinds() == []
        stage.bus.confirming.set()
        await until(lambda: stage.bus.kinds() == ["started", "ack"])
        held.go.set()
        await until(lambda: stage.bus.results)
        assert stage.bus.kinds() == ["started", "ack", "result"]


async def test_lasting_work_is_not_acked_before_started_is_confirmed() -> None:
    held = Held()
    async with staged(Scripted(held), limits=LASTING) as stage:
        stage.bus.refusals["started"] = 1
        stage.bus.send(attempt())
        await settle()
        assert stage.bus.kinds() == []
        await stage.clock.advance(1)
        await until(lambda: stage.bus.kinds() == ["started", "ack"])
        held.go.set()


async def test_work_that_ends_while_started_is_unconfirmed_is_reported_and_acked_all_the_same() -> None:
    held = Held()
    async with staged(Scripted(held), limits=LASTING) as stage:
        stage.bus.refusals["started"] = 1000
        stage.bus.send(attempt())
        await settle()
        held.go.set()
        await until(lambda: stage.bus.kinds() == ["result", "ack"])


async def test_a_lasting_result_waits_in_the_spool_until_it_is_confirmed() -> None:
    held = Held()
    async with staged(Scripted(held), limits=LASTING) as stage:
        stage.bus.send(attempt())
        await until(lambda: stage.bus.of("started"))
        stage.bus.refusals["result"] = 1
        held.go.set()
        await until(lambda: stage.spool.waiting("echo"))
        assert stage.bus.results == []
        await stage.clock.advance(1)
        await until(lambda: stage.bus.results and not stage.spool.waiting("echo"))


async def test_heartbeats_carry_the_leases_of_lasting_work_until_its_result_is_confirmed() -> None:
    held = Held()
    async with staged(Scripted(held), limits=LASTING) as stage:
        await until(lambda: stage.bus.beats)
        assert (stage.bus.beats[-1].status, stage.bus.beats[-1].holding) == ("idle", [])
        stage.bus.send(attempt(attempt=4))
        await until(lambda: stage.bus.kinds() == ["started", "ack"])
        await stage.clock.advance(5)
        beat = stage.bus.beats[-1]
        (lease,) = beat.holding
        assert (beat.status, beat.current_task, beat.worker) == ("busy", "AAAAAA.a", "here-echo-1")
        assert (lease.task_id, lease.attempt) == ("AAAAAA.a", 4)
        assert lease.exec_id == stage.bus.of("started")[0].metadata.exec_id
        stage.bus.refusals["result"] = 6
        held.go.set()
        await stage.clock.advance(5)
        assert stage.bus.beats[-1].holding == [lease]
        await stage.clock.advance(10)
        assert stage.bus.beats[-1].holding == []


async def test_short_work_is_in_no_heartbeat_as_a_lease() -> None:
    held = Held()
    async with staged(Scripted(held)) as stage:
        stage.bus.send(attempt())
        await settle()
        await stage.clock.advance(5)
        assert (stage.bus.beats[-1].status, stage.bus.beats[-1].holding) == ("busy", [])
        held.go.set()


async def test_a_redelivered_message_is_handed_back_and_never_run() -> None:
    skill = Scripted()
    async with staged(skill) as stage:
        stage.bus.refusals["handback"] = 1
        stage.bus.send(attempt(attempt=2), redelivered=True)
        await settle()
        assert stage.bus.kinds() == []
        await stage.clock.advance(1)
        await until(lambda: stage.bus.kinds() == ["handback", "ack"])
    (notice,) = stage.bus.of("handback")
    assert (notice.metadata.reason, notice.metadata.attempt, notice.metadata.exec_id) == ("redelivered", 2, "")
    assert skill.calls == []


async def test_what_is_no_message_is_rejected_and_stops_nothing() -> None:
    async with staged(Scripted()) as stage:
        stage.bus.send(Malformed("error.malformed", detail="not JSON"), attempt())
        await until(lambda: stage.bus.kinds() == ["result", "ack"])
        assert [str(message) for message in stage.bus.of("reject")] == ["This is not a valid message: not JSON."]


async def test_a_stopped_execution_is_cancelled_and_reports_nothing() -> None:
    skill, other = Scripted(Held()), Scripted()
    other.spec = replace(other.spec, name="other")
    async with staged(skill, other, limits=LASTING) as stage:
        stage.bus.send(attempt())
        await until(lambda: stage.bus.kinds() == ["started", "ack"])
        stage.bus.order("stop", stage.bus.of("started")[0])
        await until(lambda: skill.was_cancelled)
        stage.bus.send(attempt("b", "other"))
        await until(lambda: "ack" in stage.bus.kinds("b"))
        await stage.clock.advance(5)
        assert stage.bus.beats[-1].holding == []
    assert stage.bus.kinds() == ["started", "ack"]


async def test_a_stopped_execution_whose_started_was_never_confirmed_still_settles_its_message() -> None:
    skill = Scripted(Held())
    async with staged(skill, limits=LASTING) as stage:
        stage.bus.refusals["started"] = 1000
        stage.bus.send(attempt())
        await settle()
        await stage.clock.advance(5)
        (lease,) = stage.bus.beats[-1].holding
        stage.bus.orders_queue.put(Order(type="stop", task_id=lease.task_id, exec_id=lease.exec_id))
        await until(lambda: stage.bus.kinds() == ["ack"])


async def test_orders_for_others_and_broken_orders_mean_nothing() -> None:
    held = Held()
    async with staged(Scripted(held), limits=LASTING) as stage:
        stage.bus.send(attempt())
        await until(lambda: stage.bus.of("started"))
        exec_id = stage.bus.of("started")[0].metadata.exec_id
        stage.bus.orders_queue.put(Malformed("error.malformed", detail="x"))
        stage.bus.orders_queue.put(Order(type="stop", task_id="AAAAAA.a", exec_id="another"))
        stage.bus.orders_queue.put(Order(type="stop", task_id="BBBBBB.a", exec_id=exec_id))
        await settle()
        held.go.set()
        await until(lambda: stage.bus.results)
    assert stage.bus.results[0].status == "success"


async def test_a_spool_of_an_earlier_life_is_sent_at_start() -> None:
    held, first = Held(), FakeAgentBus()
    async with staged(Scripted(held), limits=replace(LASTING, grace_s=0.0, farewell_s=0.0), bus=first) as stage:
        first.send(attempt())
        await until(lambda: first.of("started"))
        first.is_up = False
        held.go.set()
        await until(lambda: stage.spool.waiting("echo"))
    async with staged(Scripted(), spool=stage.spool) as again:
        await until(lambda: again.bus.results)
    assert [result.content.summary for result in again.bus.results] == ["at last"]
    assert stage.spool.waiting("echo") == []


async def test_consumption_and_orders_survive_a_broker_that_is_not_there_yet() -> None:
    bus = FakeAgentBus()
    bus.refusals.update(orders=2, tasks=2)
    async with staged(Scripted(), bus=bus) as stage:
        bus.send(attempt())
        await settle()
        assert bus.kinds() == []
        await stage.clock.advance(10)
        await until(lambda: bus.kinds() == ["result", "ack"])


async def test_one_slot_runs_one_skill_at_a_time() -> None:
    held = Held()
    skill = Scripted(held)
    async with staged(skill, limits=replace(CALM, slots=1)) as stage:
        stage.bus.send(attempt("a"), attempt("b"))
        await settle()
        assert len(skill.calls) == 1
        held.go.set()
        await until(lambda: len(stage.bus.results) == 2)


async def test_messages_behind_lasting_work_in_every_slot_are_given_to_others() -> None:
    held = Held()
    async with staged(Scripted(held), limits=replace(LASTING, slots=1)) as stage:
        stage.bus.send(attempt("a"), attempt("b"))
        await until(lambda: stage.bus.of("handback") and not stage.bus.tasks_queue.is_consumed)
        assert stage.bus.kinds("a") == ["started", "ack"]
        assert stage.bus.kinds("b") == ["handback"]
        assert stage.bus.of("handback")[0].metadata.reason == "busy"
        stage.bus.send(attempt("c"))
        await settle()
        assert stage.bus.kinds("c") == []
        held.go.set()
        await until(lambda: "result" in stage.bus.kinds("c"))
    assert stage.bus.kinds("b") == ["handback", "handback", "ack"]  # what was left comes again, and means nothing
    assert stage.bus.of("handback")[1].metadata.reason == "redelivered"


async def test_short_work_earns_a_larger_prefetch() -> None:
    async with staged(Scripted()) as stage:
        stage.bus.send(*(attempt(f"n{number}") for number in range(60)))
        await until(lambda: all("ack" in stage.bus.kinds(f"n{number}") for number in range(60)))
        assert (stage.bus.subscribed, stage.bus.tasks_queue.prefetch) == ([2], 8)
    assert stage.bus.of("handback") == []
    assert len(stage.bus.results) == 60


async def test_a_failed_worker_can_run_again_as_another_incarnation() -> None:
    class Broken(FakeAgentBus):
        def connection(self):
            if len(self.of("hello")) == 0 and self.beats:
                return super().connection()
            raise RuntimeError("a bug")

    bus = Broken()
    async with staged(Scripted()) as stage:
        broken = stage.worker
        ports = replace(broken._ports, bus=bus)
        worker = type(broken)("echo", "here-echo-1", {"echo": Scripted()}, ports, CALM)
        for _ in range(2):
            with pytest.raises(ExceptionGroup):
                await worker.run()
        await worker.drain()
    incarnations = {beat.incarnation for beat in bus.beats}
    assert len(incarnations) == len(bus.beats)


async def test_a_drained_worker_does_not_start_again() -> None:
    async with staged(Scripted()) as stage:
        await stage.worker.drain()
        assert stage.running is not None
        await stage.running
        async with asyncio.timeout(5):
            await stage.worker.run()
        assert not stage.bus.tasks_queue.is_consumed
