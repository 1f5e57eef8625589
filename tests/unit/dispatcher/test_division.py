"""Plans that agents bring: what becomes of them, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.division import sub_plan
from domain import events as e
from domain.errors import Malformed, PlanRefused, Refused
from domain.growth import MAX_NESTING, adopted, children
from domain.plan import Plan
from domain.progress import run
from domain.skill import Catalogue, Effect, Param, SkillSpec
from domain.task import Result, Task
from tests.builders import node, plan, planned, released
from tests.fakes import START

TEXT = Param(name="text")
LIST = Param(name="list", description="d")
SKILLS = Catalogue.of(
    ("echo", spec)
    for spec in (
        SkillSpec(name="echo", description="", params=(TEXT,), timeout_s=7),
        SkillSpec(name="list_files", description=""),
        SkillSpec(name="store", description="", params=(TEXT,), effect=Effect.IDEMPOTENT),
    )
)


def entry(key: str, *dependencies: str, skill: str = "echo", **fields: Any) -> dict[str, Any]:
    return {"id": key, "skill": skill, "dependencies": list(dependencies), **fields}


def divided(*tasks: dict[str, Any], of: Task | None = None, key: str = "a", **fields: Any) -> Plan:
    return sub_plan({"tasks": list(tasks), **fields}, of or released(planned(plan(node("a"))), "a"), key, SKILLS)


def after_look() -> Task:
    """A task whose `a` depends on `look`, which has ended."""
    begun = released(planned(plan(node("look"), node("a", "look"))), "look")
    result = Result(summary="s", output=["x"])
    done = e.Succeeded(key="look", attempt=1, exec_id=None, agent="echo", result=result, at=START)
    return released(run(begun, [done])[0], "a")


def test_its_tasks_become_children_bound_to_the_skills_there_are():
    brought = divided(entry("x"), entry("y", params={"text": "{{x.output}}"}))
    assert [(one.id, one.parent, one.dependencies) for one in brought.nodes] == [
        ("a.x", "a", ()),
        ("a.y", "a", ("a.x",)),
    ]
    assert brought.nodes[1].params == {"text": "{{a.x.output}}"}
    assert {one.timeout_s for one in brought.nodes} == {7}


def test_what_is_wrong_and_can_be_mended_is_mended():
    brought = divided(entry("x", skill="Echo"), entry("y", "x"), entry("z", "nobody"))
    assert [(one.id, one.skill, one.dependencies) for one in brought.nodes] == [
        ("a.x", "echo", ()),
        ("a.y", "echo", ("a.x",)),
        ("a.z", "echo", ()),
    ]
    assert {(one.kind, one.subtask, one.before) for one in brought.repairs} == {
        ("skill", "a.x", "Echo"),
        ("dangling_dependency", "a.z", "nobody"),
    }


def test_it_may_refer_to_what_its_parent_depends_on():
    brought = divided(
        entry("x", params={"text": "{{look.output}}"}),
        entry("y", for_each="{{look.output}}", params={"text": "{{item}}"}),
        of=after_look(),
    )
    assert [one.id for one in brought.nodes] == ["a.x", "a.y"]
    assert [one.dependencies for one in brought.nodes] == [("look",), ("look",)]
    assert brought.nodes[0].params == {"text": "{{look.output}}"}


def test_its_own_task_hides_one_of_the_same_name_outside():
    brought = divided(entry("look"), entry("y", params={"text": "{{look.output}}"}), of=after_look())
    assert [(one.id, one.dependencies) for one in brought.nodes] == [("a.look", ()), ("a.y", ("a.look",))]


def test_it_may_not_refer_to_anything_else():
    task = released(planned(plan(node("other"), node("a"))), "a")
    with pytest.raises(PlanRefused, match="other"):
        divided(entry("x", params={"text": "{{other.output}}"}), of=task)


def test_what_changes_anything_waits_for_a_person():
    (child,) = divided(entry("x", skill="store", params={"text": "t"})).nodes
    assert child.needs_approval


def test_a_direct_answer_has_no_children():
    brought = divided(answer="it is 4")
    assert (brought.nodes, brought.answer) == ((), "it is 4")


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"tasks": []}, PlanRefused),
        ({"question": "which?"}, PlanRefused),
        ({}, Refused),
        ({"tasks": [entry("x", skill="fly to the moon")]}, PlanRefused),
        ({"tasks": [{"id": "x"}]}, Refused),
        ({"tasks": "x"}, Malformed),
        ({"tasks": [7]}, Refused),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_run_is_refused_with_the_reason(document: dict[str, Any], problem: type[Refused]):
    with pytest.raises(problem) as refused:
        sub_plan(document, released(planned(plan(node("a"))), "a"), "a", SKILLS)
    assert refused.value.say("en")
    assert refused.value.say("zh")


def test_all_of_a_task_together_is_bounded():
    task = released(planned(plan(node("a"), node("b"), max_nodes=4)), "a")
    assert len(divided(entry("x"), entry("y"), of=task).nodes) == 2
    with pytest.raises(PlanRefused):
        divided(entry("x"), entry("y"), entry("z"), of=task)


def test_a_plan_inside_plans_is_too_deep_at_some_depth():
    nested, key = plan(node("a")), "a"
    for _ in range(MAX_NESTING):
        assert divided(entry("x"), of=planned(nested), key=key).nodes
        nested = adopted(nested, children(nested.by_id[key], [node("x")]))
        key = f"{key}.x"
    with pytest.raises(Refused) as refused:
        divided(entry("x"), of=planned(nested), key=key)
    assert refused.value.key == "failure.too_deep"
