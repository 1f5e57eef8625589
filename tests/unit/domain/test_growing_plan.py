"""A plan that comes in pieces, from planners that may die or be late; questions; rounds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain import events as e
from domain.plan import Repair, When
from domain.progress import step, verdict
from domain.skill import Effect
from domain.task import Exchange, Failure, SubtaskState, Task, TaskState
from tests.unit.domain import build as b

S = SubtaskState
P1, P2 = "planner-1", "planner-2"


def begun(*happened: e.Event, by: str = P1) -> Task:
    """A planner holds the task, and `a` is there already."""
    return b.do(b.received(), b.plan_started(by), b.plan_grew(b.node("a"), by=by), *happened)[0]


# --- pieces ---------------------------------------------------------------------------------------------------


def test_a_piece_begins_at_once_while_the_plan_is_still_being_made() -> None:
    task = begun()
    assert (task.state, task.planned_at, b.states(task)) == (TaskState.PLANNING, None, {"a": "ready"})
    assert (task.claimed_by, task.claimed_until) == (P1, b.at(300))
    assert task.plan is not None
    assert task.plan.author == "model"
    task, effects = b.do(task, b.released(), b.succeeded(), b.plan_grew(b.node("b", "a"), b.node("c", "b"), by=P1))
    assert b.states(task) == {"a": "succeeded", "b": "ready", "c": "pending"}
    assert b.names(effects) == ["Dispatch", "RecordAttempt"]


def test_a_task_that_is_still_planned_does_not_settle() -> None:
    task, effects = b.ends(begun(), "a")
    assert (task.state, task.settled_at) == (TaskState.PLANNING, None)
    assert b.names(effects) == ["Dispatch", "RecordAttempt"]
    task, effects = step(task, b.plan_of(b.node("a"), by=P1))
    assert (b.names(effects), task.settled_at, task.planned_at) == (["Settle"], b.at(5), b.at(5))


def test_the_whole_plan_leaves_what_is_there_alone() -> None:
    task, _ = b.do(begun(), b.released(), b.started())
    running = task.subtasks["a"]
    task, _ = step(task, b.plan_of(b.node("a", name="renamed", critical=True), b.node("b", "a"), by=P1))
    assert task.subtasks["a"] is running
    assert task.plan is not None
    assert task.plan.by_id["a"] == b.node("a")
    assert b.states(task) == {"a": "running", "b": "pending"}
    assert (task.state, task.planned_at, task.claimed_by, task.claimed_until) == (
        TaskState.RUNNING,
        b.at(5),
        None,
        None,
    )


def test_the_same_piece_twice_changes_nothing() -> None:
    task = begun()
    assert step(task, b.plan_grew(b.node("a"), by=P1)) == (task, ())
    assert step(task, b.plan_grew(by=P1)) == (task, ())


def test_a_whole_plan_that_waits_for_a_person_waits() -> None:
    task, _ = b.ends(begun(), "a")
    task, _ = step(task, b.plan_of(b.external("b"), by=P1))
    assert task.state is TaskState.WAITING


LATE = {
    "grew": lambda by: b.plan_grew(b.node("z"), by=by),
    "planned": lambda by: b.plan_of(b.node("z"), by=by),
    "failed": b.plan_failed,
    "asked": b.asked,
}


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
@pytest.mark.parametrize("by", [P1, None])
def test_a_planner_that_was_taken_for_dead_is_not_heard(late, by: str | None) -> None:
    task, _ = step(begun(), b.plan_started(P2))
    assert task.claimed_by == P2
    assert step(task, late(by)) == (task, ())
    assert step(task, late(P2))[0] is not task


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_after_the_plan_is_whole_no_planner_is_heard(late) -> None:
    for by in (P1, None):
        task = begun(b.plan_of(b.node("a"), by=P1))
        assert step(task, late(by)) == (task, ())
        assert step(task, b.plan_started(P2)) == (task, ())


def test_a_planner_extends_its_claim() -> None:
    task, _ = step(begun(), e.PlanningStarted(until=b.at(900), by=P1))
    assert (task.claimed_by, task.claimed_until) == (P1, b.at(900))


def test_the_next_planner_goes_on_from_what_is_there() -> None:
    task, _ = b.ends(begun(), "a")
    task, _ = b.do(task, b.plan_started(P2), b.plan_of(b.node("b", "a"), by=P2))
    assert b.states(task) == {"a": "succeeded", "b": "ready"}


# --- what goes wrong meanwhile --------------------------------------------------------------------------------


def test_without_the_rest_a_task_lives_on_what_it_has() -> None:
    task, effects = step(begun(), b.plan_failed(P1))
    assert (task.state, task.failure, effects) == (TaskState.RUNNING, None, ())
    assert task.plan is not None
    assert task.plan.repairs == (Repair(kind="unfinished", reason="no_plan"),)
    task, effects = b.ends(task, "a")
    assert (b.names(effects)[-1], verdict(task)) == ("Settle", TaskState.ANSWERED)


def test_cancelling_ends_early_nodes_too() -> None:
    task, _ = b.do(begun(), b.released(), b.started())
    task, effects = step(task, b.cancelled())
    assert b.names(effects) == ["RecordAttempt", "Stop", "Settle"]
    assert (b.states(task), verdict(task), task.claimed_by) == ({"a": "cancelled"}, TaskState.CANCELLED, None)
    assert step(task, b.plan_of(b.node("b"), by=P1)) == (task, ())


def test_the_deadline_ends_a_plan_that_is_not_whole() -> None:
    task, _ = b.ends(begun(), "a")
    task, effects = step(task, b.deadline())
    assert (b.names(effects), task.failure, verdict(task)) == (["Settle"], None, TaskState.ANSWERED)
    assert task.plan is not None
    assert task.plan.repairs == (Repair(kind="unfinished", reason="deadline"),)


def lost_early() -> Task:
    """`a`, which everything rests on, failed while the rest was being planned."""
    task = b.do(b.received(), b.plan_started(P1), b.plan_grew(b.node("a", critical=True), b.node("b"), by=P1))[0]
    return b.ends(task, "a", end=b.failed)[0]


def test_after_a_critical_loss_what_is_planned_later_does_not_start_either() -> None:
    task = lost_early()
    assert (b.states(task), task.state) == ({"a": "failed", "b": "skipped"}, TaskState.PLANNING)
    task, _ = step(task, b.plan_grew(b.node("c"), by=P1))
    rest = b.plan_of(b.node("d"), b.node("clean", when=When.ALL_DONE), by=P1)
    task, effects = step(task, rest)
    assert b.states(task) == {"a": "failed", "b": "skipped", "c": "skipped", "d": "skipped", "clean": "ready"}
    assert {task.subtasks[key].failure for key in "bcd"} == {Failure(code="critical")}
    assert effects == ()
    task, effects = b.ends(task, "clean")
    assert (b.names(effects)[-1], verdict(task)) == ("Settle", TaskState.FAILED)


def test_a_critical_loss_before_the_plan_is_whole_leads_to_the_next_round() -> None:
    task, effects = step(lost_early(), b.plan_of(b.node("c", "a"), by=P1, rounds_left=2))
    assert (b.names(effects), task.state) == (["Replan"], TaskState.PLANNING)
    assert b.states(task) == {"a": "failed", "b": "skipped", "c": "skipped"}


# --- questions ------------------------------------------------------------------------------------------------


def test_a_question_waits_for_its_person() -> None:
    task, effects = b.do(b.received(), b.plan_started(P1), b.asked(P1))
    assert (task.state, task.question, task.plan, effects) == (TaskState.WAITING, "Which one?", None, ())
    assert (task.claimed_by, task.claimed_until) == (None, None)
    assert step(task, b.plan_started(P2)) == (task, ())


def test_the_reply_has_the_task_planned_now() -> None:
    task, effects = b.do(b.received(), b.asked(), b.replied("the red one"))
    assert (task.state, task.question) == (TaskState.RECEIVED, None)
    assert task.dialogue == (Exchange(said="Which one?", reply="the red one"),)
    assert b.names(effects) == ["Replan"]
    assert step(task, b.replied("no, the blue one")) == (task, ())
    task, _ = b.do(task, b.plan_started(P1), b.plan_of(b.node("a"), by=P1))
    assert b.states(task) == {"a": "ready"}


def test_a_planner_asks_once() -> None:
    task, _ = b.do(b.received(), b.asked(), b.replied(), b.plan_started(P1))
    assert step(task, b.asked(P1)) == (task, ())


@pytest.mark.parametrize(
    ("end", "expected"),
    [(b.cancelled(), TaskState.CANCELLED), (b.deadline(), TaskState.FAILED)],
    ids=["cancel", "late"],
)
def test_a_question_nobody_answers_ends_with_the_task(end: e.Event, expected: TaskState) -> None:
    task, effects = b.do(b.received(), b.asked(), end)
    assert (task.question, b.names(effects), verdict(task)) == (None, ["Settle"], expected)
    assert step(task, b.replied()) == (task, ())


def test_what_began_goes_on_while_a_question_is_open() -> None:
    task = begun(b.asked(P1))
    task, _ = b.ends(task, "a")
    assert (task.state, b.states(task)) == (TaskState.WAITING, {"a": "succeeded"})
    task, _ = b.do(task, b.replied(), b.plan_started(P2), b.plan_of(b.node("b", "a"), by=P2))
    assert b.states(task) == {"a": "succeeded", "b": "ready"}


# --- rounds ---------------------------------------------------------------------------------------------------


def tried(rounds_left: int = 2) -> Task:
    """`a` succeeded; `b`, which is critical, failed; `c` never ran."""
    nodes = b.node("a"), b.node("b", "a", critical=True), b.node("c", "b")
    task = b.do(b.received(), b.plan_of(*nodes, rounds_left=rounds_left))[0]
    task, _ = b.ends(task, "a")
    return b.ends(task, "b", end=b.failed)[0]


def test_a_critical_failure_has_the_rest_planned_anew() -> None:
    task = tried()
    assert (task.state, task.planned_at, task.settled_at) == (TaskState.PLANNING, None, None)
    assert (task.claimed_by, task.claimed_until) == (None, None)
    assert task.plan is not None
    assert (task.plan.rounds_left, task.plan.misses) == (1, ("",))
    assert b.states(task) == {"a": "succeeded", "b": "failed", "c": "skipped"}


def test_the_next_round_starts_in_spite_of_what_was_lost_and_makes_up_for_it() -> None:
    task, _ = b.do(tried(), b.plan_started(P1), b.plan_grew(b.node("d", "a"), by=P1))
    task, _ = step(task, b.plan_of(b.node("e", "d"), by=P1, rounds_left=2))
    assert b.states(task) == {"a": "succeeded", "b": "failed", "c": "skipped", "d": "ready", "e": "pending"}
    task, effects = b.ends(task, "d", "e", seconds=40)
    assert (b.names(effects)[-1], verdict(task)) == ("Settle", TaskState.ANSWERED)


def test_a_lost_round_is_followed_by_the_last_one_and_then_the_task_fails() -> None:
    task, _ = step(tried(), b.plan_of(b.node("d")))
    task, effects = b.ends(task, "d", end=b.failed, seconds=40)
    assert b.names(effects)[-1] == "Replan", "nothing made up for the loss yet"
    task, _ = step(task, b.plan_of(b.node("f", critical=True), b.node("g")))
    task, effects = b.ends(task, "f", end=b.failed, seconds=60)
    assert (b.states(task)["g"], b.names(effects)[-1], verdict(task)) == ("skipped", "Settle", TaskState.FAILED)


def test_without_rounds_a_critical_failure_is_the_end() -> None:
    task = tried(rounds_left=0)
    assert (task.settled_at is not None, verdict(task)) == (True, TaskState.FAILED)


def test_a_planner_that_knows_no_other_way_ends_the_task() -> None:
    for event in (b.plan_failed(), b.plan_of(b.node("a"))):
        task, effects = step(tried(), event)
        assert (b.names(effects), verdict(task)) == (["Settle"], TaskState.FAILED)


@pytest.mark.parametrize("end", [b.cancelled(), b.deadline()], ids=["cancel", "late"])
def test_a_round_can_be_ended_like_anything_else(end: e.Event) -> None:
    task, effects = step(tried(), end)
    assert b.names(effects) == ["Settle"]
    assert (verdict(task) is TaskState.CANCELLED) == isinstance(end, e.CancelRequested)


def test_a_failure_at_the_deadline_is_not_planned_again() -> None:
    task = b.do(b.received(), b.plan_of(b.node("a", critical=True), rounds_left=2), b.released())[0]
    task, effects = step(task, b.failed(at=b.at(b.DEADLINE_S)))
    assert b.names(effects) == ["RecordAttempt", "Settle"]


def answered_badly(**more: object) -> Task:
    task = b.do(b.received(), b.plan_of(b.node("a"), **({"rounds_left": 1} | more)))[0]
    return b.do(b.ends(task, "a")[0], b.answering())[0]


def test_an_answer_that_misses_the_point_has_the_task_planned_anew() -> None:
    task, effects = step(answered_badly(), b.dissatisfied("no totals"))
    assert (task.state, task.settled_at, task.claimed_until) == (TaskState.PLANNING, None, None)
    assert task.plan is not None
    assert (task.plan.misses, task.plan.rounds_left, b.names(effects)) == (("no totals",), 0, ["Replan"])
    task, _ = step(task, b.plan_of(b.node("b", "a")))
    task, effects = b.ends(task, "b", seconds=60)
    assert b.names(effects)[-1] == "Settle"
    assert step(task, b.dissatisfied()) == (task, ())


def test_dissatisfaction_without_a_round_left_changes_nothing() -> None:
    for task in (
        answered_badly(rounds_left=0),
        b.do(b.received(), b.plan_failed())[0],
        b.do(b.received(), b.plan_of(b.node("a"), rounds_left=1), b.cancelled())[0],
        replace(answered_badly(), deadline_at=b.at(60)),
    ):
        assert step(task, b.dissatisfied()) == (task, ())


def test_what_a_later_round_wants_to_change_waits_for_a_person() -> None:
    task, _ = step(answered_badly(), b.dissatisfied())
    task, _ = step(task, b.plan_of(b.node("b", effect=Effect.IDEMPOTENT)))
    assert (task.state, b.states(task)["b"]) == (TaskState.WAITING, "ready")
    task, _ = b.do(task, b.approved())
    assert task.state is TaskState.RUNNING
