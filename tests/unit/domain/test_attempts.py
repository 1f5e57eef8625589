"""What happens to one attempt: leases, tries, hand-backs, history."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain import events as e
from domain.attempts import MAX_HANDBACKS
from domain.progress import step
from domain.task import Attempt, Failure, Outcome, Result, SubtaskState, Task
from tests.unit.domain import build as b

S = SubtaskState


def attempts(effects: tuple[e.Effect, ...]) -> list[Attempt]:
    return [effect.attempt for effect in effects if isinstance(effect, e.RecordAttempt)]


def running(**node: object) -> Task:
    return b.do(b.planned(b.node("a", **node)), b.released(), b.started())[0]


def test_release_numbers_the_attempt_and_sets_its_timer() -> None:
    task, effects = step(b.planned(b.node("a")), b.released())
    sub = task.subtasks["a"]
    assert effects == (e.Dispatch(key="a", attempt=1),)
    assert (sub.state, sub.attempt, sub.agent) == (S.DISPATCHED, 1, b.AGENT)
    assert (sub.dispatched_at, sub.due_at, sub.lease, sub.started_at) == (b.at(10), b.at(b.DUE_S), None, None)


def test_started_gives_the_lease_and_its_own_timer() -> None:
    sub = running().subtasks["a"]
    assert (sub.state, sub.lease, sub.started_at) == (S.RUNNING, b.started().lease, b.at(12))
    assert sub.due_at == b.at(b.DUE_S + 5)


@pytest.mark.parametrize("again", [b.started, b.claimed])
def test_started_again_extends_the_lease_but_not_the_time_limit(again) -> None:
    task, _ = step(running(), again(at=b.at(b.LATE_S * 2 + 60), due_at=b.at(500), lease=b.lease(until_s=70)))
    sub = task.subtasks["a"]
    assert sub.lease == b.lease(until_s=70)
    assert (sub.due_at, sub.started_at) == (b.at(b.DUE_S + 5), b.at(12))


def test_a_beat_extends_the_lease_only() -> None:
    task, effects = step(running(), b.beat())
    before, after = running().subtasks["a"], task.subtasks["a"]
    assert after == replace(before, lease=b.beat().lease)
    assert effects == ()


def test_success_keeps_the_result_and_clears_timer_lease_and_failure() -> None:
    task = b.with_subs(running(), a=replace(running().subtasks["a"], failure=Failure(code="error")))
    task, effects = step(task, b.succeeded(result=Result(summary="found", output=[1])))
    sub = task.subtasks["a"]
    assert sub.result == Result(summary="found", output=[1])
    assert (sub.lease, sub.due_at, sub.failure, sub.finished_at) == (None, None, None, b.at(20))
    assert attempts(effects) == [
        Attempt(
            key="a",
            number=1,
            agent=b.AGENT,
            worker="w1",
            exec_id=b.EXEC,
            started_at=b.at(12),
            ended_at=b.at(20),
            outcome=Outcome.SUCCEEDED,
            skill="look",
        )
    ]


def test_an_attempt_that_never_started_is_recorded_from_its_dispatch() -> None:
    task, _ = step(b.planned(b.node("a")), b.released())
    _, effects = step(task, b.timed_out())
    assert attempts(effects) == [
        Attempt(
            key="a",
            number=1,
            agent=b.AGENT,
            worker=None,
            exec_id=None,
            started_at=b.at(10),
            ended_at=b.at(b.LATE_S),
            outcome=Outcome.TIMED_OUT,
            failure=Failure(code="timeout", retryable=True),
            skill="look",
        )
    ]


def test_a_retry_waits_with_jitter() -> None:
    task, _ = step(running(), b.failed(retryable=True, jitter=0.25))
    sub = task.subtasks["a"]
    assert (sub.state, sub.failures, sub.due_at) == (S.READY, 1, b.at(20.25))
    assert sub.failure == b.failed(retryable=True).failure
    assert step(task, b.released(at=b.at(20.2)))[0] is task
    assert step(task, b.released(at=b.at(20.25)))[0].subtasks["a"].attempt == 2


def test_a_retry_waits_as_long_as_the_agent_asks() -> None:
    failure = Failure(code="busy", retryable=True, retry_after_s=42)
    task, _ = step(running(), b.failed(failure=failure))
    assert task.subtasks["a"].due_at == b.at(62)


def test_a_retry_that_would_come_after_the_deadline_is_not_made() -> None:
    failure = Failure(code="busy", retryable=True, retry_after_s=b.DEADLINE_S - 20)
    task, effects = step(running(), b.failed(failure=failure))
    assert (b.states(task), task.subtasks["a"].failure) == ({"a": "failed"}, failure)
    assert b.names(effects) == ["RecordAttempt", "Settle"]


def test_tries_are_counted() -> None:
    task = b.planned(b.node("a", max_attempts=2))
    task, _ = b.do(task, b.released(), b.timed_out())
    assert (b.states(task), task.subtasks["a"].failures) == ({"a": "ready"}, 1)
    again = b.released(at=b.at(150), due_at=b.at(200))
    task, _ = b.do(task, again, b.timed_out(attempt=2, at=b.at(200)))
    assert (b.states(task), task.subtasks["a"].failures) == ({"a": "failed"}, 2)


def test_why_an_attempt_was_lost_is_kept() -> None:
    task, _ = step(running(), b.lease_expired())
    assert task.subtasks["a"].failure == Failure(code="lease_expired", retryable=True)


def test_what_cannot_be_retried_fails_at_once() -> None:
    task, _ = step(running(), b.failed())
    assert (b.states(task), task.subtasks["a"].failures) == ({"a": "failed"}, 1)


def test_a_new_attempt_knows_nothing_of_the_last() -> None:
    task, _ = b.do(running(), b.failed(retryable=True), b.released(at=b.at(30)))
    task, effects = step(task, b.handed_back(attempt=2, exec_id=None))
    assert [(attempt.number, attempt.failure) for attempt in attempts(effects)] == [(2, None)]


def test_what_waits_for_its_next_try_has_no_dispatch_going_on() -> None:
    task, _ = step(running(), b.failed(retryable=True))
    sub = task.subtasks["a"]
    assert (sub.lease, sub.started_at, sub.dispatched_at) == (None, None, None)


# --- hand-backs -----------------------------------------------------------------------------------------------


def test_a_handback_costs_no_try() -> None:
    task, effects = step(running(), b.handed_back())
    sub = task.subtasks["a"]
    assert (sub.state, sub.failures, sub.handbacks, sub.due_at) == (S.READY, 0, 1, None)
    assert [attempt.outcome for attempt in attempts(effects)] == [Outcome.HANDED_BACK]


def test_a_handback_that_says_nothing_against_the_message_is_not_counted() -> None:
    task, _ = step(running(), b.handed_back(counts=False))
    assert (b.states(task), task.subtasks["a"].handbacks) == ({"a": "ready"}, 0)


def test_a_message_nobody_ever_takes_is_poison() -> None:
    assert MAX_HANDBACKS == 20
    task = b.planned(b.node("a"), b.node("b", "a"))
    for attempt in range(1, MAX_HANDBACKS + 1):
        assert b.states(task)["a"] == "ready"
        task, _ = b.do(task, b.released(), b.handed_back(attempt=attempt, exec_id=None))
    assert b.states(task) == {"a": "failed", "b": "skipped"}
    assert task.subtasks["a"].failure == Failure(code="handed_back")


# --- whose worker died with it --------------------------------------------------------------------------------


def redelivered(attempt: int, **more: object) -> e.Event:
    """What another worker says of a message whose first receiver is gone."""
    return b.handed_back(attempt=attempt, exec_id=None, **more)


def begun_again(task: Task, attempt: int) -> Task:
    """The next attempt, announced before it runs."""
    now = b.at(b.LATE_S * attempt)
    times = {"at": now, "due_at": now + timedelta(seconds=20)}
    return b.do(task, b.released(**times), b.started(attempt=attempt, **times))[0]


@pytest.mark.parametrize("lost", [b.holder_gone, b.lease_expired, b.timed_out])
def test_poison_that_was_quick_at_first_kills_three_workers_and_no_more(lost) -> None:
    task = b.do(b.planned(b.node("a")), b.released(), redelivered(1))[0]
    for attempt in (2, 3):
        assert b.states(task) == {"a": "ready"}
        task = begun_again(task, attempt)
        task, _ = step(task, lost(attempt=attempt, at=b.at(b.LATE_S * attempt + 60)))
    assert (b.states(task), task.subtasks["a"].failures) == ({"a": "failed"}, 3)


def test_what_may_have_killed_unseen_gets_no_more_tries_than_its_skill_has() -> None:
    task = b.do(b.planned(b.node("a", max_attempts=1)), b.released(), redelivered(1))[0]
    task, _ = step(begun_again(task, 2), b.holder_gone(attempt=2, at=b.at(b.LATE_S * 2 + 60)))
    assert (b.states(task), task.subtasks["a"].failures) == ({"a": "failed"}, 1)


def test_what_only_lay_in_a_dead_workers_hands_loses_no_try() -> None:
    task = b.do(b.planned(b.node("a")), b.released(), redelivered(1))[0]
    failed = b.failed(attempt=2, retryable=True, at=b.at(b.LATE_S * 2 + 60))
    task, _ = step(begun_again(task, 2), failed)
    assert task.subtasks["a"].failures == 1


def test_a_worker_that_dies_takes_one_try_from_what_it_holds() -> None:
    assert step(running(), b.holder_gone())[0].subtasks["a"].failures == 1


def test_a_worker_that_leaves_takes_no_try_now_or_later() -> None:
    task = b.do(b.planned(b.node("a")), b.released(), redelivered(1, counts=False))[0]
    task, _ = step(begun_again(task, 2), b.holder_gone(attempt=2, at=b.at(b.LATE_S * 2 + 60)))
    assert task.subtasks["a"].failures == 1


# --- external effects -----------------------------------------------------------------------------------------


def granted() -> Task:
    return b.do(b.planned(b.external("a")), b.approved(), b.released(), b.claimed())[0]


@pytest.mark.parametrize("event", [b.timed_out(), b.lease_expired()], ids=["timed_out", "lease_expired"])
def test_a_granted_effect_without_news_is_unknown_and_never_repeated(event: e.Event) -> None:
    task, effects = step(granted(), event)
    assert b.states(task) == {"a": "unknown"}
    assert task.subtasks["a"].failure == Failure(code="outcome_unknown")
    assert [attempt.outcome for attempt in attempts(effects)] == [Outcome.UNKNOWN]


def test_a_granted_effect_that_failed_is_known_and_never_repeated() -> None:
    task, effects = step(granted(), b.failed(retryable=True))
    assert b.states(task) == {"a": "failed"}
    assert [attempt.outcome for attempt in attempts(effects)] == [Outcome.FAILED]


@pytest.mark.parametrize("claim", [(), (b.claimed(),)], ids=["unclaimed", "claimed"])
def test_an_agent_may_itself_not_know_whether_it_acted(claim: tuple[e.Event, ...]) -> None:
    task, _ = b.do(b.planned(b.external("a")), b.approved(), b.released(), *claim)
    failure = Failure(code="outcome_unknown", message="timeout", retryable=True)
    task, effects = step(task, b.failed(failure=failure))
    assert (b.states(task), task.subtasks["a"].failure) == ({"a": "unknown"}, failure)
    assert [attempt.outcome for attempt in attempts(effects)] == [Outcome.UNKNOWN]


def test_an_effect_that_was_never_claimed_is_tried_again_after_silence() -> None:
    task, _ = b.do(b.planned(b.external("a")), b.approved(), b.released(), b.timed_out())
    assert b.states(task) == {"a": "ready"}


def test_an_effect_that_failed_unclaimed_is_not_repeated() -> None:
    """A listener that never claims has acted by the time it reports."""
    task, _ = b.do(b.planned(b.external("a")), b.approved(), b.released())
    task, _ = step(task, b.failed(attempt=None, exec_id=None, retryable=True))
    assert b.states(task) == {"a": "failed"}


def test_a_grant_that_got_lost_is_given_again_to_the_same_execution_only() -> None:
    _, effects = step(granted(), b.claimed())
    assert b.names(effects) == ["Grant"]
    _, effects = step(granted(), b.claimed(lease=b.lease("x2")))
    assert b.names(effects) == ["Stop"]


def test_whoever_times_out_is_told_to_stop() -> None:
    _, effects = step(running(), b.timed_out())
    assert effects[-1] == e.Stop(key="a", agent=b.AGENT, lease=b.started().lease)
