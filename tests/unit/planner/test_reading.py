from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.errors import Malformed
from domain.plan import Plan
from planner.reading import MAX_TEXT, read_text, read_value

SAMPLES = Path(__file__).parents[2] / "data" / "malformed.jsonl"
SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"

A = '{"id": "a", "skill": "echo", "params": {"text": "x"}}'
B = '{"id": "b", "skill": "echo", "params": {"text": "y"}, "dependencies": ["a"]}'
PLAN = f'{{"tasks": [{A}, {B}]}}'


def read(text: str, *, is_truncated: bool = False) -> tuple[Plan, str]:
    plan = read_text(text, author="m", is_truncated=is_truncated)
    return plan, " ".join(repair.kind.removeprefix("text_") for repair in plan.repairs)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (PLAN, ""),
        (f"\ufeff \n{PLAN}\n", ""),
        (f'<think>maybe {{"tasks": []}}?</think>\n{PLAN}', "thought"),
        (f"first thoughts</think>{PLAN}", "thought"),
        (f"<|channel|>analysis<|message|>so {{}}<|end|><|channel|>final<|message|>{PLAN}<|return|>", "thought"),
        (f"<think>hm</think>Here:\n```json\n{PLAN}\n```", "thought fence"),
        (f'Sure!\n```json\n{PLAN}\n```\nAnything else, like {{"tasks": []}}?', "fence"),
        (f'```\n{{"tasks": []}}\n```\nNo, better:\n```\n{PLAN}\n```', "fence"),
        (f"The plan is {PLAN} as you see.", "prose"),
        (f'Draft: {{"tasks": [{A}]}} Final: {PLAN}', "prose"),
        (f"Use {{braces}} like this: {PLAN}", "prose"),
        (f"An open {{ brace first. {PLAN}", "unbalanced"),
        (PLAN.replace('"x"', '"x\ny"'), "prose loose"),
        (f'{{"tasks": [{A}], "tasks": [{B}]}}', "prose loose"),
        (f'{{"tasks": [{A}, {B}], "tasks": []}}', "prose loose"),
        (PLAN[:-2], "unbalanced"),
        (PLAN[:-1], "unbalanced"),
        (f"[{A}}}, {B}]", "unbalanced"),
        (f"{{'tasks': [{A}, {B}]}}", "mended"),
        (PLAN.replace("}}, {", "}} {"), "unbalanced"),
        (PLAN.replace('"a",', '"a"'), "mended"),
        (f'{{"result": {PLAN}}}', ""),
        (f'{{"name": "submit_plan", "arguments": {PLAN}}}', ""),
        (f"[{A}, {B}]", ""),
    ],
)
def test_the_ladder(text: str, steps: str) -> None:
    plan, taken = read(text)
    assert taken == steps
    assert [node.id for node in plan.nodes] == ["a", "b"]
    assert plan.author == "m"


def test_what_is_cut_off_loses_only_the_unfinished_task() -> None:
    for end in range(PLAN.index(B) + 1, PLAN.index(B) + len(B)):
        plan, steps = read(PLAN[:end], is_truncated=True)
        assert [node.id for node in plan.nodes] == ["a"], PLAN[:end]
        assert "truncated" in steps


def test_a_task_that_is_cut_off_is_never_finished_by_guessing() -> None:
    assert read('{"tasks": [{"id": "a", "skill": "echo", "params": {"text": "exam')[0].nodes == ()
    half = "{'tasks': [{'id': 'a', 'skill': 'echo'}, {'id': 'b', 'skill': 'ec"
    plan, steps = read(half)
    assert ([node.id for node in plan.nodes], steps) == (["a"], "mended truncated")


def test_inside_something_broken_a_fragment_is_the_last_hope() -> None:
    plan, steps = read('x [ y {"answer": "Hello!"}')
    assert (plan.answer, steps) == ("Hello!", "fragment")


def test_an_answer_is_a_plan() -> None:
    assert read('{"tasks": [], "answer": "Hello!"}')[0].answer == "Hello!"
    assert read('{"answer": "Hello!"}')[0].answer == "Hello!"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "no plan",
        "42",
        '"text"',
        "null",
        "{" * 5000,
        "[" * 100_000,
        '{"a":' * 5000,
        "x" * (MAX_TEXT + 1),
        "{{" * 50_000,
    ],
)
def test_what_is_no_plan_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match=r"JSON|object"):
        read(text)


@pytest.mark.parametrize("text", ['{"tasks": [1]}', '{"tasks": "x"}', '{"a": 1}', '{"a": 1}x{"tasks": 3}'])
def test_what_has_the_wrong_shape_says_where(text: str) -> None:
    with pytest.raises(Malformed, match="tasks"):
        read(text)


def test_limits_of_strict_json_hold_on_every_rung() -> None:
    deep = "[" * 40 + "]" * 40
    for text in (
        f'{{"tasks": [{{"skill": "x", "params": {{"a": {deep}}}}}]}} .',
        f"{{'tasks': [{{'skill': 'x', 'p': {deep}}}]}}",
    ):
        with pytest.raises(Malformed):
            read(text)
    with pytest.raises(Malformed):
        read('so: {"tasks": [{"skill": "x", "params": {"a": NaN}}]}')


def test_a_long_broken_text_is_not_mended() -> None:
    text = "{'tasks': [" + A.replace('"', "'") + "]" + " " * MAX_MENDED + "."
    with pytest.raises(Malformed):
        read(text)


def everything(value: Any) -> bool:
    return True


def test_recorded_texts_are_read_as_their_authors_expect() -> None:
    """A few real texts of each kind; source and licence stand in every line."""
    for line in SAMPLES.read_text().splitlines():
        case = json.loads(line)
        assert read_value(case["raw"]).value == case["expected"], case["id"]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_most_malformed_texts_are_read_and_none_crashes() -> None:
    agreed = expected = 0
    for path in sorted((SHARED / "malformed").glob("*.jsonl")):
        for line in path.read_text().splitlines():
            case = json.loads(line)
            wanted = case["has_expected"] and isinstance(case["expected"], dict | list)
            expected += wanted
            try:
                agreed += wanted and read_value(case["raw"]).value == case["expected"]
            except Malformed:
                continue
    assert expected > 300
    assert agreed / expected > 0.85
