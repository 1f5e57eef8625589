from __future__ import annotations

import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from bot.card_text import APPROVAL_MARK, LOUDNESS, MARKS, TASK_MARKS, card_text, changes, row_of, visible
from bot.platforms.console_view import STYLES, card_view, render
from domain.card import Around, Awaited, CardLine
from domain.plan import Repair
from domain.task import FINAL, Failure, SubtaskState, TaskState
from domain.texts import CATALOGUE, Language
from domain.wording import duration
from tests.unit.bot.drawing.samples import card_of, line

S = SubtaskState


def plain(ansi: str) -> list[str]:
    return [text.rstrip() for text in re.sub(r"\x1b\[[0-9;]*m", "", ansi).splitlines()]


SAMPLE = (
    line("a", S.SUCCEEDED, agent="files", seconds=0.42),
    line("b", S.RUNNING, agent="shell", seconds=61, retries=1),
    line("c", S.DISPATCHED, agent="charts", seconds=9),
    line("d", S.FAILED, agent="shell", seconds=4000, failure=Failure(code="timeout", message="no end")),
    line("e", S.READY),
    line("f", S.READY, needs_approval=True),
    line("g", S.SKIPPED, failure=Failure(code="upstream")),
)


def test_the_text_of_a_card() -> None:
    assert card_text(card_of(*SAMPLE, repairs=(Repair(kind="self_dependency", subtask="c"),))).splitlines() == [
        "● K3M9QX · running · 1/7 · 1 min 15 s",
        "✓ Step a · files · 0.4 s",
        "● Step b · shell · 1 min 1 s · retries ×1",
        "◐ Step c · charts · 9.0 s · waiting for an agent",
        "✗ Step d · shell · 1 h 6 min · it took longer than its time limit: no end",
        "◌ Step e · waiting for an agent",
        "! Step f · waits for your approval: /approve K3M9QX",
        "↷ Step g · what it depends on did not succeed",
        "↻ I removed the dependency of “c” on itself",
    ]


def test_the_text_of_a_card_in_chinese() -> None:
    text = card_text(card_of(*SAMPLE, language="zh"))
    assert text.splitlines()[0] == "● K3M9QX · 执行中 · 1/7 · 1 分 15 秒"
    assert not re.search("[a-z]{3,}", re.sub("Step|files|shell|charts|no end|/approve", "", text))


@pytest.mark.parametrize(("columns", "language"), [(100, "en"), (40, "en"), (20, "en"), (100, "zh"), (40, "zh")])
def test_a_terminal_card_fits_and_loses_nothing(columns: int, language: Language) -> None:
    card = card_of(*SAMPLE, language=language)
    rows = plain(render(card_view(card), columns))
    assert all(cell_len(row) <= columns for row in rows)
    drawn = re.sub(r"\s+", "", "".join(rows))
    for each in card.lines:
        row = row_of(card, each)
        for part in (row.mark, row.title, row.agent, row.seconds, row.retries, row.note):
            assert re.sub(r"\s+", "", part) in drawn or columns < 40


def test_a_terminal_card_reads_without_colour() -> None:
    rows = plain(render(card_view(card_of(*SAMPLE)), 100))
    assert rows[0] == "● K3M9QX · running · 1/7 · 1 min 15 s"
    assert rows[1] == "  ✓     0.4 s Step a · files"
    assert rows[4] == "  ✗  1 h 6 min Step d · shell · it took longer than its time limit: no end".replace(
        "  1 h", " 1 h"
    )
    assert len(set(MARKS.values()) | {APPROVAL_MARK}) == len(SubtaskState) + 1


def test_every_state_can_be_drawn() -> None:
    assert MARKS.keys() == STYLES.keys() == set(LOUDNESS) == set(SubtaskState)
    assert TASK_MARKS.keys() == set(TaskState)
    assert {f"state.{state}" for state in TaskState} <= CATALOGUE.keys()
    assert all(cell_len(mark) == 1 for mark in [*MARKS.values(), *TASK_MARKS.values()])


def test_what_wants_attention_stays_when_room_is_short() -> None:
    many = [line(f"n{number}", S.SUCCEEDED) for number in range(50)]
    card = card_of(*many[:25], line("bad", S.FAILED), *many[25:], line("ask", S.READY, needs_approval=True))
    shown, hidden = visible(card, 4)
    assert [each.key for each in shown] == ["n0", "bad", "ask"]
    assert hidden == 49
    assert "… and 49 more" in card_text(card, 4)
    assert any("49" in row for row in plain(render(card_view(card, 4), 80)))


