"""The dispatcher's loops on the in-process broker and store: nudged, swept, and under bad input."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from dispatcher import reading
from dispatcher.assignment import Agents
from dispatcher.outgoing import Outgoing
from dispatcher.policy import Policy
from dispatcher.role import Dispatcher, Outside
from domain import events as e
from domain.errors import Misconfigured
from domain.lives import exec_id, incarnation
from domain.messages import (
    ErrorContent,
    Heartbeat,
    Hello,
    Holding,
    Notice,
    NoticeMetadata,
    Nudge,
    ResultContent,
    ResultMessage,
    ResultMetadata,
    SkillEntry,
    TaskMessage,
)
from domain.ports import Arrival, Subscription
from domain.progress import run, step
from domain.skill import SkillSpec
from domain.task import FINAL, Lease, Subtask, SubtaskState, Task
from messaging import TransportAgentBus, TransportControlBus, memory_transport
from storage import SqlStore
from tests.builders import chain, node, plan, planned, released
from tests.fakes import START, CountingEntropy, FakeClock
from tests.unit.dispatcher.crew import worker

PATIENCE_S = 10


@dataclass
class World:
    """A running dispatcher and both ends of its broker."""

    store: SqlStore
    clock: FakeClock
    control: TransportControlBus
    agent: TransportAgentBus
    tasks: Subscription[TaskMessage]

    async def start(self, task: Task) -> None:
        await self.store.transact(lambda uow: uow.tasks.add(task))
        await self.control.nudge([Nudge(kind="planned", task_id=task.id)])

    async def next(self) -> Arrival[TaskMessage]:
        async with asyncio.timeout(PATIENCE_S):
            (arrival,) = await self.tasks.batch(1)
        return arrival

    async def report(self, key: str, **changes: object) -> None:
        given = {
            "task_id": f"AAAAAA.{key}",
            "source": "echo",
            "status": "success",
            "content": ResultContent(summary="ok"),
        }
        await self.agent.report("echo", ResultMessage(**{**given, **changes}))

    async def until(self, key: str, is_so: Callable[[Subtask], bool]) -> Subtask:
        """Wait until a subtask is as wished; looks after every change the dispatcher tells of."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                task = await self.store.transact(lambda uow: uow.tasks.peek("AAAAAA"))
                if task is not None and is_so(task.subtasks[key]):
                    return task.subtasks[key]

    async def until_agents(self, count: int) -> None:
        """Wait until so many workers count as alive; every look lets the loops go on."""
        async with asyncio.timeout(PATIENCE_S):
            while len(await self.store.transact(lambda uow: uow.registry.alive(self.clock.now()))) != count:
                pass


def is_in(state: SubtaskState) -> Callable[[Subtask], bool]:
    return lambda sub: sub.state is state


@asynccontextmanager
async def dispatching(store: SqlStore, clock: FakeClock, transport) -> AsyncIterator[World]:
    control, agent = TransportControlBus(transport), TransportAgentBus(transport)
    outside = Outside(store=store, bus=control, clock=clock, entropy=CountingEntropy())
    dispatcher = Dispatcher(outside, Policy())
    await control.declare(["echo"])
    async with asyncio.TaskGroup() as group:
        running = group.create_task(dispatcher.run())
        async with agent.tasks("echo", 10) as tasks:
            world = World(store, clock, control, agent, tasks)
            await agent.report("echo", Hello(agent="echo", worker="w1", skills=[SkillEntry(name="echo")]))
            await world.until_agents(1)
            yield world
        running.cancel()


@pytest.fixture
async def world(store) -> AsyncIterator[World]:
    clock = FakeClock()
    async with dispatching(store, clock, memory_transport(clock)) as running:
        yield running


async def test_a_chain_goes_all_the_way(world):
    await world.start(planned(chain("a", "b")))
    for key in ("a", "b"):
        arrival = await world.next()
        assert arrival.message.task_id == f"AAAAAA.{key}"
        await world.report(key, metadata=ResultMetadata(attempt=1))
        await world.tasks.ack([arrival])
    await world.until("b", is_in(SubtaskState.SUCCEEDED))
    task = await world.store.transact(lambda uow: uow.tasks.peek("AAAAAA"))
    assert task is not None
    assert task.settled_at is not None


async def test_a_result_counts_though_its_worker_has_a_new_life_already(store):
    """Both came while nobody listened, in this order; the hello ends what the last life left, not what it did."""
    clock = FakeClock()
    transport = memory_transport(clock)
    agent, old, new = TransportAgentBus(transport), incarnation(START, 1), incarnation(START + timedelta(seconds=1), 2)
    await TransportControlBus(transport).declare(["echo"])
    lease = Lease(exec_id=exec_id(old, 1), worker="w1", until=START + timedelta(seconds=600))
    held = e.Claimed(key="a", attempt=1, lease=lease, at=START, due_at=START + timedelta(seconds=900))
    task, _ = step(released(planned(chain("a")), "a"), held)
    await store.transact(lambda uow: uow.tasks.add(task))
    await store.transact(lambda uow: uow.registry.hello(replace(worker("echo"), worker="w1", incarnation=old)))
    metadata = ResultMetadata(attempt=1, exec_id=lease.exec_id, worker="w1")
    await agent.report("echo", ResultMessage(task_id="AAAAAA.a", source="echo", status="success", metadata=metadata))
    hello = Hello(agent="echo", worker="w1", incarnation=new, skills=[SkillEntry(name="echo")])
    await agent.report("echo", hello)
    async with dispatching(store, clock, transport) as world:
        sub = await world.until("a", lambda sub: sub.lease is None)
    assert (sub.state, sub.failures) == (SubtaskState.SUCCEEDED, 0)


