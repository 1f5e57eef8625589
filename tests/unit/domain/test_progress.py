"""What happens to a task as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from domain import events as e
from domain import progress
from domain.plan import Node, Plan
from domain.progress import run, step, verdict
from domain.task import Failure, Subtask, SubtaskState, Task, TaskState
from tests.unit.domain import build as b

S = SubtaskState


def test_every_event_has_one_decision() -> None:
    assert set(progress._DECISIONS) == set(get_args(e.Event))


def test_run_applies_in_order_and_collects_effects() -> None:
    task, effects = run(b.planned(b.node("a")), [b.released(), b.started(), b.succeeded(), b.answered()])
    assert b.names(effects) == ["Dispatch", "RecordAttempt", "Settle"]
    assert (task.state, task.answer) == (TaskState.ANSWERED, b.answered().answer)


def test_a_planner_holds_the_task_until_it_has_a_plan() -> None:
    task, _ = step(b.received(), b.plan_started())
    assert (task.state, task.claimed_until) == (TaskState.PLANNING, b.at(300))
    task, _ = step(task, b.plan_of(b.node("a")))
    assert (task.claimed_until, task.planned_at) == (None, b.at(5))


def test_the_first_plan_counts() -> None:
    task = b.planned(b.node("a"))
    assert step(task, b.plan_of(b.node("b")))[0] is task
    assert step(task, b.plan_failed())[0] is task
    assert step(task, b.plan_started())[0] is task


@pytest.mark.parametrize("late", [b.plan_of(b.node("a")), b.plan_failed(), b.plan_started()])
def test_a_planner_that_comes_after_the_end_changes_nothing(late: e.Event) -> None:
    task, _ = step(b.received(), b.cancelled())
    assert step(task, late) == (task, ())


def test_only_what_waits_for_nothing_is_ready_at_first() -> None:
    task = b.planned(b.node("a"), b.node("b", "a"), b.node("c"))
    assert b.states(task) == {"a": "ready", "b": "pending", "c": "ready"}


def test_carried_subtasks_are_not_run_again() -> None:
    done = b.standing("a", S.SUCCEEDED)
    planned = e.Planned(plan=Plan(nodes=(b.node("a"), b.node("b", "a"))), at=b.at(1), carried={"a": done})
    task, effects = step(b.received(), planned)
    assert b.states(task) == {"a": "succeeded", "b": "ready"}
    assert task.subtasks["a"] is done
    assert effects == ()


def test_a_plan_carried_whole_is_settled_at_once() -> None:
    planned = e.Planned(plan=Plan(nodes=(b.node("a"),)), at=b.at(1), carried={"a": b.standing("a", S.SUCCEEDED)})
    task, effects = step(b.received(), planned)
    assert (b.names(effects), task.settled_at) == (["Settle"], b.at(1))


def test_a_direct_reply_is_settled_at_once() -> None:
    task, effects = step(b.received(), e.Planned(plan=Plan(answer="hello"), at=b.at(1)))
    assert (b.names(effects), task.settled_at, verdict(task)) == (["Settle"], b.at(1), TaskState.ANSWERED)


def test_without_any_plan_the_task_fails_for_that_reason() -> None:
    task, effects = step(b.received(), b.plan_failed())
    assert (task.plan, task.planned_at) == (None, b.at(5))
    assert (b.names(effects), task.failure, verdict(task)) == (["Settle"], b.plan_failed().failure, TaskState.FAILED)


@pytest.mark.parametrize("end", [b.plan_failed(), b.cancelled(), b.deadline()], ids=lambda end: type(end).__name__)
def test_the_answer_does_not_wait_for_the_claim_of_the_planner(end: e.Event) -> None:
    task, _ = step(b.received(), b.plan_started())
    task, _ = step(task, end)
    assert task.settled_at is not None
    assert task.claimed_until is None


# --- approval -------------------------------------------------------------------------------------------------


def test_a_task_waits_only_when_nothing_else_moves() -> None:
    task = b.planned(b.external("a"), b.node("b"))
    assert task.state is TaskState.RUNNING
    task, _ = b.do(task, b.released("b"), b.succeeded("b"))
    assert task.state is TaskState.WAITING
    assert not task.subtasks["a"].approved


def test_approval_reaches_what_waits_and_nothing_later() -> None:
    task = b.planned(b.external("a"), b.external("b", "a"))
    task, _ = step(task, b.approved())
    assert task.state is TaskState.RUNNING
    assert [sub.approved for sub in task.subtasks.values()] == [True, False]
    task, _ = b.do(task, b.released(), b.claimed(), b.succeeded())
    assert (task.state, b.states(task)) == (TaskState.WAITING, {"a": "succeeded", "b": "ready"})


def test_approval_survives_a_handback_but_only_unrun() -> None:
    task, _ = b.do(b.planned(b.external("a")), b.approved(), b.released(), b.claimed(), b.handed_back())
    task, effects = b.do(task, b.released(), b.claimed(attempt=2, lease=b.lease("x2")))
    assert b.names(effects) == ["Dispatch", "Grant"]


def test_a_grant_names_the_execution_that_asked() -> None:
    task, _ = b.do(b.planned(b.external("a")), b.approved(), b.released())
    _, effects = step(task, b.claimed())
    assert effects == (e.Grant(key="a", agent=b.AGENT, lease=b.claimed().lease),)


# --- cancel ---------------------------------------------------------------------------------------------------


def cancelled_while_granted() -> Task:
    task = b.planned(b.external("a"), b.node("b"), b.node("c"), b.node("d", "a"))
    task, _ = b.do(task, b.approved(), b.released(), b.claimed(), b.released("b"), b.started("b"))
    task, effects = step(task, b.cancelled())
    assert b.names(effects) == ["RecordAttempt", "Stop"]
    assert b.states(task) == {"a": "running", "b": "cancelled", "c": "cancelled", "d": "cancelled"}
    assert (task.state, task.settled_at) == (TaskState.RUNNING, None)
    return task


@pytest.mark.parametrize(
    ("event", "end"),
    [
        (b.succeeded(), "succeeded"),
        (b.failed(), "failed"),
        (b.failed(retryable=True), "failed"),
        (b.timed_out(), "unknown"),
        (b.lease_expired(), "unknown"),
        (b.handed_back(), "cancelled"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, e.Event) else value,
)
def test_a_granted_effect_is_reported_not_decided_by_cancelling(event: e.Event, end: str) -> None:
    task, effects = step(cancelled_while_granted(), event)
    assert b.states(task)["a"] == end
    assert "Settle" in b.names(effects)
    assert verdict(task) is TaskState.CANCELLED


def test_cancelling_again_changes_nothing() -> None:
    task = cancelled_while_granted()
    again, effects = step(task, e.CancelRequested(at=b.at(31)))
    assert (again, effects) == (task, ())


def test_cancel_stops_what_runs_and_remembers_why() -> None:
    task, _ = b.do(b.planned(b.node("a"), b.node("b")), b.released(), b.started(), b.released("b"))
    task, effects = step(task, b.cancelled())
    assert b.names(effects) == ["RecordAttempt", "Stop", "RecordAttempt", "Settle"]
    assert {sub.failure for sub in task.subtasks.values()} == {Failure(code="cancelled")}
    assert {sub.finished_at for sub in task.subtasks.values()} == {b.at(30)}
    assert all(sub.lease is None and sub.due_at is None for sub in task.subtasks.values())


# --- deadline -------------------------------------------------------------------------------------------------


def test_the_deadline_ends_a_task_without_a_plan() -> None:
    task, effects = step(b.received(), b.deadline())
    assert (task.failure, verdict(task), b.names(effects)) == (Failure(code="deadline"), TaskState.FAILED, ["Settle"])


def test_the_deadline_ends_what_is_open_and_keeps_what_is_done() -> None:
    task, _ = b.do(b.planned(b.node("a"), b.node("b")), b.released(), b.succeeded(), b.released("b"), b.started("b"))
    task, effects = step(task, b.deadline())
    assert b.states(task) == {"a": "succeeded", "b": "failed"}
    assert task.subtasks["b"].failure == Failure(code="deadline")
    assert b.names(effects) == ["RecordAttempt", "Stop", "Settle"]
    assert verdict(task) is TaskState.ANSWERED


def test_a_deadline_that_has_not_passed_ends_nothing() -> None:
    task = b.planned(b.node("a"))
    assert step(task, e.DeadlinePassed(at=b.at(b.DEADLINE_S - 1)))[0] is task


def test_what_could_not_begin_in_time_is_given_up() -> None:
    until = {"expires_at": b.at(b.EXPIRES_S)}
    sent, _ = b.do(b.planned(b.node("a"), **until), b.released())
    for unbegun in (b.received(**until), b.planned(b.node("a"), b.external("b"), **until), sent):
        assert step(unbegun, e.Expired(at=b.at(b.EXPIRES_S - 1)))[0] is unbegun
        task, _ = step(unbegun, b.too_late())
        assert (verdict(task), task.failure) == (TaskState.FAILED, Failure(code="expired"))
        assert set(b.states(task).values()) <= {"failed"}


@pytest.mark.parametrize("story", [[b.started()], [b.succeeded()], [b.failed()], [b.started(), b.lease_expired()]])
def test_what_has_begun_does_not_expire(story: list[e.Event]) -> None:
    task, _ = b.do(b.planned(b.node("a"), b.node("b"), expires_at=b.at(b.EXPIRES_S)), b.released(), *story)
    assert step(task, b.too_late())[0] is task


def test_a_task_without_expiry_waits_until_its_deadline() -> None:
    task = b.received(expires_at=None)
    assert step(task, b.too_late())[0] is task


def test_nothing_starts_after_the_deadline_even_if_its_event_is_late() -> None:
    task = b.planned(b.node("a"))
    assert step(task, b.released(at=b.at(b.DEADLINE_S)))[0] is task


def test_a_granted_effect_outlives_the_deadline_until_its_lease_ends() -> None:
    task, _ = b.do(b.planned(b.external("a")), b.approved(), b.released(), b.claimed(), b.deadline())
    assert (b.states(task), task.settled_at) == ({"a": "running"}, None)
    task, _ = step(task, b.lease_expired(at=b.at(b.DEADLINE_S + 1)))
    assert (b.states(task), verdict(task)) == ({"a": "unknown"}, TaskState.FAILED)


def test_a_granted_effect_handed_back_after_the_deadline_does_not_start_again() -> None:
    task, _ = b.do(b.planned(b.external("a")), b.approved(), b.released(), b.claimed(), b.deadline())
    late = b.at(b.DEADLINE_S + 1)
    task, _ = b.do(task, b.handed_back(at=late), b.released(at=late))
    assert b.states(task) == {"a": "ready"}
    task, effects = step(task, e.DeadlinePassed(at=late))
    assert (b.states(task), b.names(effects)) == ({"a": "failed"}, ["Settle"])


# --- answer ---------------------------------------------------------------------------------------------------


def test_an_aggregator_holds_the_task_until_it_has_an_answer() -> None:
    task, _ = b.do(b.received(), b.plan_failed(), b.answering())
    assert task.claimed_until == b.at(900)


def test_the_answer_is_written_once() -> None:
    task, _ = b.do(b.received(), b.plan_failed(), b.answering(), b.answered("first"))
    assert (task.answer, task.answered_at, task.claimed_until) == (b.answered("first").answer, b.at(700), None)
    assert step(task, b.answered("second")) == (task, ())


VERDICTS = {
    "all done": ([(b.node("a"), S.SUCCEEDED)], TaskState.ANSWERED),
    "partly": ([(b.node("a"), S.SUCCEEDED), (b.node("b"), S.FAILED)], TaskState.ANSWERED),
    "partly unknown": ([(b.node("a"), S.SUCCEEDED), (b.external("b"), S.UNKNOWN)], TaskState.ANSWERED),
    "a condition that did not apply": ([(b.node("a"), S.SUCCEEDED), (b.node("b"), S.SKIPPED)], TaskState.ANSWERED),
    "nothing": ([(b.node("a"), S.FAILED), (b.node("b"), S.SKIPPED)], TaskState.FAILED),
    "a critical failure": ([(b.node("a"), S.SUCCEEDED), (b.node("b", critical=True), S.FAILED)], TaskState.FAILED),
    "a critical unknown": ([(b.node("a"), S.SUCCEEDED), (b.node("b", critical=True), S.UNKNOWN)], TaskState.FAILED),
    "a critical skip": ([(b.node("a"), S.SUCCEEDED), (b.node("b", critical=True), S.SKIPPED)], TaskState.ANSWERED),
    "no subtasks": ([], TaskState.ANSWERED),
}


@pytest.mark.parametrize(("ends", "expected"), VERDICTS.values(), ids=VERDICTS)
def test_verdict(ends: list[tuple[Node, SubtaskState]], expected: TaskState) -> None:
    task = b.received(plan=Plan(nodes=tuple(node for node, _ in ends)), settled_at=b.at(9))
    subs: dict[str, SubtaskState | Subtask] = {node.id: state for node, state in ends}
    task = b.with_subs(task, **subs)
    assert verdict(task) is expected
    assert verdict(replace(task, cancelled_at=b.at(8))) is TaskState.CANCELLED
    assert verdict(replace(task, failure=Failure(code="no_plan"))) is TaskState.FAILED
