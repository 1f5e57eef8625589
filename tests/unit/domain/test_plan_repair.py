"""The least change that makes a plan runnable, and what is left for a person."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from domain.plan import Node, Plan, Repair
from domain.plan_check import Limits, Problem, problems
from domain.plan_fit import coerced
from domain.plan_repair import repair
from domain.skill import Catalogue, Effect, Param, ParamType, SkillSpec
from tests.unit.domain import build as b


def spec(name: str, **more: Any) -> SkillSpec:
    return SkillSpec(**{"name": name, "description": "", "open_params": True, **more})


LOOK = spec(
    "look",
    open_params=False,
    params=(
        Param(name="limit", type=ParamType.INTEGER),
        Param(name="ratio", type=ParamType.NUMBER),
        Param(name="mode", choices=("fast", "slow")),
        Param(name="deep", type=ParamType.BOOLEAN),
        Param(name="paths", type=ParamType.ARRAY),
        Param(name="of", type=ParamType.ANY),
    ),
)
SEND = spec("send_mail", effect=Effect.EXTERNAL, timeout_s=7.0, max_attempts=1)
CATALOGUE = Catalogue.of(
    [("ann", LOOK), ("ann", SEND), ("ann", spec("code_review")), ("ann", spec("a_b")), ("ann", spec("ab"))]
)


def mended(*nodes: Node) -> Plan:
    return repair(Plan(nodes=nodes), CATALOGUE)


def told(plan: Plan) -> tuple[Repair, ...]:
    """The repairs without their reasons, which all have."""
    assert all(change.reason for change in plan.repairs if not change.kind.startswith("text_"))
    return tuple(replace(change, reason="") for change in plan.repairs)


def edges(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {node.id: node.dependencies for node in plan.nodes}


def using(key: str, *others: str, **more: Any) -> Node:
    """A node that uses the output of `others`."""
    return b.node(key, *others, params={"of": [f"{{{{{other}.output}}}}" for other in others]}, **more)


def test_a_good_plan_is_only_bound_to_the_catalogue() -> None:
    plan = Plan(nodes=(b.node("a"), Node(id="b", skill="send_mail", dependencies=("a",))), author="m")
    bound = repair(plan, CATALOGUE)
    assert told(bound) == ()
    assert (bound.author, edges(bound)) == ("m", {"a": (), "b": ("a",)})
    sent = bound.by_id["b"]
    assert (sent.effect, sent.timeout_s, sent.max_attempts) == (Effect.EXTERNAL, 7.0, 1)


def test_the_effect_is_never_taken_from_the_plan() -> None:
    lying = Node(id="b", skill="send_mail", effect=Effect.NONE)
    assert mended(lying).by_id["b"].effect is Effect.EXTERNAL


def test_earlier_repairs_are_kept() -> None:
    before = Repair(kind="text_fence")
    plan = repair(Plan(nodes=(b.node("a", "a"),), repairs=(before,)), CATALOGUE)
    assert told(plan) == (before, Repair(kind="self_dependency", subtask="a", before="a"))


# --- ids ------------------------------------------------------------------------------------------------------


def test_identical_copies_are_dropped() -> None:
    plan = mended(b.node("a"), b.node("a"), b.node("b", "a"))
    assert edges(plan) == {"a": (), "b": ("a",)}
    assert told(plan) == (Repair(kind="identical_copy", subtask="a"),)


def test_a_different_node_of_the_same_id_is_renamed_around_names_in_use() -> None:
    plan = mended(b.node("a"), b.node("a", "b"), b.node("a_2"), b.node("b"), b.node("a", "a"))
    assert edges(plan) == {"a": (), "a_3": ("b",), "a_2": (), "b": (), "a_4": ("a",)}
    assert told(plan) == (
        Repair(kind="renamed", subtask="a_3", before="a", after="a_3"),
        Repair(kind="renamed", subtask="a_4", before="a", after="a_4"),
    )


def test_the_second_of_two_is_number_two() -> None:
    assert edges(mended(b.node("a"), b.node("a", "b"), b.node("b"))) == {"a": (), "a_2": ("b",), "b": ()}


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
    assert Problem(kind="unknown_skill", node="a", other=written) in problems(plan, CATALOGUE, Limits())


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


# --- dependencies ---------------------------------------------------------------------------------------------


def test_dependencies_that_cannot_be_are_dropped() -> None:
    plan = mended(b.node("a", "a", "b", "nobody", "b"), b.node("b"))
    assert edges(plan) == {"a": ("b",), "b": ()}
    assert told(plan) == (
        Repair(kind="self_dependency", subtask="a", before="a"),
        Repair(kind="dangling_dependency", subtask="a", before="nobody"),
        Repair(kind="duplicate_dependency", subtask="a", before="b"),
    )


def test_a_reference_is_a_dependency() -> None:
    plan = mended(b.node("a"), b.node("b"), b.node("c", "a", params={"of": "{{b.output.x}} {{a.output}} {{b.output}}"}))
    assert edges(plan)["c"] == ("a", "b")
    assert told(plan) == (Repair(kind="added_dependency", subtask="c", after="b"),)


def test_a_reference_to_nothing_stays_a_problem() -> None:
    plan = mended(b.node("a", "nobody", params={"of": "{{nobody.output}} {{a.output}}"}))
    assert [problem.kind for problem in problems(plan, CATALOGUE, Limits())] == ["dangling_reference"] * 2


# --- cycles ---------------------------------------------------------------------------------------------------


def test_the_edge_to_a_task_listed_later_is_the_mistake() -> None:
    plan = mended(b.node("a", "c"), b.node("b", "a"), b.node("c", "b"))
    assert edges(plan) == {"a": (), "b": ("a",), "c": ("b",)}
    assert told(plan) == (Repair(kind="cut_edge", subtask="a", before="c"),)


def test_an_edge_that_carries_data_is_never_cut() -> None:
    plan = mended(using("a", "b"), b.node("b", "a"))
    assert edges(plan) == {"a": ("b",), "b": ()}


def test_two_cycles_through_one_edge_are_opened_by_it_alone() -> None:
    plan = mended(b.node("a", "d"), b.node("b", "a"), b.node("c", "a"), b.node("d", "b", "c"))
    assert edges(plan) == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


@pytest.mark.parametrize("size", [3, 30])
def test_a_cycle_of_data_alone_is_left_as_it_is(size: int) -> None:
    """Cutting other edges would not make it run."""
    ring = [using(f"n{number}", f"n{(number + 1) % size}") for number in range(size)]
    chord = Node(id="chord", skill="look", dependencies=("n0",))
    ring[0] = Node(id="n0", skill="look", params=ring[0].params, dependencies=("n1", "chord"))
    plan = mended(*ring, chord)
    assert (told(plan), plan.edges) == ((), Plan(nodes=(*ring, chord)).edges)
    assert [problem.kind for problem in problems(plan, CATALOGUE, Limits())] == ["cycle"]


@pytest.mark.parametrize("skill", ["send_mail", "sing"])
def test_a_cycle_at_an_external_effect_or_an_unknown_skill_is_left_for_a_person(skill: str) -> None:
    nodes = (b.node("a", "b"), Node(id="b", skill=skill, dependencies=("a",)), b.node("x", "y"), b.node("y", "x"))
    plan = mended(*nodes)
    assert edges(plan) == {"a": ("b",), "b": ("a",), "x": (), "y": ("x",)}


def test_large_cycles_are_opened_without_cutting_data() -> None:
    size = 60
    nodes = [b.node("n0", *(f"n{number}" for number in range(1, size)))]
    nodes += [using(f"n{number}", f"n{number - 1}") for number in range(1, size)]
    plan = mended(*nodes)
    assert problems(plan, CATALOGUE, Limits(max_depth=100)) == ()
    assert edges(plan) == {"n0": ()} | {f"n{number}": (f"n{number - 1}",) for number in range(1, size)}
