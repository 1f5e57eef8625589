from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.lists import agents_text, ago, approvals_text, plan_text, tasks_text
from domain import events as e
from domain.backlog import Backlog, Depth
from domain.plan import Condition, Op, Plan, Repair, When
from domain.ports import TaskLine
from domain.progress import step
from domain.skill import Effect
from domain.task import Result, TaskState
from domain.texts import Language
from tests.builders import node, planned, released
from tests.fakes import START
from tests.unit.bot.fakes import plan_of


def test_an_agents_backlog_stands_behind_its_name():
    depth = Depth(messages=7, consumers=0)
    waiting = [
        Backlog(agent="code", sent=2, running=1, oldest_at=START),
        Backlog(agent="zzz", sent=1, oldest_at=START, depth=depth),
    ]
    now = START + timedelta(minutes=3)
    lines = agents_text([], "en", waiting, now).splitlines()
    assert lines == [
        "code · 0 worker(s) · 1 running, 2 sent, the oldest 3 min ago",
        "zzz · 0 worker(s) · 0 running, 1 sent, the oldest 3 min ago · 7 in its queue, 0 consumer(s)",
    ]


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
    text = approvals_text(task, "en")
    assert '{"path": "a.csv", "of": 2}' in text
    assert '{"path": "{{item}}", "of": 2}' in text
    assert text.splitlines()[-1].startswith(
        "/approve AAAAAA each.1 lets exactly this happen, once; /deny AAAAAA each.1"
    )
    assert "a.csv" not in approvals_text(task, "zh", ["each.2"])
    assert approvals_text(task, "en", []) == ""


def test_what_is_too_long_to_be_shown_is_said_to_be_hidden() -> None:
    mail = replace(node("mail", params={"text": "x" * 2000}), effect=Effect.EXTERNAL)
    text = approvals_text(planned(Plan(nodes=(mail,))), "en")
    assert "1012 more characters are not shown" in text
    assert "/approve AAAAAA lets" in text


def test_a_direct_reply_and_no_plan_at_all() -> None:
    assert plan_text(Plan(answer="forty-two\x1b[1m"), "en") == "This would be answered directly:\nforty-two"
    assert plan_text(Plan(unplaced=("x",)), "zh").startswith("无法")


def test_a_list_of_tasks_is_one_line_each() -> None:
    line = TaskLine(id="K3M9QX", state=TaskState.FAILED, request="a\nb\u202e" * 100, created_at=START, done=1, total=2)
    text = tasks_text([line], "zh")
    assert text.startswith("✗ K3M9QX · 失败 · 1/2 · a b⟨U+202E⟩a")
    assert "\n" not in text
    unplanned = replace(line, state=TaskState.RECEIVED, request="hi", done=0, total=0)
    assert tasks_text([unplanned], "en", START + timedelta(seconds=61)) == "○ K3M9QX · received · 1 min ago · hi"


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (-3, "0 s", "0 秒"),
        (59, "59 s", "59 秒"),
        (3599, "59 min", "59 分钟"),
        (7200, "2 h", "2 小时"),
        (9e5, "10 d", "10 天"),
    ],
)
def test_an_age_has_one_unit(seconds: float, english: str, chinese: str) -> None:
    assert (ago(seconds, "en"), ago(seconds, "zh")) == (english, chinese)
