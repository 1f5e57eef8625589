"""Which tasks are to be worked on: the locking queries of `Tasks`, and when to look again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain import events as e
from domain.answer import Answer, Author
from domain.plan import Node
from domain.ports import UnitOfWork
from domain.skill import Effect
from domain.task import Failure, Lease, ModelAway, Scope, Task, TaskState
from tests.builders import SCOPE, chain, node, plan, planned, released, task
from tests.contract.stores import Ground
from tests.fakes import START

SECOND = timedelta(seconds=1)
MOMENT = timedelta(microseconds=1)
FAR = START + timedelta(days=1)
ANSWER = Answer(statements=(), author=Author.RULES)


def ids(tasks: list[Task]) -> list[str]:
    return [one.id for one in tasks]


def at(seconds: float) -> datetime:
    return START + seconds * SECOND


def received(now: datetime, limit: int = 10) -> Callable[[UnitOfWork], list[str]]:
    return lambda unit: ids(unit.tasks.lock_received(now, limit))


def postponed(now: datetime, limit: int = 10) -> Callable[[UnitOfWork], list[str]]:
    return lambda unit: ids(unit.tasks.lock_postponed(now, limit))


def settled(now: datetime, limit: int = 10) -> Callable[[UnitOfWork], list[str]]:
    return lambda unit: ids(unit.tasks.lock_settled(now, limit))


def ready(now: datetime, limit: int = 10) -> Callable[[UnitOfWork], list[str]]:
    return lambda unit: ids(unit.tasks.lock_ready(now, limit))


def overdue(now: datetime, leases_until: datetime = START, limit: int = 10) -> Callable[[UnitOfWork], list[str]]:
    return lambda unit: ids(unit.tasks.lock_overdue(now, leases_until, limit))


async def test_received_are_those_without_a_plan_oldest_first(ground: Ground) -> None:
    await ground.add(
        task("AAAAAA", created_at=at(3)),
        task("BBBBBB", created_at=at(1)),
        task("CCCCCC", created_at=at(2)),
        planned(chain("a"), "DDDDDD"),
        replace(task("EEEEEE"), settled_at=START, failure=Failure(code="no_plan")),
    )
    assert await ground.do(received(START)) == ["BBBBBB", "CCCCCC", "AAAAAA"]
    assert await ground.do(received(START, limit=2)) == ["BBBBBB", "CCCCCC"]


async def test_a_claimed_task_is_free_again_when_the_claim_ends(ground: Ground) -> None:
    await ground.add(task("AAAAAA"), planned(chain("a"), "BBBBBB"))
    await ground.happens("AAAAAA", e.PlanningStarted(until=at(5)))
    await ground.happens("BBBBBB", e.CancelRequested(at=START), e.AnsweringStarted(until=at(5)))
    for queue, task_id in ((received, "AAAAAA"), (settled, "BBBBBB")):
        assert await ground.do(queue(at(5) - MOMENT)) == []
        assert await ground.do(queue(at(5))) == [task_id]


async def test_a_task_whose_model_is_away_has_a_queue_of_its_own(ground: Ground) -> None:
    await ground.add(*(task(name, created_at=at(-place)) for place, name in enumerate(("AAAAAA", "BBBBBB", "CCCCCC"))))
    gone = e.ModelGone(
        cause="m1: HTTP 503",
        failure=Failure(code="no_plan"),
        patience_s=60,
        retry_after_s=5,
        jitter=0.0,
        at=START,
    )
    for name in ("AAAAAA", "BBBBBB"):
        await ground.happens(name, gone)
    assert await ground.do(received(FAR)) == ["CCCCCC"]
    assert await ground.do(postponed(at(5) - MOMENT)) == []
    assert await ground.do(postponed(at(5))) == ["BBBBBB", "AAAAAA"]
    assert await ground.do(postponed(at(5), limit=1)) == ["BBBBBB"]
    kept = await ground.do(lambda unit: unit.tasks.lock(["AAAAAA"])["AAAAAA"])
    assert kept.model_away == ModelAway(cause="m1: HTTP 503", asked=1, until=at(60))
    await ground.happens("AAAAAA", e.PlanningStarted(until=at(9)))
    assert await ground.do(postponed(at(9) - MOMENT)) == ["BBBBBB"]
    await ground.happens("BBBBBB", e.Reworded(request="other", language="en", uploads=()))
    assert await ground.do(postponed(at(9))) == ["AAAAAA"]
    await ground.happens("AAAAAA", e.CancelRequested(at=START))
    assert await ground.do(postponed(FAR)) == []


async def test_settled_are_those_that_lack_only_their_answer(ground: Ground) -> None:
    await ground.add(
        *(planned(chain("a"), name, created_at=at(-place)) for place, name in enumerate(("AAAAAA", "BBBBBB", "CCCCCC")))
    )
    assert await ground.do(settled(START)) == []
    for name in ("AAAAAA", "BBBBBB"):
        await ground.happens(name, e.CancelRequested(at=START))
    assert await ground.do(settled(START)) == ["BBBBBB", "AAAAAA"]
    assert await ground.do(settled(START, limit=1)) == ["BBBBBB"]
    await ground.happens("BBBBBB", e.Answered(answer=ANSWER, at=START))
    assert await ground.do(settled(FAR)) == ["AAAAAA"]


async def test_ready_are_those_with_something_due(ground: Ground) -> None:
    later = released(planned(chain("a"), "BBBBBB", created_at=at(-1)), "a")
    failed = e.Failed(
        key="a",
        attempt=1,
        exec_id=None,
        agent="echo",
        failure=Failure(code="x", retryable=True, retry_after_s=5),
        at=START,
        jitter=0.0,
    )
    await ground.add(
        planned(chain("a", "b"), "AAAAAA"), later, task("CCCCCC"), released(planned(chain("a"), "DDDDDD"), "a")
    )
    assert await ground.do(ready(START)) == ["AAAAAA"]
    await ground.happens("BBBBBB", failed)
    assert await ground.do(ready(at(5) - MOMENT)) == ["AAAAAA"]
    assert await ground.do(ready(at(5))) == ["BBBBBB", "AAAAAA"]
    assert await ground.do(ready(at(5), limit=1)) == ["BBBBBB"]


async def test_of_named_tasks_those_with_something_due_are_held(ground: Ground) -> None:
    asked = e.Planned(plan=plan(node("a", approval=True)), at=START)
    await ground.add(
        planned(chain("a", "b"), "AAAAAA"),
        released(planned(chain("a"), "BBBBBB"), "a"),
        task("CCCCCC"),
        task("DDDDDD"),
        planned(chain("a"), "EEEEEE"),
    )
    await ground.happens("DDDDDD", asked)

    def named(*names: str) -> Callable[[UnitOfWork], list[str]]:
        return lambda unit: ids(unit.tasks.lock_ready_of(names, START))

    assert await ground.do(named("DDDDDD", "AAAAAA", "BBBBBB", "CCCCCC", "unknown")) == ["AAAAAA"]
    assert await ground.do(named()) == []

    def release(unit: UnitOfWork) -> Task:
        (held,) = unit.tasks.lock_ready_of(["AAAAAA"], START)
        return unit.tasks.put(released(held, "a"))

    assert (await ground.do(release)).version == 1
    assert await ground.do(named("AAAAAA", "EEEEEE")) == ["EEEEEE"]


async def test_nobody_waits_behind_another_users_backlog(ground: Ground) -> None:
    backlog = [planned(chain("a"), f"AAAAA{place}", created_at=at(place - 9)) for place in range(9)]
    other = planned(chain("a"), "BBBBBB", scope=Scope(tenant="main", owner="console:bob"), created_at=at(9))
    await ground.add(*backlog, other)
    assert sorted(await ground.do(ready(FAR, limit=3))) == ["AAAAA0", "AAAAA1", "BBBBBB"]


async def test_a_task_that_only_waits_for_a_person_is_passed_over(ground: Ground) -> None:
    waiting = planned(plan(Node(id="a", skill="send", effect=Effect.EXTERNAL)))
    assert waiting.state is TaskState.WAITING
    await ground.add(waiting)
    assert await ground.do(ready(FAR)) == []
    await ground.happens("AAAAAA", e.Approved(at=START))
    assert await ground.do(ready(START)) == ["AAAAAA"]


async def test_overdue_by_deadline_until_settled(ground: Ground) -> None:
    await ground.add(task("AAAAAA", deadline_at=at(5)), task("BBBBBB", deadline_at=at(6)))
    assert await ground.do(overdue(at(5) - MOMENT)) == []
    assert await ground.do(overdue(at(5))) == ["AAAAAA"]
    assert await ground.do(overdue(at(6))) == ["AAAAAA", "BBBBBB"]
    assert await ground.do(overdue(at(6), limit=1)) == ["AAAAAA"]
    await ground.happens("AAAAAA", e.DeadlinePassed(at=at(5)))
    assert await ground.do(overdue(at(6))) == ["BBBBBB"]


async def test_overdue_by_a_dispatch_without_news(ground: Ground) -> None:
    await ground.add(released(planned(chain("a")), "a"))  # due in two minutes
    assert await ground.do(overdue(at(120) - MOMENT)) == []
    assert await ground.do(overdue(at(120))) == ["AAAAAA"]


async def test_overdue_by_a_lease_that_ended_as_far_as_the_lease_clock_went(ground: Ground) -> None:
    started = e.Started(key="a", attempt=1, lease=Lease(exec_id="x", worker="w", until=at(30)), at=START, due_at=FAR)
    await ground.add(released(planned(chain("a")), "a"))
    await ground.happens("AAAAAA", started)
    assert await ground.do(overdue(at(100), leases_until=at(30) - MOMENT)) == []
    assert await ground.do(overdue(START, leases_until=at(30))) == ["AAAAAA"]


async def test_in_flight_counts_per_user(ground: Ground) -> None:
    other = Scope(tenant="main", owner="console:bob")
    wide = plan(node("a"), node("b"), node("c"))
    await ground.add(
        released(planned(wide, "AAAAAA"), "a", "b"),
        released(planned(wide, "BBBBBB"), "a"),
        released(planned(wide, "CCCCCC", scope=other), "c"),
        planned(wide, "DDDDDD", scope=Scope(tenant="x", owner="console:ann")),
    )
    assert await ground.do(lambda unit: unit.tasks.in_flight()) == {SCOPE: 3, other: 1}
    lease = Lease(exec_id="x", worker="w", until=FAR)
    await ground.happens("AAAAAA", e.Started(key="a", attempt=1, lease=lease, at=START, due_at=FAR))
    await ground.happens("CCCCCC", e.CancelRequested(at=START))
    assert await ground.do(lambda unit: unit.tasks.in_flight()) == {SCOPE: 3}


async def test_next_due_is_the_next_time_that_anything_runs_out(ground: Ground) -> None:
    async def next_due() -> datetime | None:
        return await ground.do(lambda unit: unit.tasks.next_due())

    assert await next_due() is None
    await ground.add(planned(chain("a"), deadline_at=at(500)))
    assert await next_due() == at(500)
    await ground.happens("AAAAAA", e.Released(key="a", agent="echo", at=START, due_at=at(400)))
    assert await next_due() == at(400)
    lease = Lease(exec_id="x", worker="w", until=at(300))
    await ground.happens("AAAAAA", e.Started(key="a", attempt=1, lease=lease, at=START, due_at=at(400)))
    assert await next_due() == at(300)
    failure = Failure(code="x", retryable=True, retry_after_s=200)
    await ground.happens(
        "AAAAAA", e.Failed(key="a", attempt=1, exec_id="x", agent="echo", failure=failure, at=START, jitter=0.0)
    )
    assert await next_due() == at(200)
    await ground.clock.advance(200)  # what is due already is no news
    assert await next_due() == at(500)
    await ground.happens("AAAAAA", e.CancelRequested(at=START))
    assert await next_due() is None


@pytest.mark.parametrize("queue", [received, settled, ready, overdue])
async def test_what_another_process_holds_is_passed_over(postgres: Ground, queue: Any) -> None:
    tasks = {
        received: [task("AAAAAA"), task("BBBBBB")],
        settled: [replace(task("AAAAAA"), settled_at=START), replace(task("BBBBBB"), settled_at=START)],
        ready: [planned(chain("a"), "AAAAAA"), planned(chain("a"), "BBBBBB")],
        overdue: [task("AAAAAA", deadline_at=START), task("BBBBBB", deadline_at=START)],
    }
    await postgres.add(*tasks[queue])
    loop, other = asyncio.get_running_loop(), postgres.another()

    def hold_one(unit: UnitOfWork) -> list[str]:
        assert queue(START, limit=1)(unit) == ["AAAAAA"]
        return asyncio.run_coroutine_threadsafe(other.transact(queue(START)), loop).result(20)

    assert await postgres.do(hold_one) == ["BBBBBB"]
    assert await other.transact(queue(START)) == ["AAAAAA", "BBBBBB"]
