"""How plans grow, as values."""

from __future__ import annotations

from typing import Any

import pytest

from domain import growth
from domain.errors import Refused
from domain.plan import Condition, Node, Op, Plan, Repair, When
from domain.skill import Effect
from tests.unit.domain import build as b

FILES = {"t1": {"files": ["a", "b"]}}


def plan(*nodes: Node, **more: Any) -> Plan:
    return Plan(nodes=nodes, **more)


def ids(grown: Plan) -> list[str]:
    return [node.id for node in grown.nodes]


def over_files(key: str = "each", **more: Any) -> Node:
    return b.node(key, "t1", for_each="{{t1.output.files}}", **more)


# --- more of it arrives ---------------------------------------------------------------------------------------


def test_new_nodes_join_and_known_ones_stay_as_they_are() -> None:
    grown = growth.grown(plan(b.node("a", name="first")), [b.node("a", name="other"), b.node("b", "a")])
    assert ids(grown) == ["a", "b"]
    assert grown.by_id["a"].name == "first"


def test_a_node_that_waits_for_something_unknown_is_not_certain_yet() -> None:
    assert ids(growth.grown(plan(b.node("a")), [b.node("c", "b"), b.node("b")])) == ["a", "b"]


def test_a_plan_grows_no_larger_than_it_may() -> None:
    assert ids(growth.grown(plan(max_nodes=2), [b.node("a"), b.node("b"), b.node("c")])) == ["a", "b"]


def test_the_whole_plan_adds_what_is_missing() -> None:
    begun = plan(b.node("a", name="first"), author="model")
    whole = growth.whole(begun, plan(b.node("a", name="other"), b.node("b", "a"), rounds_left=2, max_nodes=9))
    assert ids(whole) == ["a", "b"]
    assert whole.by_id["a"].name == "first"
    assert (whole.rounds_left, whole.misses, whole.max_nodes) == (2, (), 9)


def test_what_was_said_about_the_plan_adds_up() -> None:
    first, second = Repair(kind="renamed", subtask="a"), Repair(kind="renamed", subtask="b")
    begun = plan(repairs=(first,), unplaced=("sing",))
    whole = growth.whole(begun, plan(repairs=(first, second), unplaced=("dance", "sing")))
    assert (whole.repairs, whole.unplaced) == ((first, second), ("sing", "dance"))


def test_a_plan_given_whole_is_taken_as_it_is() -> None:
    given = plan(b.node("a", round=1), misses=("",), rounds_left=1)
    assert growth.whole(None, given) is given


# --- another round --------------------------------------------------------------------------------------------


def test_a_round_is_used_up() -> None:
    again = growth.another_round(plan(b.node("a"), rounds_left=2), "no totals")
    assert (again.rounds_left, again.misses, ids(again)) == (1, ("no totals",), ["a"])


def test_a_later_plan_wins_back_no_rounds() -> None:
    begun = plan(b.node("a"), rounds_left=1, misses=("",))
    whole = growth.whole(begun, plan(b.node("b"), rounds_left=2))
    assert (whole.rounds_left, whole.misses) == (1, ("",))
    assert [node.round for node in whole.nodes] == [0, 1]


def test_a_round_that_adds_nothing_is_the_last() -> None:
    begun = plan(b.node("a"), rounds_left=1, misses=("",))
    assert growth.whole(begun, plan(b.node("a"))).rounds_left == 0


@pytest.mark.parametrize(
    ("misses", "effect", "needs_approval"),
    [
        ((), Effect.IDEMPOTENT, False),
        ((), Effect.EXTERNAL, True),
        (("",), Effect.NONE, False),
        (("",), Effect.IDEMPOTENT, True),
    ],
)
def test_what_is_planned_after_data_was_read_only_reads_unless_approved(misses, effect, needs_approval) -> None:
    begun = plan(b.node("a"), misses=misses)
    for grown in (
        growth.grown(begun, [b.node("b", effect=effect)]),
        growth.whole(begun, plan(b.node("b", effect=effect))),
    ):
        assert grown.by_id["b"].needs_approval is needs_approval
        assert grown.by_id["b"].round == len(misses)


def test_a_plan_cut_short_says_so_and_is_not_planned_again() -> None:
    cut = growth.cut_short(plan(b.node("a"), rounds_left=2), "no_plan")
    assert (cut.rounds_left, cut.repairs) == (0, (Repair(kind="unfinished", reason="no_plan"),))


# --- maps -----------------------------------------------------------------------------------------------------


def test_a_map_has_a_child_per_item() -> None:
    each = over_files(name="Read", params={"path": "{{item}}"}, critical=True, when=When.ALL_DONE, max_attempts=1)
    first, second = growth.spread(plan(b.node("t1"), each), each, FILES)
    assert (first.id, first.item, first.name, second.id, second.item, second.name) == (
        "each.1",
        0,
        "Read: a",
        "each.2",
        1,
        "Read: b",
    )
    assert (first.parent, first.dependencies, first.params) == ("each", ("t1",), {"path": "{{item}}"})
    assert (first.for_each, first.when, first.max_attempts) == (each.for_each, When.ALL_DONE, 1)
    assert (first.critical, first.condition, first.is_map, each.is_map) == (False, None, False, True)


