"""The least change that makes a plan runnable, and what is left for a person."""

from __future__ import annotations

import pytest

from domain.plan import Condition, Node, Op, Plan, Repair
from domain.plan_check import Limits, problems
from domain.plan_repair import is_doubtful, repair, touched
from domain.skill import Effect
from tests.unit.domain import build as b
from tests.unit.domain.mended import CATALOGUE, edges, mended, told, using


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
