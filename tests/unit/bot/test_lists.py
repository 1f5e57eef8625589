from __future__ import annotations

from dataclasses import replace

from bot.lists import plan_text, tasks_text
from domain.plan import Plan, Repair
from domain.ports import TaskLine
from domain.skill import Effect
from domain.task import TaskState
from tests.fakes import START
from tests.unit.bot.fakes import plan_of


def test_a_plan_shows_its_order_and_what_was_changed() -> None:
    plan = replace(
        plan_of("a", "b"), repairs=(Repair(kind="self_dependency", node="a"),), unplaced=("fly\nto the moon",)
    )
    assert plan_text(plan, "en").splitlines() == [
        "2 step(s); nothing was started:",
        "a. Step a (say)",
        "b. Step b (say) after a",
        "Not covered: fly to the moon",
        "“a” no longer depends on itself",
    ]
    assert "needs your approval" in plan_text(plan_of("a", effect=Effect.EXTERNAL), "en")


def test_a_direct_reply_and_no_plan_at_all() -> None:
    assert plan_text(Plan(answer="forty-two\x1b[1m"), "en") == "This would be answered directly:\nforty-two"
    assert plan_text(Plan(unplaced=("x",)), "zh").startswith("无法")


def test_a_list_of_tasks_is_one_line_each() -> None:
    line = TaskLine(id="K3M9QX", state=TaskState.FAILED, request="a\nb\u202e" * 100, created_at=START, done=1, total=2)
    text = tasks_text([line], "zh")
    assert text.startswith("✗ K3M9QX · 失败 · 1/2 · a b⟨U+202E⟩a")
    assert "\n" not in text