@pytest.mark.parametrize(
    ("effect", "approval", "expected"),
    [
        (Effect.NONE, False, False),
        (Effect.NONE, True, True),
        (Effect.IDEMPOTENT, False, True),
        (Effect.EXTERNAL, False, True),
    ],
)
def test_children_act_only_when_approved(effect: Effect, approval, expected) -> None:
    each = over_files(effect=effect, approval=approval)
    made = growth.spread(plan(b.node("t1"), each), each, FILES)
    assert [child.approval for child in made] == [expected] * 2
    (child,) = growth.children(b.node("t1"), [b.node("x", effect=effect, approval=approval)])
    assert child.approval is expected


@pytest.mark.parametrize(
    ("outputs", "code"),
    [
        ({}, "bad_reference"),
        ({"t1": {}}, "bad_reference"),
        ({"t1": {"files": "a"}}, "bad_reference"),
        ({"t1": {"files": {"a": 1}}}, "bad_reference"),
        ({"t1": {"files": list(range(9))}}, "too_many_items"),
    ],
)
def test_a_map_over_what_is_no_list_or_too_long_is_refused(outputs: dict[str, Any], code: str) -> None:
    each = over_files()
    with pytest.raises(Refused) as refused:
        growth.spread(plan(b.node("t1"), each, max_nodes=10), each, outputs)
    assert refused.value.key == f"failure.{code}"


def test_there_is_room_for_just_as_many_as_fit() -> None:
    each = over_files()
    assert len(growth.spread(plan(b.node("t1"), each, max_nodes=4), each, FILES)) == 2


def deep(levels: int) -> tuple[Plan, Node]:
    """A plan whose last node is a map `levels` below what was planned."""
    nodes, key = [b.node("t1")], ""
    for level in range(levels):
        nodes.append(b.node(f"{key}.n" if key else "n", parent=key))
        key = nodes[-1].id
        assert growth.nesting(plan(*nodes), key) == level
    nodes.append(over_files(f"{key}.each" if key else "each", parent=key))
    return plan(*nodes), nodes[-1]


def test_a_map_may_lie_as_deep_as_there_is_room_for_children() -> None:
    assert growth.MAX_NESTING == 3
    assert len(growth.spread(*deep(2), FILES)) == 2
    with pytest.raises(Refused) as refused:
        growth.spread(*deep(3), FILES)
    assert refused.value.key == "failure.too_deep"
    assert growth.spread(*deep(3), {"t1": {"files": []}}) == ()


# --- sub-plans ------------------------------------------------------------------------------------------------


def test_a_sub_plan_is_named_below_its_parent() -> None:
    look, each, last = growth.children(
        b.node("t1.2", round=1),
        [
            b.node("a", critical=True),
            b.node("b", "a", for_each="{{a.output.rows}}", params={"row": ["{{item.id}}", "{{a.output}}"]}),
            b.node("c", "b", condition=Condition(ref="{{b.output[0]}}", op=Op.GT, value="{{a.output}}")),
        ],
    )
    assert [node.id for node in (look, each, last)] == ["t1.2.a", "t1.2.b", "t1.2.c"]
    assert (look.parent, look.round, look.critical) == ("t1.2", 1, False)
    assert (each.dependencies, each.for_each) == (("t1.2.a",), "{{t1.2.a.output.rows}}")
    assert each.params == {"row": ["{{item.id}}", "{{t1.2.a.output}}"]}
    assert last.condition == Condition(ref="{{t1.2.b.output[0]}}", op=Op.GT, value="{{a.output}}")


def test_a_sub_plan_may_rest_on_what_its_parent_rested_on() -> None:
    (child,) = growth.children(b.node("p", "a"), [b.node("x", "a", params={"in": "{{a.output}}"})])
    assert (child.dependencies, child.params) == (("a",), {"in": "{{a.output}}"})


def test_a_parent_waits_for_its_children_too() -> None:
    before = plan(b.node("a"), b.node("p", "a"), b.node("z", "p"))
    after = growth.adopted(before, growth.children(before.by_id["p"], [b.node("x"), b.node("y", "x")]))
    assert ids(after) == ["a", "p", "z", "p.x", "p.y"]
    assert after.by_id["p"].dependencies == ("a", "p.x", "p.y")
    assert [node.id for node in after.made["p"]] == ["p.x", "p.y"]
    assert growth.own_dependencies(after, "p") == ("a",)
    assert growth.own_dependencies(after, "z") == ("p",)


def test_what_is_part_of_a_provision_for_failures_is_one_too() -> None:
    tree = plan(b.node("p", when=When.ANY_FAILED), b.node("p.x", parent="p"), b.node("q"), b.node("q.x", parent="q"))
    assert [growth.is_spared(tree, node) for node in tree.nodes] == [True, True, False, False]
