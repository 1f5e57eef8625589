from __future__ import annotations

from domain.plan import Condition, Op
from planner.joining import fresh, work
from tests.builders import node

LOOK = node("look", skill="file_list", params={"path": "src", "depth": 3})


def test_without_anything_there_nothing_changes() -> None:
    nodes = (node("a"), node("b", "a"))
    assert fresh(nodes, ()) == nodes


def test_what_is_listed_again_is_what_is_there() -> None:
    again = node("look", skill="file_list", params={"path": "src", "depth": "3", "glob": None})
    behind = node("b", "look", params={"text": "{{look.output}}"})
    assert fresh((again, behind), (LOOK,)) == (behind,)


def test_the_same_work_under_another_name_is_not_done_twice() -> None:
    other = node("t9", skill="file_list", params={"depth": 3, "path": "src"})
    behind = node(
        "b",
        "t9",
        params={"text": "{{t9.output.files[0]}}"},
        condition=Condition(ref="{{t9.output.count}}", op=Op.GT, value=0),
        for_each="{{t9.output.files}}",
    )
    (moved,) = fresh((other, behind), (LOOK,))
    assert moved.dependencies == ("look",)
    assert moved.params == {"text": "{{look.output.files[0]}}"}
    assert moved.condition == Condition(ref="{{look.output.count}}", op=Op.GT, value=0)
    assert moved.for_each == "{{look.output.files}}"


def test_the_same_work_on_something_else_is_other_work() -> None:
    report = node("r1", "look", skill="report")
    another = node("r2", "x", skill="report")
    assert fresh((node("x"), another), (LOOK, report)) == (node("x"), another)


def test_a_name_that_is_taken_is_changed_together_with_what_points_to_it() -> None:
    other = node("look", skill="file_read", params={"path": "a"})
    behind = node("b", "look", params={"text": "{{look.output.text}}"})
    moved, after = fresh((other, behind), (LOOK,), mark="r1_")
    assert (moved.id, moved.skill) == ("r1_look", "file_read")
    assert (after.dependencies, after.params) == (("r1_look",), {"text": "{{r1_look.output.text}}"})


def test_lost_work_may_be_done_again() -> None:
    (again,) = fresh((LOOK,), (LOOK,), lost={"look"}, mark="r2_")
    assert again.id == "r2_look"
    assert work(again) == work(LOOK)


def test_new_names_never_meet() -> None:
    long = "x" * 64
    fixed = (node(long, params={"a": 1}), node("a"), node("r1_a", params={"b": 2}))
    nodes = (node(long, params={"a": 2}), node("a", params={"c": 3}), node("a", params={"d": 4}))
    ids = [one.id for one in fresh(nodes, fixed, mark="r1_")]
    assert len({*ids, *(one.id for one in fixed)}) == 6
    assert all(len(name) <= 64 for name in ids)
    assert ids == [one.id for one in fresh(nodes, fixed, mark="r1_")]
