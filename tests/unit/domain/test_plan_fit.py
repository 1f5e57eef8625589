"""Skills and parameters that are nearly right."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from domain.plan import Node, Plan, Repair
from domain.plan_check import Limits, Problem, problems
from domain.plan_repair import repair
from domain.plan_repair.fit import coerced
from domain.skill import Catalogue, Effect, Param, ParamType
from tests.unit.domain import build as b
from tests.unit.domain.mended import CATALOGUE, LOOK, SEND, mended, spec, told

# --- skills ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Look", "look"),
        ("Code Review", "code_review"),
        ("code_reveiw", "code_review"),
        ("Send Mail", "send_mail"),
    ],
)
def test_a_skill_that_is_nearly_right(written: str, meant: str) -> None:
    plan = mended(Node(id="a", skill=written))
    assert plan.nodes[0].skill == meant
    assert told(plan) == (Repair(kind="skill", subtask="a", before=written, after=meant),)


@pytest.mark.parametrize("written", ["sing", "send_mial", "A B", "---", ""])
def test_a_skill_that_could_be_anything_or_would_act_is_left(written: str) -> None:
    """`A B` may be `a_b` or `ab`; nothing that acts is guessed."""
    plan = mended(Node(id="a", skill=written))
    assert (plan.nodes[0].skill, told(plan)) == (written, ())
    kind = "unknown_skill" if written else "missing_skill"
    assert Problem(kind=kind, node="a", other=written) in problems(plan, CATALOGUE, Limits())


# --- the general agent ----------------------------------------------------------------------------------------

GENERAL = spec("general", open_params=False, params=(Param(name="prompt", required=True),))
HELPED = Catalogue.of([("ann", LOOK), ("ann", SEND), ("ann", GENERAL)])


def test_work_that_only_reads_is_for_the_general_agent() -> None:
    node = Node(id="a", skill="search_papers", description="Find papers", params={"about": "{{b.output.x}}", "n": 3})
    plan = repair(Plan(nodes=(b.node("b"), node)), HELPED)
    read = plan.by_id["a"]
    assert (read.skill, read.dependencies) == ("general", ("b",))
    assert read.params == {"prompt": "search_papers: Find papers\nabout: {{b.output.x}}\nn: 3"}
    assert Repair(kind="general", subtask="a", before="search_papers", after="general") in told(plan)
    assert problems(plan, HELPED, Limits()) == ()


@pytest.mark.parametrize(
    "skill", ["send_letter", "delete_file", "frobnicate", "read_and_delete", "search_and_buy", "发送邮件"]
)
def test_what_may_act_is_not(skill: str) -> None:
    plan = repair(Plan(nodes=(Node(id="a", skill=skill),)), HELPED)
    assert (plan.nodes[0].skill, plan.repairs) == (skill, ())


def test_without_a_skill_the_first_word_of_what_is_to_be_done_tells() -> None:
    nodes = (
        Node(id="a", skill="", description="Summarise the orders"),
        Node(id="b", skill="", description="Order a pizza"),
    )
    assert [node.skill for node in repair(Plan(nodes=nodes), HELPED).nodes] == ["general", ""]


def test_a_general_agent_that_acts_is_no_substitute() -> None:
    acting = Catalogue.of([("ann", replace(GENERAL, effect=Effect.IDEMPOTENT))])
    assert repair(Plan(nodes=(Node(id="a", skill="search"),)), acting).repairs == ()


def test_another_name_of_a_skill() -> None:
    catalogue = Catalogue.of([("ann", replace(LOOK, aliases=("observe",))), ("ann", SEND)])
    plan = repair(
        Plan(nodes=(Node(id="a", skill="Observe"), Node(id="b", skill="obsreve"), Node(id="c", skill=""))), catalogue
    )
    assert [node.skill for node in plan.nodes] == ["look", "look", ""]


def test_a_task_may_be_called_like_its_skill() -> None:
    assert mended(Node(id="a", skill="", name="Code Review")).nodes[0].skill == "code_review"


def test_what_changes_something_is_never_guessed() -> None:
    catalogue = Catalogue.of([("ann", spec("activate_account", effect=Effect.IDEMPOTENT))])
    plan = repair(Plan(nodes=(Node(id="a", skill="deactivate_account"),)), catalogue)
    assert (plan.nodes[0].skill, plan.repairs) == ("deactivate_account", ())


# --- parameters -----------------------------------------------------------------------------------------------


def test_parameters_are_read_as_what_the_skill_takes() -> None:
    plan = mended(b.node("a", params={"limit": "3", "ratio": None, "colour": "red", "mode": "fast"}))
    assert plan.nodes[0].params == {"limit": 3, "mode": "fast"}
    assert told(plan) == (
        Repair(kind="coerced_param", subtask="a", before='limit="3"', after="limit=3"),
        Repair(kind="dropped_param", subtask="a", before="colour"),
    )


def test_a_reference_stands_for_a_whole_list() -> None:
    plan = mended(b.node("a"), b.node("b", "a", params={"paths": "{{a.output}}"}))
    assert (plan.by_id["b"].params, told(plan)) == ({"paths": "{{a.output}}"}, ())


def test_open_parameters_and_those_of_unknown_skills_are_left() -> None:
    params = {"x": None, "y": "3"}
    plan = mended(Node(id="a", skill="code_review", params=params), Node(id="b", skill="sing", params=params))
    assert [node.params for node in plan.nodes] == [params, params]
    assert told(plan) == ()


COERCED: list[tuple[ParamType, Any, Any]] = [
    (ParamType.STRING, 3, "3"),
    (ParamType.PATH, 1.5, "1.5"),
    (ParamType.STRING, True, "true"),
    (ParamType.STRING, ["x"], ["x"]),
    (ParamType.INTEGER, "3", 3),
    (ParamType.INTEGER, " -3 ", -3),
    (ParamType.INTEGER, "3.5", "3.5"),
    (ParamType.INTEGER, "three", "three"),
    (ParamType.INTEGER, "9" * 400, int("9" * 400)),
    (ParamType.INTEGER, "9" * 5000, "9" * 5000),
    (ParamType.INTEGER, 3.0, 3),
    (ParamType.INTEGER, 3.5, 3.5),
    (ParamType.INTEGER, math.inf, math.inf),
    (ParamType.NUMBER, "3.5", 3.5),
    (ParamType.NUMBER, "x", "x"),
    (ParamType.NUMBER, "nan", "nan"),
    (ParamType.NUMBER, "-Infinity", "-Infinity"),
    (ParamType.NUMBER, "1e999", "1e999"),
    (ParamType.BOOLEAN, "true", True),
    (ParamType.BOOLEAN, " Yes", True),
    (ParamType.BOOLEAN, "no", False),
    (ParamType.BOOLEAN, "maybe", "maybe"),
    (ParamType.BOOLEAN, 1, 1),
    (ParamType.ARRAY, "x", ["x"]),
    (ParamType.ARRAY, 3, [3]),
    (ParamType.ARRAY, {"a": 1}, [{"a": 1}]),
    (ParamType.OBJECT, "x", "x"),
]


@pytest.mark.parametrize(("kind", "value", "expected"), COERCED)
def test_coerced(kind: ParamType, value: Any, expected: Any) -> None:
    read = coerced(value, Param(name="p", type=kind))
    assert read == expected
    assert type(read) is type(expected)


def test_coerced_stays_within_the_choices() -> None:
    level = Param(name="l", type=ParamType.INTEGER, choices=("1", "2"))
    assert (coerced("2", level), coerced("3", level)) == (2, "3")


# --- parameters by other names --------------------------------------------------------------------------------


def test_parameters_are_found_by_name_and_place() -> None:
    plan = mended(b.node("a", params={"Limit": 3}), b.node("c", params={"arg0": 3, "arg1": 0.5}))
    assert [node.params for node in plan.nodes] == [{"limit": 3}, {"limit": 3, "ratio": 0.5}]
    assert [(change.kind, change.before, change.after) for change in plan.repairs] == [
        ("named_param", "Limit", "limit"),
        ("named_param", "arg0", "limit"),
        ("named_param", "arg1", "ratio"),
    ]


def test_a_parameter_given_twice_is_taken_as_it_is_written() -> None:
    assert mended(b.node("a", params={"Limit": 4, "limit": 3})).nodes[0].params == {"limit": 3}
