"""Any text in: a valid plan, a direct answer, a question, or a refusal that says what is wrong; never an exception."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import graph
from domain.errors import Malformed
from domain.plan_check import Limits, problems
from domain.plan_json import plan_document, read_plan
from domain.plan_repair import repair
from domain.reference import node_references
from domain.skill import Catalogue, Effect, Param, ParamType, SkillSpec
from domain.wording import repaired
from planner.reading import read_text, read_value

MANY = settings(max_examples=200, deadline=None)
LIMITS = Limits()
SHARED = Path(__file__).parents[3] / "shared" / "data"
CATALOGUE = Catalogue.of(
    ("ann", spec)
    for spec in (
        SkillSpec(name="look", description="", params=(Param(name="n", type=ParamType.INTEGER), Param(name="of"))),
        SkillSpec(name="read_file", description="", open_params=True, output_schema={"properties": {"text": {}}}),
        SkillSpec(name="send", description="", open_params=True, effect=Effect.EXTERNAL),
        SkillSpec(name="general", description="", params=(Param(name="prompt"),)),
    )
)

NAMES = """
id skill tool action task name params args arguments value dependencies deps depends_on when ref op for_each tasks steps
nodes plan answer question critical approval t1 t2 t3 look Read-File send sing search all_done gt source target links
function description
"""
WORDS = st.sampled_from(NAMES.split())
TEXTS = WORDS | st.sampled_from(
    [
        "",
        "{{t1.output}}",
        "{{t2}}",
        "<node-1>",
        "$t1.x$",
        "{{item.a}}",
        "t1, t2",
        "[1]",
        '{"a": 1}',
        "3",
        "true",
        "\ud83d\ude00",
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)
AROUND = st.sampled_from(
    ["", "```json\n", "\n```", "<think>", "</think>", "Sure! ", "\ufeff", "{", "]", '"', ",", "// x\n", "```"]
)


def judge(text: str) -> str:
    """What becomes of a text; every way is checked for what it promises."""
    try:
        plan = read_text(text, author="m", catalogue=CATALOGUE)
    except Malformed:
        return "refusal"
    mended = repair(plan, CATALOGUE, LIMITS)
    assert all(repaired(change, language) for change in mended.repairs for language in ("en", "zh"))
    found = problems(mended, CATALOGUE, LIMITS)
    if found:
        assert all(problem.say("en") and problem.say("zh") for problem in found)
        return "refusal"
    if not mended.nodes:
        assert (mended.answer is None) != (mended.question is None)
        return "answer" if mended.question is None else "question"
    known = mended.by_id
    assert len(known) == len(mended.nodes)
    assert not graph.components(mended.edges)
    for node in mended.nodes:
        assert node.skill in CATALOGUE
        assert set(node_references(node)) <= set(node.dependencies) <= known.keys()
    again = repair(read_plan(plan_document(mended)), CATALOGUE)
    assert (again.repairs, again.edges) == ((), mended.edges)
    return "plan"


@given(st.text(max_size=60))
@MANY
def test_any_text(text: str) -> None:
    judge(text)


@given(st.lists(st.builds(json.dumps, VALUES) | AROUND, max_size=5), st.integers(0, 400))
@MANY
def test_any_json_and_what_may_be_around_it(parts: list[str], end: int) -> None:
    text = "".join(parts)
    judge(text)
    judge(text[:end])


@given(st.text(max_size=60) | st.builds(json.dumps, VALUES))
@MANY
def test_any_value(text: str) -> None:
    try:
        reading = read_value(text)
    except Malformed:
        return
    assert reading.steps or reading.value == json.loads(text)


@cache
def recorded() -> list[str]:
    """Everything that language models really wrote, as far as the collection is here."""
    files = [*SHARED.glob("plans/*.jsonl"), *SHARED.glob("malformed/*.jsonl")]
    lines = (json.loads(line) for path in sorted(files) for line in path.read_text().splitlines())
    return [text for line in lines if (text := line.get("raw_llm_output") or line.get("raw"))]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_what_models_really_wrote() -> None:
    outcomes = [judge(text) for text in recorded()]
    assert len(outcomes) > 900
    assert outcomes.count("refusal") < len(outcomes)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
@given(st.randoms(use_true_random=False))
@MANY
def test_what_models_really_wrote_damaged(chance: random.Random) -> None:
    text = chance.choice(recorded())
    for _ in range(chance.randrange(1, 5)):
        start = chance.randrange(len(text) + 1)
        piece = chance.choice(["", "{", "}", "[", "]", '"', "\\", ",", "null", "<node-1>", "\n```\n", text[:40]])
        text = text[:start] + piece + text[start + chance.randrange(30) :]
    judge(text)
