from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.status_text import STEPS, Standing, status_text
from domain import events as e
from domain.approval import Offer
from domain.card import Around
from domain.ends import Step
from domain.task import Failure, Task, TaskState
from tests.unit.domain import build as b


def text_of(done: Step | Task, seconds: float = 20, **known: Any) -> list[str]:
    """What is said about a task at a time, with the attempts that its steps recorded."""
    task, effects = done if isinstance(done, tuple) else (done, ())
    attempts = [effect.attempt for effect in effects if isinstance(effect, e.RecordAttempt)]
    given: dict[str, Any] = {"task": task, "now": b.at(seconds), "attempts": attempts}
    return status_text(Standing(**{**given, **known}), "en").splitlines()


def busy(**more: Any) -> e.Failed:
    failure = Failure(code="unavailable", message="the disk is busy", retryable=True, retry_after_s=30)
    return replace(b.failed(**more), failure=failure)


def test_a_model_that_is_waited_for_is_told_also_while_it_is_being_asked() -> None:
    said = "The language model does not answer (m1: HTTP 503); it is asked again for up to 45 s more."
    away = b.do(b.received(), b.model_gone())
    assert text_of(away)[0] == said
    assert text_of(b.do(away[0], b.plan_started("p1")))[0] == said


# --- steps --------------------------------------------------------------------------------------------------------


def test_a_running_step_says_who_since_when_and_how_long_yet() -> None:
    begun = b.do(b.planned(b.node("a", name="Read")), b.released(), b.started())
    assert text_of(begun) == [
        "“Read”: ann has been at it for 8.0 s, at most 55 s more",
        "Last event, 8.0 s ago: ann began “Read”.",
        "It has 9 min 40 s left; what is not done by then is given up.",
    ]


def test_a_silent_worker_is_called_silent() -> None:
    begun = b.do(b.planned(b.node("a", name="Read")), b.released(), b.started())
    assert "gone silent" in text_of(begun, 46)[0]


def test_a_sent_step_says_so_and_whether_anybody_is_there() -> None:
    sent = b.do(b.planned(b.node("a", name="Read")), b.released())
    assert text_of(sent)[0] == "“Read”: sent to ann 10 s ago, not begun yet"
    alone = text_of(sent, around=Around(absent=frozenset({"ann"})))
    assert alone[0].endswith("not begun yet – nobody performs ann right now")


def test_a_retry_says_which_try_why_and_when() -> None:
    task = b.planned(b.node("a", name="Read"))
    resting = b.do(task, b.released(), busy())
    assert text_of(resting, 25)[:2] == [
        "“Read”: rests, and is tried again in 25 s; try 2 of 3, because the last one failed: "
        "something it needs is not available right now: the disk is busy",
        "Last event, 5.0 s ago: try 1 of “Read” failed: "
        "something it needs is not available right now: the disk is busy.",
    ]
    again = b.do(task, b.released(), busy(), b.released(at=b.at(60)), b.started(attempt=2, at=b.at(61)))
    assert "; try 2 of 3, because" in text_of(again, 62)[0]


@pytest.mark.parametrize(
    ("happened", "said"),
    [
        ((b.released(), b.handed_back()), "“Read” was handed back unrun"),
        ((b.released(), b.started(), b.timed_out()), "try 1 of “Read” ran out of time"),
        ((b.released(), b.started(), b.lease_expired()), "the worker of try 1 of “Read” went silent"),
    ],
)
def test_the_last_event_is_in_words(happened: tuple[e.Event, ...], said: str) -> None:
    lines = text_of(b.do(b.planned(b.node("a", name="Read")), *happened), 110)
    assert lines[-2].endswith(f"ago: {said}.")


def test_of_two_events_at_once_the_later_one_is_told() -> None:
    task, _ = b.do(b.received(), replace(b.plan_of(b.node("a")), at=b.at(0)))
    assert text_of(task)[-2] == "Last event, 20 s ago: the plan was finished."


def test_hand_backs_are_counted() -> None:
    happened = [each for _ in range(3) for each in (b.released(), b.handed_back(attempt=None))]
    assert "handed back 3 time(s)" in text_of(b.do(b.planned(b.node("a")), *happened), 30)[0]


def test_a_step_without_an_agent_says_what_it_lacks() -> None:
    task = b.planned(b.node("a", name="Read"))
    assert text_of(task, offered=frozenset({"other"}))[0] == (
        "“Read”: no agent that can do “look” is running; it waits for one"
    )
    for offered in (None, frozenset({"look"})):  # None: a silent agent is there, which may know it
        assert "as soon as an agent is free" in text_of(task, offered=offered)[0]


def test_a_waiting_step_names_what_it_waits_for() -> None:
    nodes = [b.node(key, name=f"Step {key}") for key in "abcde"]
    task = b.planned(*nodes, b.node("z", *"abcde", name="Sum"))
    task, _ = b.ends(task, "a")
    [line] = [line for line in text_of(task) if line.startswith("“Sum”")]
    assert line == "“Sum”: waits for “Step b”, “Step c”, “Step d” and 1 more"


