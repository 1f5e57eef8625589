from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from domain.plan import Plan
from domain.plan_check import Limits
from domain.skill import Catalogue, Effect, SkillSpec
from planner.kept import PlanCodec
from planner.planner import ROUNDS, Planner, Planning
from planner.request import PlanRequest
from tests.fakes_model import scripted
from tests.unit.planner.skills import CATALOGUE

REQUEST = PlanRequest(text="say it twice", language="en", catalogue=CATALOGUE)
TWICE: dict[str, Any] = {
    "tasks": [
        {"id": "a", "skill": "echo", "params": {"text": "x"}, "dependencies": []},
        {
            "id": "b",
            "skill": "echo",
            "params": {"text": "{{a.output.text}} {{item}}"},
            "dependencies": ["a"],
            "for_each": "{{a.output.list}}",
            "when": {"ref": "{{a.output.count}}", "op": "gt", "value": 1},
            "approval": True,
        },
    ]
}


def codec(catalogue: Catalogue = CATALOGUE, limits: Limits | None = None) -> PlanCodec:
    return PlanCodec(replace(REQUEST, catalogue=catalogue), limits or Limits())


async def kept(document: Any = TWICE) -> tuple[Plan, str]:
    planning = await Planner(scripted(json.dumps(document)), Limits()).plan(REQUEST)
    text = codec().dump(planning)
    assert text is not None, planning
    return planning.plan, text


def without(name: str) -> Catalogue:
    left = (spec for spec in CATALOGUE if spec.name != name)
    return Catalogue.of((agent, spec) for spec in left for agent in CATALOGUE.agents[spec.name])


@pytest.mark.parametrize("document", [{"answer": "Hello!"}, {"tasks": TWICE["tasks"][:1]}], ids=["answer", "tasks"])
async def test_what_is_kept_comes_back_as_it_was(document: Any) -> None:
    plan, text = await kept(document)
    assert codec().load(text) == Planning(plan=plan)


async def test_every_field_of_a_task_is_kept() -> None:
    bare = Catalogue.of([("echo", SkillSpec(name="echo", description="", open_params=True))])
    planning = await Planner(scripted(json.dumps(TWICE)), Limits()).plan(replace(REQUEST, catalogue=bare))
    text = codec(bare).dump(planning)
    assert text is not None
    assert codec(bare).load(text) == Planning(plan=planning.plan)


async def test_it_may_be_planned_anew_like_any_other() -> None:
    _, text = await kept({"tasks": TWICE["tasks"][:1]})
    read = codec().load(text)
    assert read is not None
    assert (read.plan.rounds_left, read.plan.author, read.is_keepable) == (ROUNDS, "fake", False)


async def test_a_plan_that_must_not_be_kept_has_no_text() -> None:
    assert codec().dump(Planning(plan=Plan(answer="Hello!"))) is None


async def test_it_is_checked_against_what_holds_today() -> None:
    _, text = await kept({"tasks": TWICE["tasks"][:1]})
    assert codec(without("echo")).load(text) is None
    assert codec(limits=Limits(max_nodes=0)).load(text) is None


async def test_effects_are_those_of_today() -> None:
    _, text = await kept({"tasks": TWICE["tasks"][:1]})
    acting = Catalogue.of(
        (agent, replace(spec, effect=Effect.EXTERNAL)) for spec in CATALOGUE for agent in CATALOGUE.agents[spec.name]
    )
    read = codec(acting).load(text)
    assert read is not None
    assert read.plan.needs_approval


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"plan": {}}', '{"plan": [], "author": "m"}', "{" * 10_000])
def test_what_another_version_wrote_is_a_miss(text: str) -> None:
    assert codec().load(text) is None