async def test_a_settled_task_is_told(world):
    async with world.control.nudges("settled") as nudges:
        await world.start(planned(chain("a")))
        await world.next()
        await world.report("a")
        async with asyncio.timeout(PATIENCE_S):
            (nudge,) = await nudges.batch(1)
    assert nudge.message.task_id == "AAAAAA"


async def test_a_forged_a_foreign_and_an_unknown_report_are_dropped(world):
    await world.start(planned(chain("a", "b")))
    await world.next()
    await world.agent.report("mallory", ResultMessage(task_id="AAAAAA.a", source="echo", status="success"))
    await world.agent.report("mallory", ResultMessage(task_id="AAAAAA.a", source="mallory", status="success"))
    await world.report("zzz")
    await world.report("a", task_id="what is this")
    await world.agent.report("mallory", Hello(agent="echo", worker="evil", skills=[]))
    await world.report("a", content=ResultContent(summary="the real one"))
    sub = await world.until("a", is_in(SubtaskState.SUCCEEDED))
    assert sub.result is not None
    assert sub.result.summary == "the real one"
    workers = await world.store.transact(lambda uow: uow.registry.alive(world.clock.now()))
    assert [worker.worker for worker in workers] == ["w1"]


async def test_a_handed_back_attempt_is_sent_again_without_costing_a_try(world):
    await world.start(planned(chain("a")))
    arrival = await world.next()
    about = NoticeMetadata(attempt=1, reason="redelivered")
    await world.agent.report("echo", Notice(task_id="AAAAAA.a", type="handback", source="echo", metadata=about))
    await world.tasks.ack([arrival])
    again = await world.next()
    assert (again.message.metadata.attempt, again.message.metadata.retry_count) == (2, 0)


async def test_a_retry_waits_for_its_pause_and_not_for_the_next_sweep(world):
    """Sweeps are ten seconds apart; the report itself says when there is something to do."""
    keys = [f"s{place}" for place in range(9)]  # by the last one the sweeper sleeps
    await world.start(planned(chain(*keys)))
    for key in keys[:-1]:
        await world.tasks.ack([await world.next()])
        await world.report(key, metadata=ResultMetadata(attempt=1))
    await world.tasks.ack([await world.next()])
    trouble = ResultContent(error=ErrorContent(message="busy", retryable=True, retry_after_s=0.1))
    await world.report(keys[-1], status="busy", content=trouble, metadata=ResultMetadata(attempt=1))
    waiting = await world.until(keys[-1], lambda sub: sub.failures == 1)
    assert waiting.due_at is not None
    await world.clock.advance((waiting.due_at - world.clock.now()).total_seconds())
    async with asyncio.timeout(5):
        (again,) = await world.tasks.batch(1)
    assert again.message.metadata.attempt == 2


async def test_a_deadline_soon_after_the_plan_is_kept(world):
    """It was not there when the sweeper went to sleep."""
    deadline_at = world.clock.now() + timedelta(seconds=0.1)
    await world.start(replace(planned(chain("a")), deadline_at=deadline_at))
    await world.next()
    await world.clock.advance(0.2)
    async with asyncio.timeout(5):
        await world.until("a", lambda sub: sub.state in FINAL)


async def test_a_rejected_message_comes_back_as_an_event(world):
    await world.start(planned(chain("a")))
    await world.tasks.reject([await world.next()])
    again = await world.next()
    assert again.message.metadata.attempt == 2


async def test_a_lease_is_given_extended_and_lost(world):
    await world.start(planned(chain("a")))
    await world.tasks.ack([await world.next()])
    about = NoticeMetadata(attempt=1, exec_id="x1", worker="w1")
    await world.agent.report("echo", Notice(task_id="AAAAAA.a", type="started", source="echo", metadata=about))
    first = (await world.until("a", is_in(SubtaskState.RUNNING))).lease
    await world.clock.advance(20)
    holding = [Holding(task_id="AAAAAA.a", attempt=1, exec_id="x1")]
    await world.agent.beat(Heartbeat(agent="echo", worker="w1", holding=holding))
    assert first is not None
    extended = await world.until("a", lambda sub: sub.lease is not None and sub.lease.until > first.until)
    assert extended.lease is not None
    await world.clock.advance((extended.lease.until - world.clock.now()).total_seconds() + 1)
    await world.control.nudge([Nudge(kind="planned", task_id="AAAAAA")])
    lost = await world.until("a", lambda sub: sub.failures == 1)
    assert lost.failure is not None
    assert lost.failure.code == "lease_expired"


