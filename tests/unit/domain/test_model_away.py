"""A plan that waits for a language model: how long, how often one is asked, and what ends the waiting."""

from __future__ import annotations

from typing import Any

import pytest

from domain import events as e
from domain.card import Awaited, card_of
from domain.progress import verdict
from domain.task import Failure, Task, TaskState
from tests.unit.domain import build as b

P1 = "p1"


def waiting(*happened: e.Event, **more: Any) -> Task:
    return b.do(b.received(), b.plan_started(P1), *happened, b.model_gone(P1, **more))[0]


def missed(task: Task, **more: Any) -> Task:
    """Asked again, in vain."""
    return b.do(task, b.plan_started(P1), b.model_gone(P1, **more))[0]


def test_nobody_holds_it_until_the_model_is_asked_again() -> None:
    task = waiting(retry_after_s=10.0)
    assert (task.state, task.claimed_by, task.claimed_until) == (TaskState.PLANNING, None, b.at(5 + 10 + 1))
    assert card_of(task, b.at(15)).model == Awaited(cause="m1: HTTP 503", left_s=50)


def test_the_pauses_grow_up_to_a_cap_and_are_spread_by_chance() -> None:
    task, pauses = waiting(patience_s=600.0), []
    for second in range(6, 14):
        assert task.claimed_until is not None
        pauses.append((task.claimed_until - b.at(second - 1)).total_seconds())
        task = missed(task, at=b.at(second))
    assert pauses == [1, 2, 4, 8, 15, 15, 15, 15]
    assert waiting(jitter=0.25).claimed_until == b.at(5.5)


def test_it_is_given_up_when_the_next_asking_would_come_too_late() -> None:
    task = missed(waiting(), at=b.at(64), cause="m1: HTTP 429")
    assert (task.settled_at, verdict(task)) == (b.at(64), TaskState.FAILED)
    assert task.failure == Failure(code="no_plan", message="no model")
    assert (task.model_away, card_of(task, b.at(65)).model) == (None, None)


@pytest.mark.parametrize(
    "more", [{"patience_s": 0.0}, {"retry_after_s": 60.0}, {"retry_after_s": 1e12, "patience_s": 1e6}]
)
def test_where_waiting_is_pointless_it_fails_at_once(more: dict[str, Any]) -> None:
    assert waiting(**more).settled_at == b.at(5)


def test_the_deadline_is_not_waited_beyond() -> None:
    task = waiting(patience_s=1e6)
    assert task.model_away is not None
    assert task.model_away.until == b.at(b.DEADLINE_S)
    assert missed(task, at=b.at(b.DEADLINE_S - 1)).failure == Failure(code="no_plan", message="no model")


def test_the_patience_counts_from_the_first_time_and_the_newest_cause_is_told() -> None:
    task = missed(waiting(), at=b.at(30), cause="m1: HTTP 429")
    assert task.model_away is not None
    assert (task.model_away.cause, task.model_away.until) == ("m1: HTTP 429", b.at(65))


def test_what_has_begun_goes_on_and_is_all_there_is_when_no_model_comes_back() -> None:
    task = waiting(b.plan_grew(b.node("a"), by=P1))
    assert b.states(task) == {"a": "ready"}
    task = missed(task, at=b.at(64))
    assert (task.settled_at, b.states(task)) == (None, {"a": "ready"})
    assert [repair.kind for repair in task.plan.repairs if task.plan] == ["unfinished"]  # type: ignore[union-attr] # it has one


@pytest.mark.parametrize(
    "back",
    [
        b.plan_grew(b.node("a"), by=P1),
        b.plan_of(b.node("a"), by=P1),
        b.asked(P1),
        b.plan_failed(P1),
        b.cancelled(),
        b.deadline(),
        b.amended(),
        b.reworded(),
    ],
)
def test_the_waiting_is_over_when_the_model_is_back_or_something_else_happens(back: e.Event) -> None:
    assert b.do(waiting(), b.plan_started(P1), back)[0].model_away is None


def test_whoever_does_not_hold_it_has_no_say() -> None:
    held = b.do(b.received(), b.plan_started("p2"))[0]
    assert b.do(held, b.model_gone(P1))[0] == held


def test_it_is_still_waited_for_while_it_is_being_asked() -> None:
    task = b.do(waiting(), b.plan_started(P1))[0]
    assert task.claimed_by == P1
    assert card_of(task, b.at(20)).model == Awaited(cause="m1: HTTP 503", left_s=45)
