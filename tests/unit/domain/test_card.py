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
    repair = Repair(kind="self_dependency", subtask="a")
    task = b.received(plan=Plan(repairs=(repair,)))
    assert card_of(task, b.at(0)).repairs == (repair,)


# --- plans that grow ------------------------------------------------------------------------------------------


def test_children_stand_behind_their_parent() -> None:
    task = b.planned(b.node("p"), b.node("z", "p"))
    task, _ = b.do(task, b.released("p"), b.started("p"), b.divided("p", 1, b.node("x"), b.node("y")))
    task, _ = b.do(task, b.released("p.x"), b.divided("p.x", 1, b.node("deep")))
    card = card_of(task, b.at(40))
    assert [(line.key, line.depth) for line in card.lines] == [
        ("p", 0),
        ("p.x", 1),
        ("p.x.deep", 2),
        ("p.y", 1),
        ("z", 0),
    ]
    assert card.total == 5


def test_a_parent_is_under_way_and_counts_its_children() -> None:
    task = b.planned(b.node("p"), b.node("z", "p"))
    task, _ = b.do(task, b.released("p"), b.started("p"), b.divided("p", 1, b.node("x"), b.node("y")))
    task, _ = b.ends(task, "p.x")
    parent = card_of(task, b.at(40)).lines[0]
    assert (parent.state, parent.done, parent.total, parent.seconds) == (SubtaskState.RUNNING, 1, 2, 28)
    task, _ = b.ends(task, "p.y", seconds=10)
    parent = card_of(task, b.at(90)).lines[0]
    assert (parent.state, parent.done, parent.total, parent.seconds) == (SubtaskState.SUCCEEDED, 2, 2, 18)
    assert (card_of(task, b.at(90)).lines[-1].done, card_of(task, b.at(90)).lines[-1].total) == (0, 0)


def test_a_plan_that_is_not_whole_says_so() -> None:
    task, _ = b.do(b.received(), b.plan_started(), b.plan_grew(b.node("a")))
    card = card_of(task, b.at(5))
    assert (card.is_planning, card.total, card.state) == (True, 1, TaskState.PLANNING)
    assert not card_of(b.planned(b.node("a")), b.at(5)).is_planning


def test_rounds_and_why_there_were_any() -> None:
    task, _ = b.do(b.received(), b.plan_of(b.node("a"), rounds_left=1), b.released(), b.succeeded())
    task, _ = b.do(task, b.dissatisfied("no totals"), b.plan_of(b.node("b")))
    card = card_of(task, b.at(70))
    assert card.rounds == ("no totals",)
    assert [(line.key, line.round) for line in card.lines] == [("a", 0), ("b", 1)]


def test_a_question_is_on_the_card() -> None:
    task, _ = b.do(b.received(), b.asked())
    assert (card_of(task, b.at(9)).question, card_of(task, b.at(9)).state) == ("Which one?", TaskState.WAITING)
    assert card_of(b.received(), b.at(9)).question is None


def test_an_answer_shows_while_it_is_written() -> None:
    assert card_of(b.received(), b.at(9), draft="Two rows").draft == "Two rows"
    assert card_of(b.received(), b.at(9)).draft == ""


def test_what_cannot_begin_says_what_it_waits_for() -> None:
    task = b.planned(b.node("a", name="Read"), b.node("b"), b.node("c", "a", "b"), b.node("d", "c"))
    task, _ = b.ends(task, "b")
    assert [line.waits_for for line in card_of(task, b.at(40)).lines] == [(), (), ("Read",), ("look",)]
    task, _ = b.ends(task, "a")
    assert [line.waits_for for line in card_of(task, b.at(40)).lines] == [(), (), (), ("look",)]


def test_who_waits_for_children_waits_for_nothing_else() -> None:
    task = b.planned(b.node("p"), b.node("z", "p"))
    task, _ = b.do(task, b.released("p"), b.started("p"), b.divided("p", 1, b.node("x"), b.node("y", "x")))
    assert [line.waits_for for line in card_of(task, b.at(40)).lines] == [(), (), ("look",), ("look",)]
