"""The least change that makes a plan runnable, and what is left for a person."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from domain.plan import Condition, Node, Op, Plan, Repair
from domain.plan_check import Limits, Problem, problems
from domain.plan_fit import coerced
from domain.plan_repair import certain, is_doubtful, repair, touched
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
    kind = "unknown_skill" if written else "missing_skill"
    assert Problem(kind=kind, node="a", other=written) in problems(plan, CATALOGUE, Limits())


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


def test_no_cycle_is_opened_before_an_external_effect() -> None:
    ring = (b.node("a", "b"), b.node("b", "a"))
    assert edges(mended(*ring)) == {"a": (), "b": ("a",)}
    asked = mended(*ring, Node(id="mail", skill="send_mail", dependencies=("b",)))
    assert edges(asked) == {"a": ("b",), "b": ("a",), "mail": ("b",)}
    assert [problem.kind for problem in problems(asked, CATALOGUE, Limits())] == ["cycle"]
    checked = mended(*ring, b.node("c", "b", approval=True))
    assert edges(checked)["a"] == ("b",)


def test_a_condition_and_a_list_carry_data_too() -> None:
    condition = Condition(ref="{{b.output.n}}", op=Op.GT, value=1)
    plan = mended(b.node("a", "b", condition=condition), b.node("b", "a"))
    assert edges(plan) == {"a": ("b",), "b": ()}
    plan = mended(b.node("a", "b", for_each="{{b.output}}"), b.node("b", "a"))
    assert edges(plan) == {"a": ("b",), "b": ()}


# --- ids that are no words ------------------------------------------------------------------------------------


def test_ids_become_words_and_what_names_them_follows() -> None:
    plan = mended(
        b.node("Step 1"),
        b.node("b", "Step 1", params={"of": "{{Step 1.output}}"}),
        b.node("", "b"),
        b.node("x" * 80, "b"),
    )
    assert edges(plan) == {"Step_1": (), "b": ("Step_1",), "t3": ("b",), "x" * 64: ("b",)}
    assert plan.by_id["b"].params == {"of": "{{Step_1.output}}"}
    assert [change.kind for change in plan.repairs] == ["id", "id", "id", "reference"]
    assert problems(plan, CATALOGUE, Limits()) == ()


def test_nothing_is_called_item() -> None:
    plan = mended(b.node("item"), b.node("b", "item", for_each="{{b.output}}", params={"of": "{{item}}"}))
    assert [node.id for node in plan.nodes] == ["t1", "b"]
    assert plan.by_id["b"].dependencies == ("t1",)
    assert plan.by_id["b"].params == {"of": "{{item}}"}


# --- dependencies by other names ------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["A-1", "look it up", "code_review"])
def test_a_dependency_may_be_named_otherwise(written: str) -> None:
    first = Node(id="a_1", skill="code_review", name="Look it up")
    plan = mended(first, b.node("b", written))
    assert edges(plan)["b"] == ("a_1",)
    assert told(plan) == (Repair(kind="named_dependency", subtask="b", before=written, after="a_1"),)


def test_what_several_are_called_names_none() -> None:
    plan = mended(b.node("a"), b.node("c"), b.node("b", "look"))
    assert edges(plan)["b"] == ()
    assert told(plan) == (Repair(kind="dangling_dependency", subtask="b", before="look"),)


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        ([(), ("1",), ("2",)], [(), ("t1",), ("t2",)]),
        ([(), ("0",), ("1",)], [(), ("t1",), ("t2",)]),
        ([(), ("1",), ("0",)], [(), (), ()]),
        ([("3",), ("9",), ()], [(), (), ()]),
    ],
)
def test_numbers_are_counted_in_the_one_way_that_is_possible(
    counted: list[tuple[str, ...]], expected: list[tuple[str, ...]]
) -> None:
    plan = mended(*(b.node(f"t{place}", *others) for place, others in enumerate(counted, start=1)))
    assert [node.dependencies for node in plan.nodes] == expected
    kinds = {change.kind for change in plan.repairs}
    assert kinds == ({"named_dependency"} if any(expected) else {"dangling_dependency"})


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


# --- approval, doubt ------------------------------------------------------------------------------------------


def test_an_external_task_that_was_mended_needs_approval() -> None:
    plan = mended(b.node("a"), Node(id="b", skill="Send Mail"), Node(id="c", skill="send_mail", dependencies=("a",)))
    assert [node.approval for node in plan.nodes] == [False, True, False]
    assert touched(plan) == {"b"}


def test_a_plan_is_doubtful_when_more_than_a_third_was_guessed() -> None:
    wrong = [b.node(f"w{number}", "nobody") for number in range(3)]
    right = [b.node(f"r{number}") for number in range(6)]
    assert is_doubtful(mended(*wrong, *right[:5]))
    assert not is_doubtful(mended(*wrong, *right))
    assert not is_doubtful(mended(*wrong[:2]))


def test_tasks_win_over_what_is_said_beside_them() -> None:
    plan = repair(Plan(nodes=(b.node("a"),), answer="Sure!", question="Really?"), CATALOGUE)
    assert (plan.answer, plan.question) == (None, None)
    assert told(plan) == (Repair(kind="dropped_question", before="Really?"),)
    asked = repair(Plan(answer="Hm.", question="Really?"), CATALOGUE)
    assert (asked.answer, asked.question, asked.repairs) == (None, "Really?", ())


def test_a_flood_is_not_mended() -> None:
    nodes = tuple(b.node(f"n{number}", "nobody") for number in range(5))
    assert repair(Plan(nodes=nodes), CATALOGUE, Limits(max_nodes=4)).repairs == ()


# --- what runs already ----------------------------------------------------------------------------------------

RUNNING = b.node("a", "gone", params={"limit": 3, "odd": 1})


def test_what_runs_already_stays_as_it_is() -> None:
    plan = repair(Plan(nodes=(b.node("b", "a"), b.node("c", "b"))), CATALOGUE, fixed={"a": RUNNING})
    assert (plan.nodes[0], edges(plan)) == (RUNNING, {"a": ("gone",), "b": ("a",), "c": ("b",)})
    assert plan.repairs == ()


def test_the_same_work_under_the_same_id_is_there_already() -> None:
    running = b.node("a", params={"limit": 3})
    plan = repair(Plan(nodes=(b.node("a", params={"limit": "3"}), b.node("b", "a"))), CATALOGUE, fixed={"a": running})
    assert (plan.nodes[0], list(edges(plan)), plan.repairs) == (running, ["a", "b"], ())


def test_other_work_under_the_same_id_yields_and_is_followed() -> None:
    later = b.node("b", "a", params={"of": "{{a.output}}"})
    plan = repair(Plan(nodes=(b.node("a", params={"limit": 9}), later)), CATALOGUE, fixed={"a": RUNNING})
    assert edges(plan) == {"a": ("gone",), "a_2": (), "b": ("a_2",)}
    assert plan.by_id["b"].params == {"of": "{{a_2.output}}"}
    assert told(plan) == (Repair(kind="renamed", subtask="a_2", before="a", after="a_2"),)


def test_no_dependency_of_what_runs_is_cut() -> None:
    running = b.node("a", "b")
    assert edges(repair(Plan(nodes=(b.node("b", "a"),)), CATALOGUE, fixed={"a": running})) == {"a": ("b",), "b": ()}


# --- what is certain while the plan is still being written ------------------------------------------------------


def test_a_task_that_needs_nothing_more_is_certain() -> None:
    first = certain(b.node("a"), {}, CATALOGUE)
    assert first is not None
    second = certain(b.node("b", "a", params={"of": "{{a.output.x}}", "limit": None}), {"a": first}, CATALOGUE)
    assert second is not None
    assert (second.params, second.dependencies) == ({"of": "{{a.output.x}}"}, ("a",))
    sent = certain(Node(id="m", skill="send_mail"), {}, CATALOGUE)
    assert sent is not None
    assert (sent.effect, sent.timeout_s) == (Effect.EXTERNAL, 7.0)


@pytest.mark.parametrize(
    "node",
    [
        b.node("a"),
        b.node("b", "z"),
        b.node("b", "b"),
        b.node("b", "a", "a"),
        b.node("b", params={"of": "{{a.output}}"}),
        b.node("b", "a", params={"of": "{{z.output}}"}),
        b.node("b", "a", params={"of": "{{a}}"}),
        b.node("b", "a", params={"of": "<node-1>"}),
        b.node("b", params={"limit": "3"}),
        b.node("b", params={"limit": "three"}),
        b.node("b", params={"colour": "red"}),
        b.node("b c"),
        b.node("item"),
        b.node("b", "a", params={"of": "{{item}}"}),
        b.node("b", "a", condition=Condition(ref="a.output", op=Op.EXISTS)),
        Node(id="b", skill="Look"),
        Node(id="b", skill="sing"),
        Node(id="b", skill=""),
    ],
)
def test_what_needs_mending_or_more_is_not_certain(node: Node) -> None:
    assert certain(node, {"a": b.node("a")}, CATALOGUE) is None
