"""A language model that is down, slow, or talks nonsense."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.acceptance.talking_model import plan_of, step
from tests.failures.ground import Ground, until
from tests.failures.sides import Side, on
from tests.failures.telegram import Request
from tests.fakes_model import Fault, Reply, chunk, refused, said, streamed

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

WITHOUT, NO_SKILL = "planned without the language model", "no skill fits"
AWAY = "The language model does not answer"


@pytest.mark.parametrize("side", on())
def test_f7_f24_a_model_that_is_down_stops_nothing_that_runs(here: Ground, side: Side):
    """What can be answered without it is, what cannot be planned without it says so and waits; it can be cancelled."""
    running = here.telegram.ask("wait", "F24")
    until(lambda: here.deeds(running))
    here.script.planning = here.script.answering = lambda _word: refused(503, "overloaded")
    plain, hard = here.telegram.ask("read", "F7"), here.telegram.ask("wide", "F7")
    here.telegram.answer(plain, WITHOUT)
    assert here.task(plain)["state"] == "answered"
    until(lambda: is_told(here, hard))
    task = here.task(hard)
    assert task["state"] == "planning"
    assert AWAY in here.run("status", task["task_id"])[1]
    assert here.run("cancel", task["task_id"])[0] == 0
    assert here.check_ended(hard)["state"] == "cancelled"
    here.open_gate(running)
    assert here.check_answered_once(running)["state"] == "answered"
    here.children["house"].kill()  # what it remembers of the model must not trouble the next test


@pytest.mark.parametrize("side", on())
def test_f7_what_needs_a_model_waits_for_one_whatever_dies_but_not_for_ever(here: Ground, side: Side):
    here.script.planning = lambda _word: refused(429, "busy")
    patient = here.telegram.ask("wide", "F7")
    until(lambda: is_told(here, patient))
    here.children["house"].kill()
    here.start("house", XINGSHU_MODEL_WAIT_S="2")
    hopeless = here.telegram.ask("wide", "F7")
    here.telegram.answer(hopeless, NO_SKILL)
    assert here.task(hopeless)["state"] == "failed"
    here.script.be_well()
    assert here.check_ended(patient)["state"] == "answered"
    here.children["house"].kill()


@pytest.mark.parametrize("side", on(usual=Side.SERVERS))
def test_f24_when_no_model_writes_the_answer_the_rules_do(here: Ground, side: Side):
    here.script.answering = lambda _word: refused(400, "no answers today")
    request = here.telegram.ask("pair", "F24")
    task = here.check_answered_once(request)
    assert task["state"] == "answered"
    assert f"{request.word}.b: done" in here.telegram.answers(request)[0]["text"]


@pytest.mark.parametrize("side", on(usual=Side.SERVERS))
def test_f8_a_model_that_hangs_or_drips_is_not_waited_for(here: Ground, side: Side):
    here.children["house"].kill()
    here.start("house", XINGSHU_MODEL_FIRST_TOKEN_S="1", XINGSHU_MODEL_IDLE_S="1", XINGSHU_MODEL_TIMEOUT_S="3")
    replies = iter([Reply(hang=True), streamed(chunk('{"tasks"'), Fault.HANG)])
    here.script.planning = lambda _word: next(replies, Reply(hang=True))
    hung, dripping = here.telegram.ask("read", "F8"), here.telegram.ask("read", "F8")
    for request in (hung, dripping):
        here.telegram.answer(request, WITHOUT)
        assert here.task(request)["state"] == "answered"
    here.children["house"].kill()


def is_told(here: Ground, request: Request) -> bool:
    """Whether its card says that the model is away."""
    return any(AWAY in one["text"] for one in here.telegram.shown(request))


def nonsense(word: str) -> Iterator[str]:
    """A first answer of every bad kind."""
    a, b = step("a", "witness_read", text=word), step("b", "witness_read", "a", text=word)
    yield "I would rather not."
    yield json.dumps({"tasks": 7})
    yield plan_of(step("a", "teleport", text=word))
    yield plan_of({**a, "dependencies": ["b"]}, b)
    yield plan_of({**a, "dependencies": ["a"]})
    yield plan_of({**a, "dependencies": ["ghost"]})
    yield plan_of(a, a)
    yield plan_of(step("a", "witness_read", text="{{ghost.output.text}}"))


@pytest.mark.parametrize("side", on())
def test_f9_nonsense_is_mended_or_asked_about_again(here: Ground, side: Side):
    requests = []
    for number in range(len(list(nonsense("")))):
        request = here.telegram.ask("read", f"F9-{number}")
        requests.append(request)
        first = list(nonsense(request.word))[number]
        here.script.once(request.word, said(first))
    for request in requests:
        task = here.check_answered_once(request)
        assert task["state"] == "answered", task
        assert here.script.plans_asked.count(request.word) <= 3


@pytest.mark.parametrize("side", on())
def test_f10_no_more_of_a_task_is_under_way_than_its_window(here: Ground, side: Side):
    here.children["house"].kill()
    here.start("house", XINGSHU_TASK_WINDOW="2")
    here.script.planning = lambda word: said(
        plan_of(*(step(f"n{number}", "witness_wait", text=f"{word}.{number}") for number in range(4)))
    )
    wide, other = here.telegram.ask("wait", "F10"), here.telegram.ask("wait", "F10")
    until(lambda: len(here.all_deeds(wide)) == 2 == len(here.all_deeds(other)))
    states = [subtask["state"] for subtask in here.task(wide)["subtasks"]]
    assert sorted(state in {"dispatched", "running"} for state in states) == [False, False, True, True]
    here.open_gate(wide)
    here.open_gate(other)
    assert here.check_ended(wide)["state"] == here.check_ended(other)["state"] == "answered"
    here.children["house"].kill()
