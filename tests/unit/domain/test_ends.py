"""How ends travel through a plan: `when` rules, skips, critical failures."""

from __future__ import annotations

import pytest

from domain import events as e
from domain.ends import node_of, unfold
from domain.plan import When
from domain.progress import step, verdict
from domain.task import Failure, SubtaskState, TaskState
from tests.unit.domain import build as b

S = SubtaskState
OK, BAD = b.succeeded, b.failed


def finish(task, key: str, end) -> tuple:
    return b.do(task, b.released(key), end(key))


ENDS = {
    # when: (dependencies' ends) -> state
    (When.ALL_SUCCESS, OK, OK): ("ready", None),
    (When.ALL_SUCCESS, OK, BAD): ("skipped", "upstream"),
    (When.ALL_SUCCESS, BAD, BAD): ("skipped", "upstream"),
    (When.ALL_DONE, OK, OK): ("ready", None),
    (When.ALL_DONE, OK, BAD): ("ready", None),
    (When.ALL_DONE, BAD, BAD): ("ready", None),
    (When.ANY_FAILED, OK, OK): ("skipped", "rule"),
    (When.ANY_FAILED, OK, BAD): ("ready", None),
    (When.ANY_FAILED, BAD, BAD): ("ready", None),
}


@pytest.mark.parametrize(("when", "first", "second", "expected"), [(*case, end) for case, end in ENDS.items()])
def test_when_rules_decide_once_all_dependencies_ended(when: When, first, second, expected) -> None:
    task = b.planned(b.node("a"), b.node("b"), b.node("c", "a", "b", when=when))
    task, _ = finish(task, "a", first)
    assert b.states(task)["c"] == "pending"
    task, _ = finish(task, "b", second)
    sub = task.subtasks["c"]
    assert (sub.state.value, sub.failure.code if sub.failure else None) == expected


@pytest.mark.parametrize(
    ("when", "expected"), [(When.ALL_SUCCESS, "ready"), (When.ALL_DONE, "ready"), (When.ANY_FAILED, "skipped")]
)
def test_a_rule_without_dependencies(when: When, expected: str) -> None:
    assert b.states(b.planned(b.node("a", when=when), b.node("b")))["a"] == expected


def test_an_unknown_outcome_counts_as_failed() -> None:
    task = b.planned(b.external("a"), b.node("b", "a"), b.node("c", "a", when=When.ANY_FAILED))
    task, _ = b.do(task, b.approved(), b.released(), b.claimed(), b.lease_expired())
    assert b.states(task) == {"a": "unknown", "b": "skipped", "c": "ready"}


def test_a_child_is_released_by_its_own_dependencies_alone() -> None:
    task = b.planned(b.node("a"), b.node("b"), b.node("c", "a"))
    task, _ = finish(task, "a", OK)
    assert b.states(task) == {"a": "succeeded", "b": "ready", "c": "ready"}


def test_a_skip_is_an_end_and_travels_on() -> None:
    task = b.planned(
        b.node("a"),
        b.node("b", "a"),
        b.node("c", "b"),
        b.node("clean", "c", when=When.ALL_DONE),
        b.node("alarm", "c", when=When.ANY_FAILED),
        b.node("d", "alarm"),
    )
    task, _ = finish(task, "a", BAD)
    assert b.states(task) == {
        "a": "failed",
        "b": "skipped",
        "c": "skipped",
        "clean": "ready",
        "alarm": "skipped",
        "d": "skipped",
    }
    assert task.subtasks["b"].finished_at == b.at(20)


def test_a_long_chain_of_skips_does_not_exhaust_the_stack() -> None:
    nodes = [b.node("n0"), *(b.node(f"n{number}", f"n{number - 1}") for number in range(1, 3000))]
    task, effects = finish(b.planned(*nodes), "n0", BAD)
    assert set(b.states(task).values()) == {"failed", "skipped"}
    assert b.names(effects) == ["Dispatch", "RecordAttempt", "Settle"]


# --- critical -------------------------------------------------------------------------------------------------


def after_a_critical_failure():
    """`a` failed critically while `b` ran."""
    task = b.planned(
        b.node("a", critical=True),
        b.node("b"),
        b.node("c"),
        b.node("d", "b"),
        b.node("clean", "b", when=When.ALL_DONE),
        b.node("alarm", "a", when=When.ANY_FAILED),
    )
    task, _ = b.do(task, b.released("b"), b.started("b"))
    return finish(task, "a", BAD)


