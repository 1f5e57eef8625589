"""What a person decides about a task that is under way."""

from __future__ import annotations

import pytest

from domain import events as e
from domain.plan import When
from domain.progress import step, verdict
from domain.task import Exchange, SubtaskState, Task, TaskState, Upload
from tests.unit.domain import build as b
from tests.unit.domain.test_step_tables import in_state


def names(effects: tuple[e.Effect, ...]) -> list[str]:
    return [type(effect).__name__ for effect in effects]


# --- words and files ------------------------------------------------------------------------------------------


def test_words_change_before_anything_was_planned_and_the_old_plan_is_in_vain() -> None:
    planning, _ = step(b.received(), b.plan_started(by="p"))
    task, effects = step(planning, b.reworded(until=b.at(1)))
    assert (task.request, task.language, task.state) == ("other", "zh", TaskState.RECEIVED)
    assert (task.claimed_by, task.claimed_until) == (None, b.at(1))
    assert names(effects) == ["Replan"]
    late, _ = step(task, e.Planned(plan=b.plan_of(b.node("a")).plan, at=b.at(0), by="p"))
    assert late is task


@pytest.mark.parametrize("state", ["growing", "asking", "running", "settled", "answered"])
def test_words_stand_once_something_came_of_them(state: str) -> None:
    task = in_state(state)
    assert step(task, b.reworded()) == (task, ())


def test_nothing_is_planned_before_its_files_are_there() -> None:
    task, _ = step(b.received(), b.reworded(b.FILE))
    assert task.claimed_until == task.deadline_at
    task, effects = step(task, b.fetched())
    assert (task.uploads, task.claimed_until, names(effects)) == ((b.THERE,), None, ["Replan"])


def test_one_of_two_files_is_not_enough_and_the_same_news_is_none() -> None:
    other = Upload(ref="f2", name="b.csv")
    task, _ = step(b.received(), b.reworded(b.FILE, other))
    task, effects = step(task, b.fetched())
    assert (effects, task.claimed_until) == ((), task.deadline_at)
    assert step(task, b.fetched()) == (task, ())


def test_a_file_that_comes_while_somebody_plans_ends_no_claim() -> None:
    task, _ = step(b.received(), b.reworded(b.FILE))
    task, _ = step(task, b.plan_started(by="p"))
    task, effects = step(task, b.fetched())
    assert (effects, task.claimed_by) == ((), "p")


# --- more -----------------------------------------------------------------------------------------------------


def test_what_is_added_is_planned_beside_what_runs() -> None:
    running = b.do(b.planned(b.node("a")), b.released(), b.started())[0]
    task, effects = step(running, b.amended())
    assert (task.state, task.planned_at, names(effects)) == (TaskState.PLANNING, None, ["Replan"])
    assert task.dialogue == (Exchange(said="", reply="also the tests"),)
    assert task.subtasks["a"].state is SubtaskState.RUNNING
    done, _ = step(task, b.succeeded())
    assert (done.settled_at, done.subtasks["a"].state) == (None, SubtaskState.SUCCEEDED)
    whole, _ = b.do(done, b.plan_started(), b.plan_of(b.node("a"), b.node("b")))
    assert {key: sub.state for key, sub in whole.subtasks.items()} == {
        "a": SubtaskState.SUCCEEDED,
        "b": SubtaskState.READY,
    }


def test_what_is_added_with_results_in_sight_acts_only_with_leave() -> None:
    running = b.do(b.planned(b.node("a")), b.released(), b.started())[0]
    added = b.writing("b")
    whole = b.do(running, b.amended(), b.plan_started(), b.plan_of(b.node("a"), added))[0]
    assert whole.plan is not None
    assert whole.plan.by_id["b"].needs_approval
    unread = b.do(b.planned(b.node("a")), b.amended(), b.plan_started(), b.plan_of(b.node("a"), added))[0]
    assert unread.plan is not None
    assert not unread.plan.by_id["b"].needs_approval


def test_an_unplanned_task_is_planned_with_what_was_added() -> None:
    planning, _ = step(b.received(), b.plan_started(by="p"))
    task, effects = step(planning, b.amended())
    assert (task.state, task.claimed_by, names(effects)) == (TaskState.RECEIVED, None, ["Replan"])


def test_one_question_may_still_be_asked_after_something_was_added() -> None:
    task = b.do(b.received(), b.amended(), b.plan_started(), b.asked())[0]
    assert task.question is not None


@pytest.mark.parametrize("state", ["asking", "settled", "answered", "failed", "cancelled"])
def test_nothing_is_added_to_what_asks_or_is_over(state: str) -> None:
    task = in_state(state)
    assert step(task, b.amended()) == (task, ())


# --- less -----------------------------------------------------------------------------------------------------


def states(task: Task) -> dict[str, str]:
    return {key: sub.state.value for key, sub in task.subtasks.items()}


def test_a_dropped_step_takes_along_what_needs_it_and_nothing_else() -> None:
    task = b.planned(b.node("a"), b.node("b", "a"), b.node("c", "a", when=When.ALL_DONE), b.node("d"))
    task, effects = step(task, b.dropped("a"))
    assert states(task) == {"a": "cancelled", "b": "skipped", "c": "ready", "d": "ready"}
    assert effects == ()
    assert task.subtasks["a"].failure is not None
    assert task.subtasks["a"].failure.code == "dropped"


def test_a_running_step_is_stopped_and_the_last_one_settles() -> None:
    task = b.do(b.planned(b.node("a")), b.released(), b.started())[0]
    task, effects = step(task, b.dropped("a"))
    assert names(effects) == ["RecordAttempt", "Stop", "Settle"]
    assert verdict(task) is TaskState.CANCELLED


def test_a_critical_step_that_is_not_wanted_loses_nothing() -> None:
    task, _ = step(b.planned(b.node("a", critical=True), b.node("b")), b.dropped("a"))
    assert states(task) == {"a": "cancelled", "b": "ready"}


def test_what_is_over_or_unknown_is_not_dropped() -> None:
    task = b.do(b.planned(b.node("a"), b.node("b")), b.released(), b.started(), b.succeeded())[0]
    assert step(task, b.dropped("a")) == (task, ())
    assert step(task, b.dropped("z")) == (task, ())
    assert step(b.received(), b.dropped("a"))[1] == ()


# --- leave ----------------------------------------------------------------------------------------------------


def test_only_what_was_named_is_allowed() -> None:
    task = b.planned(b.external("a"), b.external("b"))
    task, _ = step(task, e.Approved(at=b.at(0), keys=frozenset({"a"})))
    assert (task.subtasks["a"].approved, task.subtasks["b"].approved) == (True, False)
    assert task.state is TaskState.RUNNING


def test_what_is_denied_never_runs_and_the_rest_goes_on() -> None:
    task = b.planned(b.external("a"), b.node("b", "a"), b.node("c"))
    task, _ = step(task, e.Denied(keys=frozenset({"a", "c"}), at=b.at(0)))
    assert states(task) == {"a": "cancelled", "b": "skipped", "c": "ready"}
    assert task.subtasks["a"].failure is not None
    assert task.subtasks["a"].failure.code == "denied"


def test_what_was_allowed_cannot_be_denied_any_more() -> None:
    task, _ = step(b.planned(b.external("a")), e.Approved(at=b.at(0)))
    assert step(task, e.Denied(keys=frozenset({"a"}), at=b.at(0))) == (task, ())
