"""Whatever a model writes, in whatever pieces it comes, wherever it breaks off: planning ends in a plan that can be
run, an answer, a question or a refusal, and what started early is part of the plan as it started."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Interrupted, ModelDown, Refused
from domain.model import Completion, Prompt
from domain.plan import Node
from domain.plan_check import Limits, problems
from domain.task import Exchange, SubtaskState
from planner.planner import Planner
from planner.request import Begun, PlanRequest
from planner.streaming import TaskEntries
from tests.builders import node
from tests.unit.planner.skills import CATALOGUE

LIMITS = Limits(max_nodes=20, max_depth=6)

IDS = st.sampled_from(["a", "b", "c", "t1", "t2", 1, "Ä", "two words", "", None, "item"])
SKILLS = st.sampled_from(["echo", "Echo", "report", "file_list", "file_copy", "mail", "general", "rocket", "", None])
VALUES = st.sampled_from(
    [
        "hi",
        "3",
        3,
        None,
        True,
        ["x"],
        {"k": 1},
        "{{a.output}}",
        "{{t1.output.files[0]}}",
        "{{item}}",
        "<node-1>",
        "\ud800",
    ]
)
PARAMS = st.one_of(
    st.dictionaries(st.sampled_from(["text", "path", "to", "body", "source", "target", "prompt", "odd"]), VALUES),
    st.lists(st.fixed_dictionaries({"name": st.sampled_from(["text", "path", "odd"]), "value": VALUES}), max_size=3),
    st.sampled_from(["x", 3, None]),
)
ENTRIES = st.one_of(
    st.fixed_dictionaries(
        {"id": IDS, "skill": SKILLS, "params": PARAMS, "dependencies": st.lists(IDS, max_size=3)},
        optional={
            "when": st.sampled_from(["all_done", "any_failed", "x > 1", {"ref": "a.output", "op": "gt", "value": 1}]),
            "for_each": st.sampled_from(["{{a.output}}", "a", 3]),
            "critical": st.booleans(),
            "approval": st.booleans(),
        },
    ),
    st.sampled_from(["x", 3, None, [], {}]),
)
PLANS = st.fixed_dictionaries(
    {"tasks": st.lists(ENTRIES, max_size=8)},
    optional={"answer": st.sampled_from(["hi", "", None, 3]), "question": st.sampled_from(["which?", None, []])},
).map(lambda plan: json.dumps(plan))  # noqa: PLW0108 -- hypothesis would show the function's signature
AROUND = st.sampled_from(
    ["", "```json\n", "\n```", "Sure!\n", "<think>{", "</think>", "\ufeff", " { ", '{"tasks": [', "]}"]
)
TEXTS = st.one_of(
    st.tuples(AROUND, PLANS, AROUND).map("".join),
    st.text(max_size=80),
    st.lists(st.one_of(AROUND, PLANS), max_size=4).map("".join),
)


class Scripted:
    """A model that says these texts in random pieces, and now and then breaks off."""

    def __init__(self, texts: Sequence[str], seed: int) -> None:
        self._texts = texts
        self._chance = random.Random(seed)  # noqa: S311 -- chance of a test

    async def complete(self, prompt: Prompt, listener: Any = None) -> Completion:
        text = self._chance.choice(self._texts)
        is_broken = self._chance.random() < 0.2
        most = self._chance.randrange(len(text) + 1) if is_broken else len(text)
        for piece in self._pieces(text[:most]) if listener else ():
            if listener.has_acted is False and self._chance.random() < 0.02:
                listener.restarted()
                return await self.complete(prompt, listener)
            listener.heard(piece)
            await asyncio.sleep(0)
        if is_broken:
            acted = listener is not None and listener.has_acted
            raise (Interrupted if acted else ModelDown)("error.model_down", detail="broken")
        return Completion(text=text or "-", model="m", is_truncated=self._chance.random() < 0.1)

    def _pieces(self, text: str) -> list[str]:
        pieces = []
        while text:
            size = self._chance.choice((1, 2, 4, 16, 400))
            pieces.append(text[:size])
            text = text[size:]
        return pieces


class Rows:
    """What was committed."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    async def grow(self, nodes: Sequence[Node], _author: str) -> None:
        await asyncio.sleep(0)
        self.nodes += nodes


BEGUN = (
    Begun(node=node("t1", skill="echo", params={"text": "hi"}), state=SubtaskState.SUCCEEDED, told="hi"),
    Begun(node=node("t2", "t1", skill="report"), state=SubtaskState.FAILED),
)
REQUESTS = st.builds(
    PlanRequest,
    text=st.sampled_from(["review examples/shop", "launch a rocket", "why?", "again"]),
    language=st.sampled_from(["en", "zh"]),
    catalogue=st.just(CATALOGUE),
    dialogue=st.sampled_from([(), (Exchange(said="which?", reply="that"),)]),
    begun=st.sampled_from([(), BEGUN]),
    round=st.sampled_from([0, 1]),
)


@settings(deadline=None, max_examples=150)
@given(REQUESTS, st.lists(TEXTS, min_size=1, max_size=3), st.integers())
def test_planning_ends_well_and_keeps_what_started(request: PlanRequest, texts: list[str], seed: int) -> None:
    rows = Rows()
    try:
        planning = asyncio.run(Planner(Scripted(texts, seed), LIMITS).plan(request, rows.grow))
    except Refused:
        planning = None
    committed = {one.id: one for one in rows.nodes}
    assert len(committed) == len(rows.nodes)
    assert not committed.keys() & {one.id for one in request.fixed}
    assert all(not one.needs_approval and one.effect.value != "external" for one in rows.nodes)
    if planning is None:
        return
    plan = planning.plan
    there = {**{one.id: one for one in request.fixed}, **committed}
    assert {name: plan.by_id.get(name) for name in there} == there
    assert problems(plan, CATALOGUE, LIMITS, there) == ()
    assert sum((bool(plan.nodes), plan.answer is not None, plan.question is not None)) == 1
    assert plan.question is None or not request.dialogue


@settings(deadline=None, max_examples=200)
@given(TEXTS, st.lists(st.integers(1, 50), min_size=1))
def test_however_a_text_is_cut_at_least_what_is_found_in_it_at_once_is_found(text: str, sizes: list[int]) -> None:
    entries = TaskEntries()
    found = []
    start = 0
    for number in range(len(text) + 1):
        size = sizes[number % len(sizes)]
        found += entries.feed(text[start : start + size])
        start += size
        if start >= len(text):
            break
    assert all(isinstance(entry, dict) for entry in found)
    at_once = TaskEntries().feed(text)
    assert found[: len(at_once)] == at_once