def test_after_a_critical_failure_nothing_new_starts_but_what_was_planned_for_it() -> None:
    task, effects = after_a_critical_failure()
    assert b.states(task) == {
        "a": "failed",
        "b": "running",
        "c": "skipped",
        "d": "skipped",
        "clean": "pending",
        "alarm": "ready",
    }
    assert task.subtasks["c"].failure == Failure(code="critical")
    assert b.names(effects) == ["Dispatch", "RecordAttempt"]


@pytest.mark.parametrize("event", [b.failed, b.timed_out, b.lease_expired])
def test_after_a_critical_failure_nothing_is_tried_again(event) -> None:
    task, _ = after_a_critical_failure()
    again = event("b", retryable=True) if event is b.failed else event("b")
    task, _ = step(task, again)
    assert b.states(task)["b"] == "failed"
    assert task.subtasks["b"].failure != Failure(code="critical")
    assert b.states(task)["clean"] == "ready"


def test_after_a_critical_failure_what_is_handed_back_is_skipped() -> None:
    task, effects = step(after_a_critical_failure()[0], b.handed_back("b"))
    assert (b.states(task)["b"], task.subtasks["b"].failure) == ("skipped", Failure(code="critical"))
    assert b.names(effects) == ["RecordAttempt"]


def test_after_any_other_end_what_is_handed_back_is_ready_again() -> None:
    task = b.planned(b.node("a", critical=True), b.node("c"), b.node("z", critical=True), b.node("b"))
    task, _ = b.do(task, b.released("b"), b.released("z"))
    task, _ = finish(task, "a", OK)
    task, _ = finish(task, "c", BAD)
    task, _ = b.do(task, b.handed_back("b"))
    assert b.states(task) == {"a": "succeeded", "c": "failed", "z": "dispatched", "b": "ready"}


def test_a_backoff_ends_with_what_it_was_for() -> None:
    task, _ = b.do(b.planned(b.node("a"), b.node("b", critical=True)), b.released(), b.failed(retryable=True))
    task, _ = finish(task, "b", BAD)
    assert (b.states(task)["a"], task.subtasks["a"].due_at) == ("skipped", None)


def test_after_a_critical_failure_what_was_planned_for_it_may_be_tried_again() -> None:
    task, _ = after_a_critical_failure()
    task, _ = b.do(task, b.released("alarm"), b.failed("alarm", retryable=True))
    assert b.states(task)["alarm"] == "ready"
    task, _ = b.do(task, b.released("alarm", at=b.at(40)), b.handed_back("alarm", 2, exec_id=None))
    assert b.states(task)["alarm"] == "ready"


def test_what_ran_may_still_succeed_and_the_task_fails_all_the_same() -> None:
    task, _ = after_a_critical_failure()
    task, _ = b.do(task, b.succeeded("b"), b.released("clean"), b.succeeded("clean"))
    task, effects = b.do(task, b.released("alarm"), b.succeeded("alarm"))
    assert b.names(effects)[-1] == "Settle"
    assert verdict(task) is TaskState.FAILED


def test_a_failure_that_is_not_critical_leaves_the_rest_alone() -> None:
    task, _ = finish(b.planned(b.node("a"), b.node("b")), "a", BAD)
    assert b.states(task) == {"a": "failed", "b": "ready"}


def test_a_task_is_settled_by_the_last_end_and_only_then() -> None:
    task = b.planned(b.node("a"), b.node("b"))
    task, effects = finish(task, "a", OK)
    assert ("Settle" in b.names(effects), task.settled_at) == (False, None)
    task, effects = finish(task, "b", BAD)
    assert (b.names(effects)[-1], task.settled_at) == ("Settle", b.at(20))


def test_without_a_plan_there_is_nothing_to_unfold() -> None:
    task = b.received()
    assert unfold(task, (), b.at(1)) is task
    with pytest.raises(AssertionError, match="without a plan"):
        node_of(task, "a")


def test_the_effects_of_an_end_come_in_the_order_they_happened() -> None:
    task, _ = b.do(b.planned(b.node("a")), b.released(), b.started())
    _, effects = step(task, b.deadline())
    assert [type(effect) for effect in effects] == [e.RecordAttempt, e.Stop, e.Settle]
