from __future__ import annotations

from typing import Any

import pytest

from domain.errors import PlanRefused, Refused
from domain.plan_check import Limits
from domain.task import Exchange
from domain.texts import language_of
from planner.request import PlanRequest
from planner.rules import plan_by_rules, plan_without_model
from planner.talk import small_talk
from tests.unit.planner.skills import CATALOGUE


def asked(text: str, **more: Any) -> PlanRequest:
    return PlanRequest(text=text, language=language_of(text), catalogue=CATALOGUE, **more)


def earlier(*said: str) -> tuple[Exchange, ...]:
    return tuple(Exchange(said=text, reply="done") for text in said)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("hello", "Hello!"),
        ("Hi there!", "Hello!"),
        ("thanks a lot", "You are welcome."),
        ("Who are you?", "I am Xingshu"),
        ("what can you do", "echo hello world"),
        ("bye", "Good-bye!"),
        ("how are you?", "All is well"),
        ("你好", "你好！"),
        ("您好！", "你好！"),
        ("谢谢你", "不客气。"),
        ("你是谁？", "我是星枢"),
        ("你能做什么", "复述 你好"),
        ("再见", "再见！"),
    ],
)
def test_small_talk_is_answered_at_once(text: str, answer: str) -> None:
    plan = plan_by_rules(asked(text), Limits())
    assert plan.nodes == ()
    assert plan.answer is not None
    assert answer in plan.answer


@pytest.mark.parametrize(
    "text", ["", "hello world", "echo hi", "你好啊，帮我审查代码", "help me plot a.csv", "thanks " * 20]
)
def test_what_asks_for_anything_is_no_small_talk(text: str) -> None:
    assert small_talk(text, CATALOGUE, "en") is None


@pytest.mark.parametrize("again", ["again", "再来一次", "please do that again!"])
def test_again_plans_the_last_real_request_anew(again: str) -> None:
    history = earlier("echo first", "echo " + "long " * 900, "read README.md", "again", "再来一次")
    plan = plan_by_rules(asked(again, history=history), Limits())
    assert [(node.skill, dict(node.params)) for node in plan.nodes] == [("file_read", {"path": "README.md"})]


def test_again_of_a_very_long_request_is_all_of_it() -> None:
    text = "x" * 5_000
    (node,) = plan_by_rules(asked("again", history=earlier(f'echo "{text}"')), Limits()).nodes
    assert node.params == {"text": text}


def test_again_at_the_very_beginning_is_refused_with_a_sentence() -> None:
    with pytest.raises(Refused, match="nothing earlier"):
        plan_by_rules(asked("again"), Limits())


def test_what_was_replied_to_a_question_counts() -> None:
    replied = (Exchange(said="Which folder?", reply="examples/shop"),)
    plan = plan_by_rules(asked("review the code in", dialogue=replied), Limits())
    assert [dict(node.params) for node in plan.nodes] == [{"path": "examples/shop"}]


def test_limits_hold() -> None:
    with pytest.raises(PlanRefused, match="more than the limit of 2"):
        plan_by_rules(asked("echo a then echo b then echo c"), Limits(max_nodes=2))


def test_without_a_model_that_should_be_there_it_says_so() -> None:
    plan = plan_without_model(asked("echo hi"), Limits(), "HTTP 503")
    assert [(change.kind, change.before) for change in plan.repairs] == [("model_down", "HTTP 503")]
    with pytest.raises(Refused) as raised:
        plan_without_model(asked("launch a rocket"), Limits(), "HTTP 503")
    assert raised.value.key == "plan.nothing_placed_model_down"
