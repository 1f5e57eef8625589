"""What runs already while a plan is mended, and what may start while one is still being written."""

from __future__ import annotations

import pytest

from domain.plan import Condition, Node, Op, Plan, Repair
from domain.plan_repair import certain, repair
from domain.skill import Effect
from tests.unit.domain import build as b
from tests.unit.domain.mended import CATALOGUE, edges, told

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