def test_hostile_titles_stay_in_their_place() -> None:
    title = "[bold]x[/bold]\x1b[2J\n\u202edesrever " + "y" * 500
    card = card_of(line("a", S.FAILED, title=title, agent="a\nb", failure=Failure(code="x\x1b[1m", message=title)))
    for text in (card_text(card), re.sub(r"\x1b\[[0-9;]*m", "", render(card_view(card), 80))):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "[bold]x[/bold]" in text
        assert "y" * 100 not in text
    assert len(card_text(card).splitlines()) == 2


def test_changes_tell_each_state_once() -> None:
    received = card_of(state=TaskState.RECEIVED, seconds=0)
    planned = card_of(line("a"), line("b"), repairs=(Repair(kind="self_dependency", subtask="b"),))
    running = card_of(line("a", S.RUNNING, agent="x", seconds=1), line("b"))
    retried = card_of(line("a", S.READY, agent="x", retries=1), line("b"))
    done = card_of(line("a", S.SUCCEEDED, agent="x", seconds=2), line("b"), state=TaskState.ANSWERED)
    assert changes(None, received) == ["○ K3M9QX · received · 0.0 s"]
    assert changes(received, planned) == [
        "● K3M9QX · running · 0/2 · 1 min 15 s",
        "↻ I removed the dependency of “b” on itself",
    ]
    assert changes(planned, planned) == []
    assert changes(planned, running) == ["  K3M9QX ● Step a · x · 1.0 s"]
    assert changes(running, retried) == ["  K3M9QX ◌ Step a · x · retries ×1 · will try again"]
    assert changes(retried, done) == ["✓ K3M9QX · answered · 1/2 · 1 min 15 s", "  K3M9QX ✓ Step a · x · 2.0 s"]


# --- trees, questions, rounds, drafts -------------------------------------------------------------------------------


def tree(*states: SubtaskState) -> tuple[CardLine, ...]:
    """A map with a child per state, between two others."""
    children = [line(f"m.{number}", state, depth=1) for number, state in enumerate(states, start=1)]
    ended = sum(state in FINAL for state in states)
    return (line("a", S.SUCCEEDED), line("m", S.RUNNING, done=ended, total=len(states)), *children, line("z"))


def test_children_stand_below_their_parent_which_counts_them() -> None:
    card = card_of(*tree(S.SUCCEEDED, S.RUNNING))
    assert card_text(card).splitlines()[1:] == [
        "✓ Step a",
        "● Step m · 1/2",
        "  ✓ Step m.1",
        "  ● Step m.2",
        "○ Step z",
    ]
    assert plain(render(card_view(card), 80))[1:] == [
        "  ✓    Step a",
        "  ●    Step m · 1/2",
        "    ✓    Step m.1",
        "    ●    Step m.2",
        "  ○    Step z",
    ]


def test_where_room_is_short_quiet_children_are_only_counted() -> None:
    card = card_of(*tree(*[S.SUCCEEDED] * 30, S.FAILED, S.RUNNING, *[S.READY] * 30))
    shown, hidden = visible(card, 10)
    assert [each.key for each in shown] == ["a", "m", "m.31", "m.32", "z"]
    assert hidden == 0
    assert "Step m · 31/62" in card_text(card, 10)


def test_what_is_shown_of_a_tree_hangs_on_its_parents() -> None:
    lines = [line(f"n{number}", S.RUNNING) for number in range(20)]
    nested = (line("m", S.SUCCEEDED), line("m.s", S.SUCCEEDED, depth=1), line("m.s.x", S.FAILED, depth=2))
    shown, hidden = visible(card_of(*lines, *nested), 5)
    assert [each.key for each in shown] == ["n0", "m", "m.s", "m.s.x"]
    assert hidden == 19


def test_a_growing_plan_says_how_far_it_is() -> None:
    card = card_of(line("a", S.RUNNING), line("b"), state=TaskState.PLANNING, is_planning=True)
    assert card_text(card).startswith("◐ K3M9QX · making a plan, 2 step(s) so far · 0/2 · ")
    assert card_text(card_of(state=TaskState.PLANNING, is_planning=True)).startswith("◐ K3M9QX · making a plan · ")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_question_comes_first_and_says_how_to_answer(language: Language) -> None:
    card = card_of(state=TaskState.WAITING, question="Which one?\x1b[2J\n\u202eThis?", language=language)
    told = card_text(card).splitlines()
    assert told[1:3] == ["? Which one?", "  ⟨U+202E⟩This?"]
    assert "/cancel K3M9QX" in told[3]
    drawn = render(card_view(card), 40)
    assert all(cell_len(row) <= 40 for row in plain(drawn))
    assert "Which one?" in drawn
    assert "\x1b[2J" not in drawn


def test_rounds_say_why_and_how_many_there_may_be() -> None:
    card = card_of(line("a"), rounds=("", "the *prices*\nof March"), rounds_left=1)
    assert card_text(card).splitlines()[2:] == [
        "↺ planned anew (1/3): a critical step failed",
        "↺ planned anew (2/3): the *prices* of March",
    ]