def test_a_step_in_parts_says_how_many_are_done() -> None:
    task, _ = b.do(b.planned(b.node("p", name="All")), b.released("p"), b.divided("p", 1, b.node("x"), b.node("y")))
    task, _ = b.ends(task, "p.x")
    assert "“All”: 1 of its 2 parts are done" in text_of(task, 40)


def test_a_step_that_waits_for_leave_says_so_unless_it_is_shown_below() -> None:
    task = b.planned(b.external("a", name="Pay"))
    assert text_of(task)[0] == "“Pay”: waits for your approval"
    offer = Offer(code="C", task_id=task.id, key="a", digest="d", made_at=b.at(1), expires_at=b.at(900))
    assert not any("Pay" in line for line in text_of(task, around=Around(offers=(offer,))))


def test_a_large_plan_is_told_in_a_few_lines_what_moves_first() -> None:
    task = b.planned(*(b.node(f"n{number}") for number in range(200)))
    task, _ = b.do(task, b.released("n150"), b.started("n150"))
    lines = text_of(task)
    assert len(lines) == STEPS + 3
    assert "has been at it" in lines[0]
    assert lines[STEPS] == f"… and {200 - STEPS} more step(s)"


# --- before and after -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "said"), [(3, "3 task(s) come before it"), (0, "next to be planned"), (None, "next to be planned")]
)
def test_a_task_that_is_not_planned_says_its_place(ahead: int | None, said: str) -> None:
    lines = text_of(b.received(), around=Around(ahead=ahead))
    assert said in lines[0]
    assert lines[1] == "Last event, 20 s ago: the request came in."


def test_planning_and_a_planner_that_went_silent() -> None:
    task, _ = b.do(b.received(), b.plan_started("p1"))
    assert text_of(task)[0] == "The plan is being made."
    assert "somebody else takes over" in text_of(task, 301)[0]


def test_files_on_their_way_are_what_it_waits_for() -> None:
    task = b.received(uploads=(b.FILE, b.THERE))
    assert "1 file(s)" in text_of(task)[0]


@pytest.mark.parametrize(
    ("task", "role"),
    [
        (b.received(), "planner"),
        (b.planned(b.node("a")), "dispatcher"),
        (b.do(b.received(), b.plan_of(answer="42"))[0], "aggregator"),
    ],
)
def test_a_part_that_nobody_performs_is_named(task: Task, role: str) -> None:
    others = frozenset({"planner", "dispatcher", "aggregator", "bot"}) - {role}
    assert f"No {role} is running. Start one: xingshu serve --role {role}" in text_of(task, roles=others)
    assert not any("xingshu serve" in line for line in text_of(task, roles=others | {role}))
    assert not any("xingshu serve" in line for line in text_of(task))  # nothing is known about anybody


def test_an_answer_that_is_being_written() -> None:
    task, _ = b.ends(b.planned(b.node("a", name="Read")), "a")
    lines = text_of(task, 25)
    assert lines[0] == "All steps ended 5.0 s ago; the answer is being written."
    assert lines[1] == "Last event, 5.0 s ago: “Read” succeeded."
    assert len(lines) == 2  # nothing is given up any more


def test_a_deadline_that_passed() -> None:
    assert text_of(b.planned(b.node("a")), b.DEADLINE_S + 3)[-1] == "Its time was up 3.0 s ago; it is being ended."


def test_a_task_that_is_over_needs_no_reasons() -> None:
    task, _ = b.do(b.received(), b.plan_of(answer="42"), b.answered())
    assert task.state is TaskState.ANSWERED
    assert text_of(task) == []


def test_a_question_is_left_to_the_card() -> None:
    task, _ = b.do(b.received(), b.plan_started("p"), b.asked("p"))
    assert [line.partition(" ")[0] for line in text_of(task)] == ["Last", "It"]


def test_names_from_outside_do_no_harm() -> None:
    evil = "x\n\x1b[2J\u202e" * 50
    task = b.planned(b.node("a", name=evil))
    failure = Failure(code="odd", message=evil, retryable=True, retry_after_s=30)
    done = b.do(task, b.released(agent=evil), replace(b.failed(agent=evil), failure=failure))
    lines = text_of(done, 21)
    assert len(lines) == 3
    assert not any("\x1b" in line or "\u202e" in line for line in lines)
    assert all(len(line) < 500 for line in lines)


@pytest.mark.parametrize("seconds", [20, 301, 700])
def test_it_speaks_chinese(seconds: float) -> None:
    for task in (b.received(), b.planned(b.node("a", name="读取"), b.node("z", "a", name="汇总"))):
        text = status_text(Standing(task=task, now=b.at(seconds)), "zh")
        assert text
        assert not any(word in text for word in ("waits", "ago", "left", "{", "None"))


def test_a_step_of_a_plan_that_is_still_growing_is_told() -> None:
    task, _ = b.do(b.received(), b.plan_started("p"), b.plan_grew(b.node("a", name="Read"), by="p"))
    lines = text_of(task)
    assert lines[0] == "The plan is being made."
    assert lines[1].startswith("“Read”: ready")
