"""What subtasks brought, as others refer to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain import growth
from domain.errors import Refused
from domain.outputs import output_of, outputs_for
from domain.plan import Node, Plan
from domain.task import Result, SubtaskState, Task
from tests.unit.domain import build as b

S = SubtaskState


def task_of(*nodes: Node, **outputs: Any) -> Task:
    """A task whose subtasks succeeded with these outputs (`__` in a name stands for a dot); the others failed."""
    brought = {key.replace("__", "."): output for key, output in outputs.items()}
    subs = {node.id: b.standing(node.id, S.FAILED) for node in nodes}
    for key, output in brought.items():
        subs[key] = b.standing(key, S.SUCCEEDED, result=Result(summary="", output=output))
    return replace(b.received(), plan=Plan(nodes=nodes), subtasks=subs)


def test_the_output_of_a_result() -> None:
    task = task_of(b.node("a"), b.node("b"), a=[1])
    assert (output_of(task, "a"), output_of(task, "b")) == ([1], None)
    assert output_of(b.with_subs(task, a=b.standing("a", S.SUCCEEDED, result=None)), "a") is None
    assert output_of(b.with_subs(task, a=S.RUNNING), "a") is None


MAP = (
    b.node("t1"),
    b.node("m", "t1", "m.1", "m.2", for_each="{{t1.output}}"),
    *(b.node(f"m.{number}", "t1", for_each="{{t1.output}}", parent="m", item=number - 1) for number in (1, 2)),
)


def test_the_output_of_a_map_is_a_list_with_gaps() -> None:
    assert output_of(task_of(*MAP, m=None, m__1="A", m__2="B"), "m") == ["A", "B"]
    assert output_of(task_of(*MAP, m=None, m__2="B"), "m") == [None, "B"]
    assert output_of(task_of(*MAP, m__1="A", m__2="B"), "m") is None


def test_the_output_of_a_map_over_nothing() -> None:
    assert output_of(task_of(b.node("m", for_each="{{t1.output}}"), m=None), "m") == []


def divided(*nodes: Node) -> tuple[Node, ...]:
    parent = b.node("p")
    return growth.adopted(Plan(nodes=(parent,)), growth.children(parent, nodes)).nodes


def test_the_output_of_a_sub_plan_is_that_of_its_one_end() -> None:
    task = task_of(*divided(b.node("x"), b.node("y", "x")), p="own", p__x=1, p__y=2)
    assert output_of(task, "p") == 2


def test_a_sub_plan_with_several_ends_brings_all_of_them() -> None:
    task = task_of(*divided(b.node("x"), b.node("y", "x"), b.node("z")), p=None, p__x=1, p__y=2)
    assert output_of(task, "p") == {"y": 2, "z": None}


def test_a_map_inside_a_sub_plan_is_one_end() -> None:
    nodes = divided(b.node("x"), b.node("m", "x", for_each="{{x.output}}"))
    plan = Plan(nodes=nodes)
    made = growth.spread(plan, plan.by_id["p.m"], {"p.x": [1, 2]})
    task = task_of(*growth.adopted(plan, made).nodes, p=None, p__x=[1, 2], p__m=None, p__m__1="a", p__m__2="b")
    assert output_of(task, "p") == ["a", "b"]


def test_references_reach_dependencies_that_succeeded() -> None:
    task = task_of(b.node("a"), b.node("b"), b.node("c"), b.node("d", "a", "b"), a=1, c=3)
    assert outputs_for(task, "d") == {"a": 1}
    assert outputs_for(b.received(), "d") == {}


def test_a_child_of_a_map_knows_its_item() -> None:
    task = task_of(*MAP, t1=["x.csv", "{{t1.output}}"])
    assert outputs_for(task, "m.1")["item"] == "x.csv"
    assert outputs_for(task, "m.2")["item"] == "{{t1.output}}"


def test_an_item_that_is_gone_is_refused() -> None:
    with pytest.raises(Refused):
        outputs_for(task_of(*MAP), "m.1")