def test_a_draft_is_shown_by_its_end() -> None:
    draft = "\n\n".join(f"passage {number} \\* \x1b[1m" for number in range(30))
    told = card_text(card_of(line("a"), draft=draft)).splitlines()
    assert told[2] == "✎ answer so far:"
    assert told[-1] == "  passage 29 *"
    assert 3 < len(told) < 10
    assert len("".join(card_text(card_of(draft="x" * 5000)).splitlines())) < 600
    assert card_text(card_of(line("a"), draft="  \n ")) == card_text(card_of(line("a")))


def test_a_card_with_everything_still_shows_subtasks_in_a_small_terminal() -> None:
    card = card_of(*tree(*[S.RUNNING] * 20), question="Q" * 500, rounds=("x",), draft="d " * 500)
    rows = plain(render(card_view(card, 12), 80))
    assert any("Step m ·" in row for row in rows)
    assert len(rows) < 30


def test_changes_tell_growth_rounds_and_repairs_once() -> None:
    repair = Repair(kind="self_dependency", subtask="b")
    begun = card_of(line("a"), state=TaskState.PLANNING, is_planning=True, seconds=1)
    grown = card_of(line("a"), line("b"), state=TaskState.PLANNING, is_planning=True, seconds=2)
    whole = card_of(line("a"), line("b"), repairs=(repair,), seconds=3)
    anew = card_of(line("a"), line("b"), repairs=(repair,), rounds=("more",), rounds_left=1, seconds=4)
    assert changes(begun, grown) == ["◐ K3M9QX · making a plan, 2 step(s) so far · 0/2 · 2.0 s"]
    assert changes(grown, whole) == ["● K3M9QX · running · 0/2 · 3.0 s", "↻ I removed the dependency of “b” on itself"]
    assert changes(whole, anew) == ["↺ planned anew (1/2): more"]
    assert changes(anew, anew) == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_model_that_does_not_answer_is_told_once_and_for_how_long_it_is_waited_for(language: Language) -> None:
    planning = card_of(state=TaskState.PLANNING, is_planning=True, language=language)
    away = replace(planning, model=Awaited(cause="m1: HTTP 503\nbusy", left_s=200))
    said = CATALOGUE["card.model"][language == "zh"].format(cause="m1: HTTP 503 busy", duration=duration(200, language))
    assert card_text(away).splitlines()[1:] == [said]
    assert said in "".join(plain(render(card_view(away), 200)))
    assert changes(planning, away) == [said]
    assert changes(away, replace(away, model=Awaited(cause="m1: HTTP 429", left_s=100))) == []
    assert changes(None, away) == [card_text(planning), said]


# --- what is known around a task --------------------------------------------------------------------------------------


def test_what_is_known_around_a_task_is_told() -> None:
    around = Around(left_s=43, cost=0.0123)
    assert card_text(card_of(line("a"), around=around)).splitlines() == [
        "● K3M9QX · running · 0/1 · 1 min 15 s · ≈ 43 s left · $0.012",
        "○ Step a",
    ]
    received = card_of(state=TaskState.RECEIVED, seconds=1, around=Around(ahead=2))
    assert card_text(received) == "○ K3M9QX · received · 1.0 s · 2 ahead in the queue"
    assert card_text(card_of(state=TaskState.RECEIVED, seconds=1, around=Around(ahead=0))).endswith("next in the queue")
    over = card_of(line("a", S.SUCCEEDED), state=TaskState.ANSWERED, around=replace(around, cost=1234.5, ahead=1))
    assert card_text(over).splitlines()[0] == "✓ K3M9QX · answered · 1/1 · 1 min 15 s · $1,234.50"


def test_what_takes_longer_than_usual_is_not_said_to_be_over_at_once() -> None:
    assert "left" not in card_text(card_of(line("a"), around=Around(left_s=0.4)))


def test_what_is_waited_for_is_told() -> None:
    steps = tuple(f"Step {number}" for number in range(4))
    absent = Around(absent=frozenset({"charts", "mail", "done"}))
    card = card_of(
        line("a", waits_for=steps[:1]),
        line("b", waits_for=steps),
        line("c", S.DISPATCHED, agent="charts", seconds=1),
        line("d", S.SUCCEEDED, agent="done", seconds=1),
        around=absent,
    )
    assert card_text(card).splitlines()[1:] == [
        "○ Step a · after Step 0",
        "○ Step b · after Step 0, Step 1 and 2 more",
        "◐ Step c · charts · 1.0 s · waiting for agent charts: nobody performs it",
        "✓ Step d · done · 1.0 s",
        "waiting for agent done: nobody performs it",
        "waiting for agent mail: nobody performs it",
    ]
    assert "在 Step 0、Step 1及另外 2 项 之后" in card_text(replace(card, language="zh"))
