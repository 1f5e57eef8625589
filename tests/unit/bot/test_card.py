from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from bot.card_text import APPROVAL_MARK, LOUDNESS, MARKS, TASK_MARKS, card_text, changes, row_of, visible
from bot.platforms.console_view import STYLES, card_view, render
from domain.card import Card, CardLine
from domain.plan import Repair
from domain.task import Failure, SubtaskState, TaskState
from domain.texts import CATALOGUE, Language

S = SubtaskState


def line(key: str, state: SubtaskState = S.PENDING, **changes: object) -> CardLine:
    known = {
        "title": f"Step {key}",
        "skill": "do",
        "agent": None,
        "seconds": None,
        "retries": 0,
        "needs_approval": False,
        "failure": None,
    }
    return CardLine(key=key, state=state, **(known | changes))


def card_of(*lines: CardLine, language: Language = "en", **changes: object) -> Card:
    known = {
        "task_id": "K3M9QX",
        "request": "r",
        "state": TaskState.RUNNING,
        "revision": 3,
        "seconds": 75.2,
        "done": sum(line.state is S.SUCCEEDED for line in lines),
        "repairs": (),
    }
    return Card(language=language, lines=lines, **(known | changes))


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
    assert card_text(card_of(*SAMPLE, repairs=(Repair(kind="self_dependency", node="c"),))).splitlines() == [
        "● K3M9QX · running · 1/7 · 1 min 15 s",
        "✓ Step a · files · 0.4 s",
        "● Step b · shell · 1 min 1 s · retries ×1",
        "◐ Step c · charts · 9.0 s · waiting for an agent",
        "✗ Step d · shell · 1 h 6 min · it took longer than its time limit: no end",
        "◌ Step e · waiting for an agent",
        "! Step f · waits for your approval: /approve K3M9QX",
        "↷ Step g · what it depends on did not succeed",
        "↻ “c” no longer depends on itself",
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
    planned = card_of(line("a"), line("b"), repairs=(Repair(kind="self_dependency", node="b"),))
    running = card_of(line("a", S.RUNNING, agent="x", seconds=1), line("b"))
    retried = card_of(line("a", S.READY, agent="x", retries=1), line("b"))
    done = card_of(line("a", S.SUCCEEDED, agent="x", seconds=2), line("b"), state=TaskState.ANSWERED)
    assert changes(None, received) == ["○ K3M9QX · received · 0.0 s"]
    assert changes(received, planned) == ["● K3M9QX · running · 0/2 · 1 min 15 s", "↻ “b” no longer depends on itself"]
    assert changes(planned, planned) == []
    assert changes(planned, running) == ["  K3M9QX ● Step a · x · 1.0 s"]
    assert changes(running, retried) == ["  K3M9QX ◌ Step a · x · retries ×1 · will try again"]
    assert changes(retried, done) == ["✓ K3M9QX · answered · 1/2 · 1 min 15 s", "  K3M9QX ✓ Step a · x · 2.0 s"]
