"""The command with a language model: a strict server on loopback that says what each test wants it to say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.command import Command, folder_with_examples
from tests.acceptance.talking_model import (
    Answer,
    answer_of,
    is_answering,
    is_planning,
    plan_of,
    settings_for,
    step,
    talking,
    told,
)
from tests.fakes_model import Reply, chunk, refused, said, streamed

pytestmark = pytest.mark.process


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_with_examples(tmp_path)


def by_purpose(*plans: str, answer: Reply | None = None) -> Answer:
    """These plans in order, and an answer."""
    left = list(plans)

    def reply(request: dict[str, Any]) -> Reply:
        if is_planning(request):
            return said(left.pop(0))
        assert is_answering(request)
        return answer or answer_of("All is done.", "t1")

    return reply


def states(document: dict[str, Any]) -> dict[str, str]:
    return {subtask["id"]: subtask["state"] for subtask in document["subtasks"]}


def test_a_request_that_needs_the_model_waits_for_it_and_says_so(folder: Path):
    plan = plan_of(step("t1", "file_write", path="song.txt", content="la"))
    busy = [refused(429, "busy")] * 4  # as often as it is asked at once

    with talking(lambda _request: busy.pop() if busy else said(plan)) as model:
        ran = Command(folder, settings_for(model))("ask", "sing me something", "--json")
    assert ran.code == 0, ran.err
    assert states(ran.json) == {"t1": "succeeded"}
    told = [line for line in ran.err.splitlines() if "does not answer" in line]
    assert len(told) == 1
    assert "HTTP 429 busy); it is asked again for up to " in told[0]


def test_work_starts_while_the_plan_is_still_being_written(folder: Path):
    written = folder / "early.txt"

    def pieces() -> Iterator[Any]:
        text = plan_of(
            step("t1", "file_write", path="early.txt", content="early"),
            step("t2", "file_read", "t1", path="early.txt"),
        )
        behind_first = text.index('{"id": "t2"')
        yield chunk(text[:behind_first])
        while not written.exists():  # nothing more is said before the first step has run
            yield 0.01
        yield chunk(text[behind_first:])
        yield chunk(finish="stop")

    def reply(request: dict[str, Any]) -> Reply:
        return streamed(*()) if not is_planning(request) else Reply(stream=pieces())

    with talking(
        lambda request: reply(request) if is_planning(request) else answer_of("It says early.", "t2")
    ) as model:
        ran = Command(folder, settings_for(model))("ask", "write early and read it", "--json")
    assert ran.code == 0, ran.err
    assert states(ran.json) == {"t1": "succeeded", "t2": "succeeded"}
    assert ran.json["answer"].startswith("It says early.")
    (first, _) = ran.json["subtasks"]
    assert first["attempts"] == 1
    assert first["started_at"] < ran.json["timings"]["planned_at"]


def test_a_plan_with_defects_is_asked_for_once_more_by_name(folder: Path):
    bad = plan_of(step("t1", "teleport", path="x"))
    good = plan_of(step("t1", "echo", text="hello"))
    with talking(by_purpose(bad, good)) as model:
        ran = Command(folder, settings_for(model))("ask", "greet everybody in the office", "--json")
        asked = [request for request in model.requests if is_planning(request)]
    assert ran.code == 0, ran.err
    assert len(asked) == 2
    assert "teleport" in asked[1]["messages"][-1]["content"]
    assert states(ran.json) == {"t1": "succeeded"}


def test_a_question_is_asked_once_and_the_next_line_answers_it(folder: Path):
    question = json.dumps({"question": "Which file do you mean?"})
    with talking(by_purpose(question, plan_of(step("t1", "data_profile", path="examples/sales.csv")))) as model:
        ran = Command(folder, settings_for(model))("chat", text="profile the file\nexamples/sales.csv\n")
        asked = [request for request in model.requests if is_planning(request)]
    assert ran.code == 0, ran.err
    assert "Which file do you mean?" in ran.out + ran.err
    assert len(asked) == 2
    assert "examples/sales.csv" in told(asked[1])
    assert "Which file do you mean?" in told(asked[1])
    assert "All is done." in ran.out


def test_a_question_nobody_can_answer_ends_the_task(folder: Path):
    with talking(by_purpose(json.dumps({"question": "Which file?"}))) as model:
        ran = Command(folder, settings_for(model))("ask", "profile the file")
    assert ran.code == 1, ran.err
    assert "Which file?" in ran.out + ran.err


def test_small_talk_is_answered_without_work(folder: Path):
    with talking(by_purpose(json.dumps({"answer": "Hello! What shall be done?"}))) as model:
        ran = Command(folder, settings_for(model))("ask", "good morning to you all, dear machines")
        assert len(model.requests) == 1
    assert (ran.code, ran.out.strip()) == (0, "Hello! What shall be done?")


def test_one_subtask_for_each_item_of_a_list_found_on_the_way(folder: Path):
    for name in ("a", "b", "c"):
        (folder / f"{name}.note").write_text(f"I am {name}")
    spread = {**step("t2", "file_read", "t1", path="{{item.path}}"), "for_each": "{{t1.output.entries}}"}
    plan = plan_of(step("t1", "file_list", path=".", glob="*.note"), spread)
    with talking(by_purpose(plan, answer=answer_of("Three notes.", "t2"))) as model:
        ran = Command(folder, settings_for(model))("ask", "read every note", "--json")
    assert ran.code == 0, ran.err
    assert states(ran.json) == dict.fromkeys(("t1", "t2", "t2.1", "t2.2", "t2.3"), "succeeded"), ran.err
    outputs = {subtask["id"]: subtask["output"] for subtask in ran.json["subtasks"]}
    assert [output["text"] for output in outputs["t2"]] == ["I am a", "I am b", "I am c"]


def test_a_goal_too_coarse_becomes_a_plan_of_its_own(folder: Path):
    def reply(request: dict[str, Any]) -> Reply:
        if is_answering(request):
            return answer_of("Both said hello.", "t1")
        if "greet the whole house" in told(request):
            return said(plan_of(step("a", "echo", text="one"), step("b", "echo", "a", text="{{a.output.text}} two")))
        return said(plan_of(step("t1", "planner", goal="greet the whole house")))

    with talking(reply) as model:
        xingshu = Command(folder, settings_for(model))
        ran = xingshu("ask", "run the great project", "--json")
        spent = xingshu("cost", ran.json["task_id"], "--json").json
    assert ran.code == 0, ran.err
    assert '"agent"' in json.dumps(spent)  # what the planner's agent asked is in the books, too
    assert states(ran.json) == dict.fromkeys(("t1", "t1.a", "t1.b"), "succeeded")
    outputs = {subtask["id"]: subtask["output"] for subtask in ran.json["subtasks"]}
    assert outputs["t1"] == {"text": "one two"}


def test_what_fails_is_planned_anew_with_what_is_done_kept(folder: Path):
    first = plan_of(
        step("t1", "echo", text="kept"),
        {**step("t2", "file_read", path="missing.txt"), "critical": True},
    )
    second = plan_of(step("t3", "echo", "t1", text="instead of {{t1.output.text}}"))
    with talking(by_purpose(first, second, answer=answer_of("Done another way.", "t3"))) as model:
        ran = Command(folder, settings_for(model))("ask", "read it and tell", "--json")
        asked = [request for request in model.requests if is_planning(request)]
    assert ran.code == 0, ran.err
    assert len(asked) == 2
    assert states(ran.json) == {"t1": "succeeded", "t2": "failed", "t3": "succeeded"}
    outputs = {subtask["id"]: subtask["output"] for subtask in ran.json["subtasks"]}
    assert outputs["t3"] == {"text": "instead of kept"}


def test_a_conversation_is_remembered_and_nobody_elses_is(folder: Path):
    plan = plan_of(step("t1", "data_profile", path="examples/sales.csv"))
    with talking(by_purpose(plan, plan, plan)) as model:
        xingshu = Command(folder, settings_for(model))
        xingshu("ask", "profile the sales of February", "--user", "ann")
        xingshu("ask", "and what of March?", "--user", "ann")
        xingshu("ask", "what is there?", "--user", "bob")
        second, third = [told(request) for request in model.requests if is_planning(request)][1:]
    assert "profile the sales of February" in second
    assert "February" not in third
    assert "March" not in third


def test_an_equal_request_is_not_planned_twice_and_costs_are_in_the_books(folder: Path):
    plan = plan_of(step("t1", "echo", text="hello"))
    with talking(by_purpose(plan, plan)) as model:
        xingshu = Command(folder, settings_for(model))
        first = xingshu("ask", "please greet me kindly", "--json").json
        second = xingshu("ask", "please greet me kindly", "--json").json
        assert sum(map(is_planning, model.requests)) == 1
        xingshu("chat", text="/fresh please greet me kindly\n")
        assert sum(map(is_planning, model.requests)) == 2
        cost = xingshu("cost", "--json").json
    assert first["plan"] == second["plan"]
    assert first["task_id"] != second["task_id"]
    text = json.dumps(cost)
    assert '"plan"' in text
    assert '"hits": 1' in text


def test_no_key_and_nothing_anybody_wrote_is_in_the_log(folder: Path):
    secret, private = "sk-unspeakable-0123456789", "hippopotamus"
    plan = plan_of(step("t1", "echo", text=f"{private} hello"), step("t2", "echo", "t1", text="{{t1.output.text}}"))
    with talking(by_purpose(plan, plan, answer=answer_of(f"The {private} said hello.", "t1", "t2"))) as model:
        settings = settings_for(model) | {"OPENAI_API_KEY": secret, "XINGSHU_LOG_LEVEL": "debug"}
        xingshu = Command(folder, settings | {"XINGSHU_LOG_FILE": "all.log"})
        ran = xingshu("ask", f"greet the {private}", "--json")
        xingshu("chat", text=f"greet the {private}\n/cost\n")
        assert set(model.keys) == {secret}
    assert private in ran.json["answer"]
    log = (folder / "all.log").read_text()
    assert "model_called" in log
    assert secret not in log + ran.out + ran.err
    assert private not in log
