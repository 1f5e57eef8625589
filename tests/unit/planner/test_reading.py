from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from time import process_time

import pytest

from domain.errors import Malformed
from domain.plan import Plan
from domain.skill import Catalogue, Param, ParamType, SkillSpec
from planner.reading import MAX_TEXT, read_text, read_value, was_cut
from planner.reading.mending import MAX_GUESSED

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
        (f"{{tasks: [{A}, {B}], // that is all\n}}", "mended"),
        (f"{A}, {B}]", "prose unbalanced"),
        (f"{A}\n{B}", "prose unbalanced"),
        (f"[{A}}} }}, {B}]", "unbalanced"),
        (f"First:\n```\n{A}\n{B}\n```", "fence unbalanced"),
        (f"```json\n{PLAN}", "fence"),
        (f"[PLAN]\n{PLAN}\n[/PLAN]", "prose"),
        (f'{{"tasks": [{A}]}} No: {PLAN} Or nothing: {{"tasks": []}}', "prose"),
        (f'{{"tool_calls": [{{"function": {{"name": "submit_plan", "arguments": {json.dumps(PLAN)}}}}}]}}', ""),
        (f'{{"tasks": [{A}, {B}], "links": [["a", "b"], ["b', "truncated"),
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
    assert was_cut(plan)
    assert not was_cut(read(PLAN)[0])


@pytest.mark.parametrize(
    "text",
    [
        f"[{A}, {{'id': 'x' {B}]",
        f"[{A} odd words, {B}]",
        f'{{"steps": [{A}, nothing }} {{ {B}',
    ],
)
def test_what_is_left_of_a_broken_list_is_no_plan_of_its_own(text: str) -> None:
    """Part of the work is not the work."""
    try:
        plan, steps = read(text)
    except Malformed:
        return
    assert steps
    assert {"a", "b"} <= {node.id for node in plan.nodes} or was_cut(plan)


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


@pytest.mark.parametrize("text", ["{{“```json\n[\n/*```a", "{{ “```json\n{<```json\n", "\"{{'```json\n{```'"])
def test_a_text_that_breaks_the_library_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        read(text)
    with suppress(Malformed):
        read_value(text)


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


def test_the_library_gets_no_long_text() -> None:
    """It needs hours for some of 400,000 characters, and the loop waits for it."""
    inner = '"x" said "y"'  # only a guess can tell where this text ends
    text = f'{{"tasks": [{{"id": "a", "skill": "echo", "name": "{inner}"}}]}}'
    assert read(text)[1] == "mended"
    with pytest.raises(Malformed):
        read(text + " " * MAX_GUESSED + ".")


UNITS = [
    "{",
    "[",
    '{"a":',
    "{'",
    '["a" "b" ',
    '{"a\n"',
    "{1",
    "(",
    'a"\n',
    '["", "\n/*',
    "[] ",
    "```\n",
    " ",
    "<think>",
    "//",
]
UNITS += ['"a": "b", “", ', '{"tasks":[', '{"skill": 1}, ', "[1,", "\\", "{{t1}}", "<|a|>", "'", '"""']


@pytest.mark.parametrize("unit", UNITS)
def test_no_text_takes_long(unit: str) -> None:
    """What grows with the square of the length takes minutes for 100,000 characters, and the loop waits for it."""
    text = (unit * 100_000)[:100_000]
    started = process_time()
    for reader in (read_text_of_m, read_value):
        with suppress(Malformed):
            reader(text)
    assert process_time() - started < 4


def read_text_of_m(text: str) -> Plan:
    return read_text(text, author="m")


def test_a_catalogue_says_what_a_text_stands_for() -> None:
    spec = SkillSpec(name="echo", description="", params=(Param(name="n", type=ParamType.INTEGER),))
    text = '{"tasks": [{"id": "a", "skill": "echo", "params": [{"name": "n", "value": "3"}]}]}'
    assert read_text(text, author="m").nodes[0].params == {"n": "3"}
    assert read_text(text, author="m", catalogue=Catalogue.of([("ann", spec)])).nodes[0].params == {"n": 3}


def test_a_question() -> None:
    plan, steps = read('Hm. {"question": "Which file?", "tasks": []}')
    assert (plan.question, plan.nodes, steps) == ("Which file?", (), "prose")


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
            wanted = case["has_expected"]
            expected += wanted
            try:
                agreed += wanted and read_value(case["raw"]).value == case["expected"]
            except Malformed:
                continue
    assert expected > 300
    assert agreed / expected >= 0.95
