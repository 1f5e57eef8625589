"""The card of a task."""

from __future__ import annotations

from dataclasses import replace

from domain.card import card_of
from domain.plan import Plan, Repair
from domain.task import Failure, SubtaskState, TaskState
from tests.unit.domain import build as b


def test_a_card_before_there_is_a_plan() -> None:
    card = card_of(b.received(version=3), b.at(12))
    assert (card.task_id, card.request, card.language) == ("7K2QXM", "look around", "en")
    assert (card.state, card.revision, card.seconds) == (TaskState.RECEIVED, 3, 12)
    assert (card.done, card.total, card.lines, card.repairs) == (0, 0, (), ())


def test_a_line_per_subtask() -> None:
    task = b.planned(b.node("a", name="Read"), b.node("b", "a", description="Sum up"), b.node("c"))
    task, _ = b.do(task, b.released(), b.succeeded(), b.released("b", at=b.at(30)), b.started("b", at=b.at(32)))
    task = b.with_subs(task, b=replace(task.subtasks["b"], failures=2))
    card = card_of(task, b.at(40))
    assert (card.done, card.total) == (1, 3)
    first, second, third = card.lines
    assert (first.key, first.title, first.skill, first.agent) == ("a", "Read", "look", b.AGENT)
    assert (first.state, first.seconds, first.retries) == (SubtaskState.SUCCEEDED, 10, 0)
    assert (second.title, second.state, second.seconds, second.retries) == ("Sum up", SubtaskState.RUNNING, 8, 2)
    assert (third.title, third.agent, third.seconds) == ("look", None, None)


def test_seconds_stop_with_the_answer() -> None:
    task, _ = b.do(b.received(), b.plan_failed(), b.answered())
    assert card_of(task, b.at(5000)).seconds == 700


def test_what_waits_for_its_next_try_does_not_run() -> None:
    task, _ = b.do(b.planned(b.node("a")), b.released(), b.failed(retryable=True))
    (line,) = card_of(task, b.at(40)).lines
    assert (line.state, line.seconds, line.retries) == (SubtaskState.READY, None, 1)
    assert line.failure == Failure(code="refused", message="no", retryable=True)


def test_what_waits_for_a_person_says_so_even_while_others_run() -> None:
    task, _ = b.do(b.planned(b.external("a"), b.external("later", "a"), b.node("b")), b.released("b"))
    assert [line.needs_approval for line in card_of(task, b.at(9)).lines] == [True, False, False]
    task, _ = b.do(task, b.approved())
    assert not any(line.needs_approval for line in card_of(task, b.at(9)).lines)


def test_repairs_are_shown() -> None:
    repair = Repair(kind="self_dependency", node="a")
    task = b.received(plan=Plan(repairs=(repair,)))
    assert card_of(task, b.at(0)).repairs == (repair,)
