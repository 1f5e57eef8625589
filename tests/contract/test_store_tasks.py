"""Tasks as they are kept: what `Tasks` promises about adding, changing and finding one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from domain import events as e
from domain.answer import Answer, Author, Statement
from domain.plan import Node, Plan, Repair, When
from domain.progress import step
from domain.skill import Effect
from domain.task import (
    Attempt,
    Failure,
    Finding,
    Lease,
    Outcome,
    Result,
    Route,
    Scope,
    Subtask,
    SubtaskState,
    Task,
    TaskState,
)
from tests.builders import SCOPE, chain, plan, planned, released, task
from tests.contract.stores import Ground
from tests.fakes import START

LATER = START + timedelta(minutes=1)
OTHER = Scope(tenant="main", owner="console:bob")


def full_task() -> Task:
    """A task in which no field has its default."""
    node = Node(
        id="a",
        skill="send",
        name="发送",
        description="what it is for",
        params={"to": ["x", 1, 2.5, None, True], "deep": {"b": 1, "a": {}}, "big": 10**30},
        dependencies=("b",),
        critical=True,
        when=When.ANY_FAILED,
        effect=Effect.EXTERNAL,
        timeout_s=1.5,
        max_attempts=7,
    )
    full_plan = Plan(
        nodes=(node, Node(id="b", skill="echo")),
        answer="direct",
        repairs=(Repair(kind="renamed", subtask="b", before="a", after="b", reason="why"),),
        unplaced=("the rest",),
        author="offline",
    )
    sub = Subtask(
        key="a",
        state=SubtaskState.RUNNING,
        agent="yunce",
        attempt=3,
        failures=1,
        handbacks=2,
        approved=True,
        lease=Lease(exec_id="x1", worker="w1", until=LATER),
        due_at=LATER + timedelta(microseconds=1),
        dispatched_at=START,
        started_at=START + timedelta(microseconds=999_999),
        finished_at=LATER,
        result=Result(
            summary="done 好",
            output={"z": [1, {"y": None}], "a": 1.5},
            findings=(Finding(severity="high", message="m", where="f:1"),),
            files=("a.txt",),
        ),
        failure=Failure(code="timeout", message="late", retryable=True, retry_after_s=2.5),
    )
    return Task(
        id="AAAAAA",
        scope=Scope(tenant="t2", owner="telegram:7"),
        route=Route(platform="telegram", bot_id="b", chat_id="-100"),
        request="做这个 🚀",
        language="zh",
        trace_id="0af7651916cd43dd8448eb211c80319c",
        created_at=START,
        deadline_at=LATER,
        state=TaskState.ANSWERED,
        version=4,
        retry_of="BBBBBB",
        plan=full_plan,
        subtasks={"b": Subtask(key="b"), "a": sub},
        failure=Failure(code="no_plan"),
        claimed_until=LATER,
        cancelled_at=LATER,
        planned_at=LATER,
        settled_at=LATER,
        answered_at=LATER,
        answer=Answer(
            statements=(Statement(text="成功", sources=("a",)), Statement(text="")),
            author=Author.MODEL,
            files=("a.txt",),
        ),
    )


async def test_every_field_comes_back_in_another_process(shared: Ground) -> None:
    whole = full_task()
    await shared.add(whole)
    found = await shared.another().transact(lambda unit: unit.tasks.peek("AAAAAA"))
    assert found == whole
    assert list(found.subtasks) == ["b", "a"]
    assert list(found.subtasks["a"].result.output) == ["z", "a"]


async def test_every_field_can_change(shared: Ground) -> None:
    whole = full_task()
    await shared.add(task("AAAAAA", scope=whole.scope, route=whole.route, language="zh", request=whole.request))

    def change(unit: Any) -> Task:
        held = unit.tasks.lock(["AAAAAA"])["AAAAAA"]
        return unit.tasks.put(replace(whole, version=held.version, retry_of=held.retry_of, created_at=held.created_at))

    changed = await shared.do(change)
    assert changed == replace(whole, version=1, retry_of=None)
    assert await shared.another().transact(lambda unit: unit.tasks.peek("AAAAAA")) == changed


async def test_put_returns_the_task_with_its_version_raised(ground: Ground) -> None:
    await ground.add(task())
    put = await ground.happens("AAAAAA", e.Planned(plan=chain("a", "b"), at=START))
    assert put == replace(planned(chain("a", "b")), version=1)
    assert await ground.do(lambda unit: unit.tasks.peek("AAAAAA")) == put


async def test_what_was_put_is_seen_by_all_that_follows_in_the_same_transaction(ground: Ground) -> None:
    await ground.add(task())

    def work(unit: Any) -> None:
        first = unit.tasks.put(
            step(unit.tasks.lock(["AAAAAA"])["AAAAAA"], e.Planned(plan=chain("a", "b"), at=START))[0]
        )
        assert unit.tasks.lock(["AAAAAA"]) == {"AAAAAA": first}
        assert unit.tasks.lock_ready(START, 10) == [first]
        assert unit.tasks.find(SCOPE, "AAAAAA") == first
        second = unit.tasks.put(released(first, "a"))
        assert second.version == 2
        assert unit.tasks.lock_ready(START, 10) == []
        assert unit.tasks.in_flight() == {SCOPE: 1}
        assert unit.tasks.recent(SCOPE, 1)[0].total == 2
        assert [one.task for one in unit.deliveries.pending("console", "console", 10)] == [second]

    await ground.do(work)
    assert (await ground.do(lambda unit: unit.tasks.peek("AAAAAA"))).version == 2


async def test_an_added_task_may_be_changed_at_once(ground: Ground) -> None:
    def work(unit: Any) -> Task:
        unit.tasks.add(task())
        return unit.tasks.put(planned(chain("a")))

    assert await ground.do(work) == await ground.do(lambda unit: unit.tasks.peek("AAAAAA"))


async def test_putting_what_is_not_held_is_a_bug(ground: Ground) -> None:
    await ground.add(task())
    with pytest.raises(KeyError):
        await ground.do(lambda unit: unit.tasks.put(task()))
    with pytest.raises(KeyError):
        await ground.do(lambda unit: unit.tasks.put(unit.tasks.peek("AAAAAA")))


async def test_putting_over_a_newer_value_is_a_bug(ground: Ground) -> None:
    await ground.add(task())

    def work(unit: Any) -> None:
        held = unit.tasks.lock(["AAAAAA"])["AAAAAA"]
        unit.tasks.put(replace(held, cancelled_at=START))
        unit.tasks.put(replace(held, claimed_until=START))

    with pytest.raises(KeyError):
        await ground.do(work)
    assert await ground.do(lambda unit: unit.tasks.peek("AAAAAA")) == task()


async def test_putting_an_unchanged_task_changes_nothing(ground: Ground) -> None:
    await ground.add(task())
    assert await ground.do(lambda unit: unit.tasks.put(unit.tasks.lock(["AAAAAA"])["AAAAAA"])) == task()
    assert await ground.do(lambda unit: unit.tasks.peek("AAAAAA")) == task()


async def test_adding_a_taken_id_is_refused_and_harms_nothing(ground: Ground) -> None:
    await ground.add(task())

    def work(unit: Any) -> None:
        with pytest.raises(KeyError):
            unit.tasks.add(task(request="another"))
        unit.tasks.add(task("BBBBBB"))

    await ground.do(work)
    assert await ground.do(lambda unit: unit.tasks.peek("AAAAAA")) == task()
    assert await ground.do(lambda unit: unit.tasks.peek("BBBBBB")) == task("BBBBBB")


async def test_locking_leaves_out_unknown_ids(ground: Ground) -> None:
    await ground.add(task("AAAAAA"), task("BBBBBB"))
    locked = await ground.do(lambda unit: unit.tasks.lock(["BBBBBB", "ZZZZZZ", "AAAAAA", "BBBBBB"]))
    assert locked == {"BBBBBB": task("BBBBBB"), "AAAAAA": task("AAAAAA")}
    assert await ground.do(lambda unit: unit.tasks.lock([])) == {}


async def test_a_failed_plan_leaves_no_subtasks(shared: Ground) -> None:
    await shared.add(task())
    failed = await shared.happens("AAAAAA", e.PlanFailed(failure=Failure(code="no_plan"), at=START))
    assert (failed.settled_at, failed.subtasks) == (START, {})
    assert await shared.another().transact(lambda unit: unit.tasks.peek("AAAAAA")) == failed


async def test_nobody_finds_somebody_elses_task(ground: Ground) -> None:
    elsewhere = Scope(tenant="other", owner=SCOPE.owner)
    await ground.add(task("AAAAAA"), task("BBBBBB", scope=OTHER), task("CCCCCC", scope=elsewhere))

    def look(unit: Any) -> None:
        for scope, own in ((SCOPE, "AAAAAA"), (OTHER, "BBBBBB"), (elsewhere, "CCCCCC")):
            found = {one: unit.tasks.find(scope, one) for one in ("AAAAAA", "BBBBBB", "CCCCCC", "DDDDDD")}
            assert [one for one, value in found.items() if value] == [own]
            assert [line.id for line in unit.tasks.recent(scope, 10)] == [own]
        assert unit.tasks.peek("BBBBBB") == task("BBBBBB", scope=OTHER)
        assert unit.tasks.peek("DDDDDD") is None

    await ground.do(look)
    await ground.do(look)  # once more, out of memory


async def test_recent_is_newest_first_with_progress(ground: Ground) -> None:
    old = planned(chain("a", "b", "c"), "AAAAAA", created_at=START - timedelta(hours=1))
    done = e.Succeeded(key="a", attempt=1, exec_id=None, agent="echo", result=Result(summary=""), at=START)
    await ground.add(released(old, "a"), task("BBBBBB", request="second"), task("CCCCCC", scope=OTHER))
    await ground.happens("AAAAAA", done)

    mine = await ground.do(lambda unit: unit.tasks.recent(SCOPE, 10))
    assert [(line.id, line.done, line.total) for line in mine] == [("BBBBBB", 0, 0), ("AAAAAA", 1, 3)]
    assert (mine[0].request, mine[0].state, mine[0].created_at) == ("second", TaskState.RECEIVED, START)
    assert [line.id for line in await ground.do(lambda unit: unit.tasks.recent(None, 2))] == ["CCCCCC", "BBBBBB"]


async def test_attempts_come_back_in_the_order_they_ended(ground: Ground) -> None:
    await ground.add(released(planned(plan(Node(id="b", skill="x"), Node(id="a", skill="x"))), "b", "a"))
    first = Attempt(
        key="b",
        number=1,
        agent="yunce",
        worker="w",
        exec_id="x",
        started_at=START,
        ended_at=LATER,
        outcome=Outcome.LEASE_EXPIRED,
        failure=Failure(code="lease_expired", retryable=True),
    )
    same_time = replace(first, key="a", worker=None, exec_id=None, started_at=None, failure=None)
    earlier = replace(first, number=2, ended_at=START)

    def record(unit: Any) -> None:
        held = unit.tasks.lock(["AAAAAA"])["AAAAAA"]
        unit.tasks.put(replace(held, claimed_until=LATER), [first, same_time])

    await ground.do(record)
    await ground.do(lambda unit: unit.tasks.put(unit.tasks.lock(["AAAAAA"])["AAAAAA"], [earlier]))
    assert await ground.do(lambda unit: unit.tasks.attempts("AAAAAA")) == [earlier, first, same_time]
    assert await ground.do(lambda unit: unit.tasks.attempts("ZZZZZZ")) == []


async def test_times_are_utc_to_the_microsecond_from_any_zone(shared: Ground) -> None:
    at = datetime(2026, 1, 1, 20, 0, 0, 1, tzinfo=timezone(timedelta(hours=8)))
    await shared.add(task(deadline_at=at))
    found = await shared.another().transact(lambda unit: unit.tasks.peek("AAAAAA"))
    assert found.deadline_at == at
    assert found.deadline_at.tzinfo is UTC
    with pytest.raises(Exception, match="time zone"):
        await shared.add(task("BBBBBB", deadline_at=at.replace(tzinfo=None)))
