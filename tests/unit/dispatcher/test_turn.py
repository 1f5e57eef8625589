"""Turns against the in-memory store: what is settled, what is released, what comes back to be told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from dispatcher.assignment import Agents
from dispatcher.policy import Policy
from dispatcher.turn import Arrived, Decided, Turn
from domain import events as e
from domain.plan import Plan
from domain.release import Window
from domain.skill import Effect
from domain.task import Failure, Lease, Result, Scope, SubtaskState, Task, TaskState
from storage import SqlStore, migrate, open_store
from tests.builders import chain, node, plan, planned
from tests.fakes import START, CountingEntropy, FakeClock

OFFERED = {"echo": ["echo"]}
ECHO = Agents(alive=OFFERED, known=OFFERED, claiming=OFFERED)
Take = Callable[..., object]


@pytest.fixture
async def store(tmp_path) -> AsyncIterator[SqlStore]:
    url = f"sqlite:///{tmp_path}/t.db"
    migrate(url)
    opened = open_store(url, FakeClock())
    yield opened
    await opened.close()


async def keep(store: SqlStore, *tasks: Task) -> None:
    for task in tasks:
        await store.transact(lambda uow, task=task: uow.tasks.add(task))


async def take(
    store: SqlStore,
    arrived: Arrived | None = None,
    *,
    policy: Policy | None = None,
    agents: Agents = ECHO,
    at_s: float = 0,
) -> Decided:
    now = START + timedelta(seconds=at_s)
    given = arrived or Arrived(looks_around=True)
    return await store.transact(lambda uow: Turn(policy or Policy(), agents, CountingEntropy(), now)(uow, given))


async def stored(store: SqlStore, task_id: str = "AAAAAA") -> Task:
    found = await store.transact(lambda uow: uow.tasks.peek(task_id))
    assert found is not None
    return found


def report(*events: e.Event, task_id: str = "AAAAAA") -> Arrived:
    return Arrived(readers={task_id: [lambda _task, event=event: (event,) for event in events]})


def succeeded(key: str, output: object = None, attempt: int | None = 1) -> e.Succeeded:
    return e.Succeeded(
        key=key, attempt=attempt, exec_id=None, agent="echo", result=Result(summary="ok", output=output), at=START
    )


def failed(key: str, code: str = "crashed", *, retryable: bool = True) -> e.Failed:
    failure = Failure(code=code, retryable=retryable)
    return e.Failed(key=key, attempt=1, exec_id=None, agent="echo", failure=failure, at=START, jitter=0.5)


def started(key: str, exec_id: str = "x1") -> e.Started:
    lease = Lease(exec_id=exec_id, worker="w1", until=START + timedelta(seconds=30))
    return e.Started(key=key, attempt=1, lease=lease, at=START, due_at=START + timedelta(seconds=75))


def sent(decided: Decided) -> list[str]:
    return [message.task_id for message in decided.messages]


async def test_what_is_ready_is_sent_and_written_down(store):
    await keep(store, planned(chain("a", "b")))
    decided = await take(store)
    assert sent(decided) == ["AAAAAA.a"]
    assert decided.changed == ["AAAAAA"]
    task = await stored(store)
    assert (task.subtasks["a"].state, task.subtasks["a"].attempt) == (SubtaskState.DISPATCHED, 1)
    assert (await take(store)).messages == []


async def test_settling_releases_the_child_in_the_same_transaction(store):
    await keep(store, planned(chain("a", "b")))
    await take(store)
    decided = await take(store, report(succeeded("a")))
    assert sent(decided) == ["AAAAAA.b"]
    task = await stored(store)
    assert [task.subtasks[key].state for key in "ab"] == [SubtaskState.SUCCEEDED, SubtaskState.DISPATCHED]
    attempts = await store.transact(lambda uow: uow.tasks.attempts("AAAAAA"))
    assert [(attempt.key, attempt.outcome) for attempt in attempts] == [("a", "succeeded")]


async def test_the_last_result_settles_the_task_once(store):
    await keep(store, planned(plan(node("a"), node("b"))))
    await take(store)
    assert (await take(store, report(succeeded("a")))).settled == []
    assert (await take(store, report(succeeded("b"), succeeded("b")))).settled == ["AAAAAA"]
    again = await take(store, report(succeeded("b")))
    assert (again.settled, again.changed) == ([], [])


async def test_a_child_starts_when_its_own_dependencies_are_done(store):
    """Not when a whole layer is: b2 waits for a2 only."""
    await keep(store, planned(plan(node("a1"), node("a2"), node("b1", "a1"), node("b2", "a2"))))
    await take(store)
    assert sent(await take(store, report(succeeded("a2")))) == ["AAAAAA.b2"]


async def test_an_output_that_is_not_there_fails_its_user_at_once(store):
    await keep(store, planned(plan(node("a"), node("b", "a", params={"x": "{{a.output.nope}}"}))))
    await take(store)
    decided = await take(store, report(succeeded("a", output={})))
    assert decided.messages == []
    assert decided.settled == ["AAAAAA"]
    failure = (await stored(store)).subtasks["b"].failure
    assert failure is not None
    assert failure.code == "bad_reference"


async def test_one_task_never_has_more_than_its_window_in_flight(store):
    await keep(store, planned(plan(*(node(f"n{number}") for number in range(10)))))
    policy = Policy(window=Window(per_task=3, total=100))
    assert len((await take(store, policy=policy)).messages) == 3
    assert (await take(store, policy=policy)).messages == []
    assert len((await take(store, report(succeeded("n0"), succeeded("n1")), policy=policy)).messages) == 2


async def test_users_share_what_is_free(store):
    crowd = [planned(plan(*(node(f"n{n}") for n in range(8))), f"AAAAA{place}") for place in "123"]
    bob = replace(
        planned(plan(node("only")), "BBBBBB"),
        scope=Scope(tenant="main", owner="console:bob"),
        created_at=START + timedelta(seconds=9),
    )
    await keep(store, *crowd, bob)
    decided = await take(store, policy=Policy(window=Window(per_task=32, total=4)), at_s=10)
    assert "BBBBBB.only" in sent(decided)
    assert len(decided.messages) == 4


async def test_a_failure_waits_for_its_backoff(store):
    await keep(store, planned(chain("a")))
    await take(store)
    assert (await take(store, report(failed("a")))).messages == []
    due_at = await store.transact(lambda uow: uow.tasks.next_due())
    assert due_at == START + timedelta(seconds=0.5)
    assert sent(await take(store, at_s=0.4)) == []
    later = await take(store, at_s=0.6)
    assert [(message.metadata.attempt, message.metadata.retry_count) for message in later.messages] == [(2, 1)]


async def test_a_critical_failure_skips_the_rest_and_settles(store):
    await keep(store, planned(plan(node("a", critical=True), node("b", "a"), node("c"))))
    await take(store, policy=Policy(window=Window(per_task=1)))
    decided = await take(store, report(failed("a", retryable=False)))
    assert decided.settled == ["AAAAAA"]
    task = await stored(store)
    assert [task.subtasks[key].state for key in "abc"] == [
        SubtaskState.FAILED,
        SubtaskState.SKIPPED,
        SubtaskState.SKIPPED,
    ]


async def test_without_any_agent_it_stays_ready(store):
    await keep(store, planned(chain("a")))
    assert (await take(store, agents=Agents(alive={}, known={}, claiming={}))).messages == []
    assert (await stored(store)).subtasks["a"].state is SubtaskState.READY


async def test_timers_are_part_of_the_turn(store):
    await keep(store, planned(chain("a")))
    await take(store)
    now = START + timedelta(minutes=30)
    timers = Arrived(timers=lambda task: [e.DeadlinePassed(at=now)], leases_until=now)
    assert (await take(store, timers, at_s=1800)).settled == ["AAAAAA"]


async def test_an_execution_that_came_second_is_told_to_stop(store):
    await keep(store, planned(chain("a")))
    await take(store)
    decided = await take(store, report(started("a", "x1"), started("a", "x2")))
    assert [(task_id, order.lease.exec_id) for task_id, order in decided.orders] == [("AAAAAA", "x2")]
    lease = (await stored(store)).subtasks["a"].lease
    assert lease is not None
    assert lease.exec_id == "x1"


async def test_an_external_effect_waits_for_approval_and_then_for_its_grant(store):
    the_plan: Plan = plan(node("a", effect=Effect.EXTERNAL))
    await keep(store, planned(the_plan))
    assert (await take(store)).messages == []
    assert (await stored(store)).state is TaskState.WAITING
    approved = await take(store, report(e.Approved(at=START)))
    assert sent(approved) == ["AAAAAA.a"]
    lease = Lease(exec_id="x1", worker="w1", until=START + timedelta(seconds=30))
    claim = e.Claimed(key="a", attempt=1, lease=lease, at=START, due_at=START + timedelta(seconds=75))
    granted = await take(store, report(claim, replace(claim, lease=replace(lease, exec_id="x2"))))
    assert [(type(order).__name__, order.lease.exec_id) for _, order in granted.orders] == [
        ("Grant", "x1"),
        ("Stop", "x2"),
    ]


async def test_confirmed_attempts_are_written_down(store):
    await keep(store, planned(chain("a")))
    await take(store)
    unpublished = await store.transact(lambda uow: uow.outbox.unpublished(START, 10))
    assert [(str(name), attempt) for name, attempt in unpublished] == [("AAAAAA.a", 1)]
    await take(store, Arrived(confirmed=unpublished))
    assert await store.transact(lambda uow: uow.outbox.unpublished(START, 10)) == []


async def test_reports_about_unknown_tasks_change_nothing(store):
    decided = await take(store, report(succeeded("a"), task_id="ZZZZZZ"))
    assert (decided.changed, decided.messages) == ([], [])


async def test_an_external_effect_never_goes_to_a_listener_that_cannot_claim(store):
    await keep(store, planned(plan(node("a", effect=Effect.EXTERNAL))))
    silent = Agents(alive=OFFERED, known=OFFERED, claiming={})
    assert (await take(store, report(e.Approved(at=START)), agents=silent)).messages == []
    assert sent(await take(store)) == ["AAAAAA.a"]


async def test_what_had_to_stay_behind_is_a_hint_for_the_next_turn(store):
    await keep(store, planned(plan(*(node(f"n{number}") for number in range(3)))), planned(chain("a"), "BBBBBB"))
    policy = Policy(window=Window(per_task=1))
    first = await take(store, policy=policy)
    assert (len(first.messages), first.has_backlog) == (2, True)
    assert (await take(store, report(succeeded("a"), task_id="BBBBBB"))).has_backlog is False
    assert sent(await take(store, Arrived(looks_around=True))) == ["AAAAAA.n1", "AAAAAA.n2"]
