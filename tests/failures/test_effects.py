"""What changes the world: at most once for each approval, whatever dies, whoever presses, however late."""

from __future__ import annotations

from typing import Any

import pytest

from tests.failures.ground import Ground, until
from tests.failures.sides import Side, on, on_sides
from tests.failures.telegram import Request

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

POINTS = [
    "command.commit.before",
    "command.commit.after",
    "agent.claim.before",
    "agent.claim.after",
    "dispatcher.order.before",
    "dispatcher.order.after",
    "agent.skill.before",
    "agent.skill.after",
    "agent.result.before",
    "agent.result.after",
]


def asked(here: Ground, request: Request) -> dict[str, Any]:
    """The message that asks for leave."""
    found: dict[str, Any] = here.telegram.remote(
        "wait", chat=request.person, text="Allow", buttons=True, audible=True, timeout_s=60
    )
    return found


def allow(here: Ground, request: Request, message: dict[str, Any], by: int | None = None) -> str:
    """Press the button that says so; the id of the press."""
    pressed = here.telegram.remote(
        "press", chat=request.person, message_id=message["message_id"], user=by or request.person, label="Allow"
    )
    return str(pressed["id"])


@pytest.mark.parametrize(("side", "point"), on_sides(POINTS))
def test_f17_an_effect_happens_once_or_is_said_to_be_unknown(here: Ground, side: Side, point: str):
    request = here.telegram.ask("act", "F17")
    message = asked(here, request)
    here.arm(point)
    allow(here, request, message)
    here.start(here.crash(point))
    task = here.check_ended(request)
    (subtask,) = task["subtasks"]
    done = len(here.deeds(request))
    assert done <= 1
    assert (subtask["state"], done) in {("succeeded", 1), ("unknown", 1), ("unknown", 0)}
    text = here.telegram.answer(request, request.word if done and subtask["state"] == "succeeded" else "not known")
    assert here.telegram.answers(request, text["text"]) == [text]


@pytest.mark.parametrize("side", on())
def test_f40_pressed_twice_and_by_somebody_else_it_happens_once(here: Ground, side: Side):
    request, eve = here.telegram.ask("act", "F40"), here.telegram.ask("read", "F40")
    message = asked(here, request)
    allow(here, request, message, by=eve.person)
    here.telegram.answer(eve)
    assert here.deeds(request) == []
    presses = [allow(here, request, message) for _ in range(3)]
    task = here.check_answered_once(request)
    assert task["state"] == "answered"
    assert len(here.deeds(request)) == 1
    until(lambda: all(here.telegram.remote("query", id=press)["answers"] for press in presses))


@pytest.mark.parametrize("side", on(usual=Side.SERVERS))
def test_f40_pressed_too_late_nothing_happens(here: Ground, side: Side):
    request = here.telegram.ask("act", "F40")
    message = asked(here, request)
    here.skew("house", 1000)  # an offer stands for 900 s
    press = allow(here, request, message)
    until(lambda: here.telegram.remote("query", id=press)["answers"])
    here.telegram.remote("wait", chat=request.person, text="too old", timeout_s=60)
    assert here.deeds(request) == []


@pytest.mark.parametrize("side", on(usual=Side.SERVERS))
def test_f41_all_tries_of_an_idempotent_call_have_one_key(here: Ground, side: Side):
    here.arm("agent.skill.after")
    request = here.telegram.ask("note", "F41")
    here.start(here.crash("agent.skill.after"))
    task = here.check_answered_once(request)
    assert [deed["key"] for deed in here.deeds(request)] == [f"{task['task_id']}.a"] * 2


@pytest.mark.parametrize("side", on())
def test_f39_cancelling_races_with_the_result_and_one_of_them_wins(here: Ground, side: Side):
    requests = [here.telegram.ask("wait", "F39") for _ in range(4)]
    until(lambda: all(here.deeds(request) for request in requests))
    for request in requests:
        here.open_gate(request)
        here.telegram.says(request, "/cancel")
    for request in requests:
        task = here.check_ended(request)
        assert task["state"] in {"answered", "cancelled"}
        states = {subtask["state"] for subtask in task["subtasks"]}
        assert states == ({"succeeded"} if task["state"] == "answered" else {"cancelled"})
        is_answered = task["state"] == "answered"
        if is_answered:
            here.telegram.answer(request)
        assert len(here.telegram.answers(request)) == int(is_answered)
        assert len(here.deeds(request)) == 1