async def test_a_second_execution_is_stopped_by_order(world):
    await world.start(planned(chain("a")))
    await world.next()
    async with world.agent.orders("echo", "w2") as orders:
        for exec_id, worker in (("x1", "w1"), ("x2", "w2")):
            about = NoticeMetadata(attempt=1, exec_id=exec_id, worker=worker)
            await world.agent.report("echo", Notice(task_id="AAAAAA.a", type="started", source="echo", metadata=about))
        async with asyncio.timeout(PATIENCE_S):
            (order,) = await orders.batch(1)
    assert (order.message.type, order.message.exec_id) == ("stop", "x2")


async def test_a_stopped_worker_is_gone(world):
    await world.agent.beat(Heartbeat(agent="echo", worker="w1", status="stopped"))
    await world.until_agents(0)


async def test_a_dispatcher_that_died_after_its_commit_is_made_up_for(store):
    """Rows say dispatched, the broker never got the message: a fresh dispatcher on a fresh broker sends it."""
    task = planned(plan(node("a")))
    released = e.Released(key="a", agent="echo", at=START, due_at=START + timedelta(minutes=2))
    await store.transact(lambda uow: uow.tasks.add(run(task, [released])[0]))
    clock = FakeClock()
    async with dispatching(store, clock, memory_transport(clock)) as world:
        arrival = await world.next()
    assert (arrival.message.task_id, arrival.message.metadata.attempt) == ("AAAAAA.a", 1)


async def test_one_report_that_breaks_the_settling_does_not_stop_the_others(world, monkeypatch):
    original = reading.event_of

    def breaking(report, *rest):
        if report.content.summary == "poison":
            raise KeyError("a bug")
        return original(report, *rest)

    monkeypatch.setattr(reading, "event_of", breaking)
    await world.start(planned(plan(node("a"), node("b"))))
    for _ in range(2):
        await world.tasks.ack([await world.next()])
    await world.report("a", content=ResultContent(summary="poison"))
    await world.report("b")
    await world.until("b", is_in(SubtaskState.SUCCEEDED))


async def test_a_plan_that_an_agent_brings_runs_in_its_place(world):
    await world.start(planned(chain("a", "b")))
    await world.tasks.ack([await world.next()])
    tasks = [{"id": "x", "skill": "echo"}, {"id": "y", "skill": "echo", "dependencies": ["x"]}]
    await world.report("a", content=ResultContent(summary="two steps", plan={"tasks": tasks}))
    for key, output in (("a.x", 1), ("a.y", 2)):
        arrival = await world.next()
        assert arrival.message.task_id == f"AAAAAA.{key}"
        await world.report(key, content=ResultContent(output=output))
        await world.tasks.ack([arrival])
    last = await world.next()
    assert last.message.task_id == "AAAAAA.b"
    assert last.message.content.context.upstream["a"].output == 2


async def test_a_plan_is_checked_against_the_agents_of_this_moment(world):
    """Not against those of the last sweep, which knew fewer, or at the start none."""
    await world.start(planned(chain("a")))
    await world.tasks.ack([await world.next()])
    late = worker("late", SkillSpec(name="late", description=""))
    await world.store.transact(lambda uow: uow.registry.hello(late))
    await world.report("a", content=ResultContent(plan={"tasks": [{"id": "x", "skill": "late"}]}))
    divided = await world.until("a", lambda sub: sub.state is not SubtaskState.DISPATCHED)
    assert divided.failure is None
    await world.until("a.x", lambda sub: sub.agent == "late")


async def test_a_task_to_be_planned_anew_wakes_the_planner(world):
    async with world.control.nudges("received") as nudges:
        await world.start(planned(plan(node("a", critical=True), rounds_left=1)))
        await world.next()
        await world.report("a", status="refused", content=ResultContent(error=ErrorContent(message="no")))
        async with asyncio.timeout(PATIENCE_S):
            (nudge,) = await nudges.batch(1)
    assert (nudge.message.kind, nudge.message.task_id) == ("received", "AAAAAA")


class Refusing(TransportControlBus):
    """On a broker where an agent's queue stands otherwise than it should."""

    async def declare(self, agents: Collection[str]) -> None:
        raise Misconfigured("error.broker_differs", kind="", name="", argument="", ours="", theirs="")


async def test_a_queue_that_stands_otherwise_stops_nobody(store):
    """Neither what cannot be sent to it, nor what is made anew after a broker lost everything."""
    clock = FakeClock()
    bus = Refusing(memory_transport(clock))
    outgoing = Outgoing(store, bus, clock, CountingEntropy(), Policy())
    await store.transact(lambda uow: uow.tasks.add(released(planned(chain("a")), "a")))
    for _ in range(2):
        await outgoing.resend(Agents.of((), START, ()), lost_all=True)
    unsent = await store.transact(lambda uow: uow.outbox.unpublished(clock.now(), 9))
    assert [str(subtask) for subtask, _ in unsent] == ["AAAAAA.a"]
