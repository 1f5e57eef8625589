from __future__ import annotations

import json

import pytest

from domain.errors import ModelDown, PlanRefused, Refused
from domain.plan_check import Limits
from domain.skill import Catalogue
from domain.texts import language_of
from planner.skill import PLANNER, Goal, decompose
from tests.fakes_model import scripted
from tests.unit.planner.skills import SPECS

CATALOGUE = Catalogue.of(("agent", spec) for spec in (*SPECS, PLANNER))


def goal(text: str = "put the shop in order", context: str = "") -> Goal:
    return Goal(text=text, context=context, language=language_of(text), catalogue=CATALOGUE)


async def test_a_goal_becomes_a_plan() -> None:
    task = {"id": "look", "skill": "file_list", "params": [{"name": "path", "value": "."}], "dependencies": []}
    model = scripted(json.dumps({"tasks": [task]}))
    document = await decompose(goal(context="three modules"), model, Limits())
    assert [(entry["skill"], entry["params"]) for entry in document["tasks"]] == [("file_list", {"path": "."})]
    assert "put the shop in order" in model.prompts[0].user
    assert "three modules" in model.prompts[0].user


async def test_it_is_never_divided_by_the_same_skill() -> None:
    again = json.dumps({"tasks": [{"id": "p", "skill": "planner", "params": {"goal": "x"}, "dependencies": []}]})
    model = scripted(again, again)
    with pytest.raises(PlanRefused, match="planner"):
        await decompose(goal("delete everything"), model, Limits())
    assert "- planner(" not in model.prompts[0].system


async def test_a_direct_answer_is_handed_on() -> None:
    document = await decompose(goal("who are you?"), scripted('{"answer": "A planner."}'), Limits())
    assert document == {"tasks": [], "answer": "A planner."}


async def test_nobody_is_asked_from_inside_a_plan() -> None:
    with pytest.raises(Refused) as raised:
        await decompose(goal(), scripted('{"question": "Which shop?"}'), Limits())
    assert raised.value.key == "plan.goal_unclear"
    assert "Which shop?" in raised.value.say("zh")


async def test_while_no_model_answers_it_may_work_later() -> None:
    down = ModelDown("error.model_down", retry_after_s=1.0, detail="m1: HTTP 503")
    with pytest.raises(ModelDown, match="HTTP 503"):
        await decompose(goal(), scripted(down), Limits())


async def test_without_a_model_rules_divide() -> None:
    document = await decompose(goal("list the files in src, then write a report"), None, Limits())
    assert [entry["skill"] for entry in document["tasks"]] == ["file_list", "report"]
