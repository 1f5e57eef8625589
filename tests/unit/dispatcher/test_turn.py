"""Turns against the in-memory store: what is settled, what is released, what comes back to be told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dispatcher.assignment import Agents
from dispatcher.policy import Policy
from dispatcher.turn import TASKS_PER_TURN, Arrived
from domain import events as e
from domain.growth import children
from domain.ids import task_id
from domain.model import Purpose, Usage
from domain.plan import Plan
from domain.release import Window
from domain.skill import Effect
from domain.task import Lease, Result, Scope, SubtaskState, TaskState
from tests.builders import SCOPE, chain, node, plan, planned, task
from tests.fakes import START
from tests.unit.dispatcher.crew import worker
from tests.unit.dispatcher.turns import NOBODY, SPEC, failed, keep, report, sent, started, stored, succeeded, take


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


async def test_what_a_user_has_beyond_a_fair_share_yields_to_others_in_the_queue(store):
    await keep(store, planned(plan(*(node(f"n{number}") for number in range(7)))))
    policy = Policy(window=Window(per_task=5, share=2))
    first = await take(store, policy=policy)
    assert [message.priority for message in first.messages] == ["normal"] * 2 + ["low"] * 3
    after = await take(store, report(succeeded("n0"), succeeded("n1"), succeeded("n2"), succeeded("n3")), policy=policy)
    assert [message.priority for message in after.messages] == ["normal", "low"]


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
    assert (await take(store, agents=NOBODY)).messages == []
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
    silent = Agents.of([worker("echo")], START, [("echo", SPEC)])
    assert (await take(store, report(e.Approved(at=START)), agents=silent)).messages == []
    assert sent(await take(store)) == ["AAAAAA.a"]


async def test_what_had_to_stay_behind_is_a_hint_for_the_next_turn(store):
    await keep(store, planned(plan(*(node(f"n{number}") for number in range(3)))), planned(chain("a"), "BBBBBB"))
    first = await take(store, policy=Policy(window=Window(total=2)))
    assert (len(first.messages), first.has_backlog) == (2, True)
    rest = await take(store, Arrived(looks_around=True))
    assert (len(rest.messages), rest.has_backlog) == (2, False)


async def test_what_waits_for_its_own_task_is_sent_when_that_moves(store):
    await keep(store, planned(plan(*(node(f"n{number}") for number in range(3)))))
    narrow = Policy(window=Window(per_task=1))
    first = await take(store, policy=narrow)
    assert (sent(first), first.has_backlog) == (["AAAAAA.n0"], False)
    second = await take(store, report(succeeded("n0")), policy=narrow)
    assert (sent(second), second.has_backlog) == (["AAAAAA.n1"], False)


@pytest.mark.parametrize(("flying", "messages", "has_backlog"), [(64, [], True), (56, ["AAAAAA.a"], False)])
async def test_a_backlog_is_looked_at_when_there_is_room_for_many(store, flying, messages, has_backlog):
    await keep(store, planned(chain("a")))
    others = {Scope(tenant="main", owner="console:bob"): flying}
    turn = await take(store, Arrived(has_backlog=True, in_flight=others), policy=Policy(window=Window(total=64)))
    assert (sent(turn), turn.has_backlog) == (messages, has_backlog)
    assert sum((turn.in_flight or {}).values()) == flying + len(messages)


async def test_tasks_that_were_not_looked_at_are_a_hint_for_the_next_turn(store):
    crowd = [planned(chain("a"), task_id(number)) for number in range(TASKS_PER_TURN + 1)]
    await keep(store, *crowd)
    first, second = await take(store), await take(store)
    assert (len(first.messages), first.has_backlog) == (TASKS_PER_TURN, True)
    assert (len(second.messages), second.has_backlog) == (1, False)


async def test_what_begins_while_its_task_is_still_planned_is_sent_like_any_other(store):
    await keep(store, task())
    claim = e.PlanningStarted(until=START + timedelta(minutes=1), by="p1")
    await take(store, report(claim))
    early = e.PlanGrew(nodes=(node("a"), node("b", "a")), author="m", at=START, by="p1")
    assert sent(await take(store, report(early))) == ["AAAAAA.a"]
    done = await take(store, report(succeeded("a")))
    assert (sent(done), done.settled) == (["AAAAAA.b"], [])
    assert (await take(store, report(succeeded("b")))).settled == []
    assert (await stored(store)).state is TaskState.PLANNING


async def test_the_children_of_a_list_are_sent_in_the_turn_that_knows_the_list(store):
    mapped = node("m", "a", for_each="{{a.output}}", params={"text": "<{{item}}>"})
    await keep(store, planned(plan(node("a"), mapped, node("z", "m", params={"all": "{{m.output}}"}))))
    await take(store)
    decided = await take(store, report(succeeded("a", ["x", "{{a.output}}"])))
    assert [(one.task_id, one.content.params) for one in decided.messages] == [
        ("AAAAAA.m.1", {"text": "<x>"}),
        ("AAAAAA.m.2", {"text": "<{{a.output}}>"}),  # what an item says is never looked at again
    ]
    decided = await take(store, report(succeeded("m.2", "two"), succeeded("m.1", "one")))
    (message,) = decided.messages
    assert message.content.params == {"all": ["one", "two"]}
    assert message.content.context.upstream["m"].output == ["one", "two"]


async def test_children_are_sent_in_the_turn_that_divides_their_parent(store):
    await keep(store, planned(chain("a", "b")))
    await take(store)
    made = children(node("a"), [node("x"), node("y", "x")])
    divided = e.Divided(
        key="a", attempt=1, exec_id=None, agent="echo", nodes=made, result=Result(summary="s"), at=START
    )
    assert sent(await take(store, report(divided))) == ["AAAAAA.a.x"]
    assert sent(await take(store, report(succeeded("a.x")))) == ["AAAAAA.a.y"]
    assert sent(await take(store, report(succeeded("a.y", 7)))) == ["AAAAAA.b"]


async def test_a_lost_critical_subtask_sends_the_task_back_to_its_planner(store):
    await keep(store, planned(plan(node("a", critical=True), rounds_left=1)))
    await take(store)
    decided = await take(store, report(failed("a", retryable=False)))
    assert (decided.replanned, decided.settled, decided.changed) == (["AAAAAA"], [], ["AAAAAA"])


async def test_what_agents_spend_is_written_in_the_books(store):
    await keep(store, planned(plan(node("a"), node("b", skill="write"), node("c"))))
    await take(store, agents=Agents.of([worker("echo", SPEC, replace(SPEC, name="write"))], START, []))
    first, second = Usage(model="m", prompt_tokens=5, cost=0.5), Usage(model="m", prompt_tokens=2, cost=0.25)
    spent = replace(failed("b"), usage=(second,))
    arrived = report(succeeded("a", usage=(first, second)), spent, succeeded("c"))
    await take(store, arrived)
    await take(store, arrived)  # the same again is late, and free
    (booked,) = await store.transact(lambda uow: uow.calls.spent_on(SCOPE, "AAAAAA"))
    assert (booked.purpose, booked.model, booked.calls) == (Purpose.AGENT, "m", 3)
    assert (booked.prompt_tokens, booked.cost) == (9, 1.0)
    measured = await store.transact(lambda uow: uow.tasks.measured(START - timedelta(hours=1)))
    assert {skill: (took.attempts, took.cost) for skill, took in measured.items()} == {"echo": (2, 0.375)}


async def test_what_a_division_costs_is_written_in_the_books(store):
    await keep(store, planned(plan(node("a"))))
    await take(store)
    result = Result(summary="s", usage=(Usage(model="m", cost=0.5),))
    divided = e.Divided(
        key="a", attempt=1, exec_id=None, agent="echo", nodes=children(node("a"), [node("x")]), result=result, at=START
    )
    await take(store, report(divided))
    (booked,) = await store.transact(lambda uow: uow.calls.spent_on(SCOPE, "AAAAAA"))
    assert booked.cost == 0.5
