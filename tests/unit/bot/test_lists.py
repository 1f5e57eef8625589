from __future__ import annotations

from dataclasses import replace

import pytest

from bot.lists import approvals_text, plan_text, tasks_text
from domain import events as e
from domain.plan import Condition, Op, Plan, Repair, When
from domain.ports import TaskLine
from domain.progress import step
from domain.skill import Effect
from domain.task import Result, TaskState
from domain.texts import Language
from tests.builders import node, planned, released
from tests.fakes import START
from tests.unit.bot.fakes import plan_of


def test_a_plan_shows_its_order_and_what_was_changed() -> None:
    plan = replace(
        plan_of("a", "b"), repairs=(Repair(kind="self_dependency", subtask="a"),), unplaced=("fly\nto the moon",)
    )
    assert plan_text(plan, "en").splitlines() == [
        "2 step(s); nothing was started:",
        "a. Step a (say)",
        "b. Step b (say) after a",
        "Not covered: fly to the moon",
        "I removed the dependency of “a” on itself",
    ]
    assert "needs your approval" in plan_text(plan_of("a", effect=Effect.EXTERNAL), "en")


def test_a_plan_shows_when_how_often_and_with_whose_leave_it_would_run() -> None:
    above = Condition(ref="{{ls.output.count}}", op=Op.GT, value=3)
    nodes = (
        node("ls", name="List"),
        node("each", "ls", name="Read", for_each="{{ ls.output.files }}", condition=above),
        node("tidy", "each", name="Tidy", when=When.ALL_DONE, approval=True),
        node("warn", "each", name="Warn", when=When.ANY_FAILED),
        node("look", "ls", name="Look", condition=Condition(ref="{{ls.output.x}}", op=Op.EXISTS)),
    )
    assert plan_text(Plan(nodes=nodes), "en").splitlines()[1:] == [
        "ls. List (echo)",
        "each. Read (echo) after ls, for each of ls.output.files, if ls.output.count > 3",
        "tidy. Tidy (echo) after each, however they end – needs your approval",
        "warn. Warn (echo) after each, only if one of them fails",
        "look. Look (echo) after ls, if there is ls.output.x",
    ]
    assert "，对 ls.output.files 逐项执行，条件：ls.output.count > 3" in plan_text(Plan(nodes=nodes), "zh")


@pytest.mark.parametrize("op", list(Op))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_comparison_can_be_said(op: Op, language: Language) -> None:
    text = plan_text(
        Plan(nodes=(node("a", condition=Condition(ref="{{b.output}}", op=op, value="x\n\x1b[1my")),)), language
    )
    assert "b.output" in text
    assert "\x1b" not in text


def test_a_question_is_shown_as_one() -> None:
    assert plan_text(Plan(question="Which month?"), "en") == "This would be asked first:\nWhich month?"


def test_an_approval_shows_the_parameters_that_would_be_used() -> None:
    each = node("each", "ls", for_each="{{ls.output.files}}", params={"path": "{{item}}", "of": "{{ls.output.of}}"})
    task = planned(Plan(nodes=(node("ls"), replace(each, effect=Effect.EXTERNAL))))
    result = Result(summary="", output={"files": ["a.csv", "{{item}}"], "of": 2})
    done = e.Succeeded(key="ls", attempt=None, exec_id=None, agent="echo", result=result, at=START)
    task, _ = step(released(task, "ls"), done)
    text = approvals_text(task)
    assert '{"path": "a.csv", "of": 2}' in text
    assert '{"path": "{{item}}", "of": 2}' in text
    assert text.splitlines()[-1].startswith("/approve AAAAAA")


def test_a_direct_reply_and_no_plan_at_all() -> None:
    assert plan_text(Plan(answer="forty-two\x1b[1m"), "en") == "This would be answered directly:\nforty-two"
    assert plan_text(Plan(unplaced=("x",)), "zh").startswith("无法")


def test_a_list_of_tasks_is_one_line_each() -> None:
    line = TaskLine(id="K3M9QX", state=TaskState.FAILED, request="a\nb\u202e" * 100, created_at=START, done=1, total=2)
    text = tasks_text([line], "zh")
    assert text.startswith("✗ K3M9QX · 失败 · 1/2 · a b⟨U+202E⟩a")
    assert "\n" not in text
