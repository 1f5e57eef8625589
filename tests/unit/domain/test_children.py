"""Conditions, maps and sub-plans while they run."""

from __future__ import annotations

from typing import Any

import pytest

from domain.outputs import output_of, outputs_for
from domain.plan import Condition, Node, Op, When
from domain.progress import step, verdict
from domain.skill import Effect
from domain.task import Failure, Result, SubtaskState, Task, TaskState
from tests.unit.domain import build as b

S = SubtaskState


def bringing(output: Any):
    """An end that succeeds with this output."""
    return lambda key, attempt, **more: b.succeeded(key, attempt, result=Result(summary="", output=output), **more)


def codes(task: Task) -> dict[str, str | None]:
    return {key: sub.failure.code if sub.failure else None for key, sub in task.subtasks.items()}


# --- conditions -----------------------------------------------------------------------------------------------


def conditional(op: Op = Op.GT, value: Any = 3, **more: Any) -> Node:
    return b.node("b", "a", condition=Condition(ref="{{a.output.count}}", op=op, value=value), **more)


@pytest.mark.parametrize(
    ("output", "op", "expected"),
    [
        ({"count": 4}, Op.GT, "ready"),
        ({"count": 3}, Op.GT, "skipped"),
        ({}, Op.GT, "skipped"),
        ({}, Op.EXISTS, "skipped"),
    ],
)
def test_a_condition_decides_once_its_dependencies_succeeded(output: Any, op: Op, expected: str) -> None:
    task = b.planned(b.node("a"), conditional(op), b.node("c", "b"))
    assert b.states(task)["b"] == "pending"
    task, _ = b.ends(task, "a", end=bringing(output))
    assert b.states(task)["b"] == expected
    if expected == "skipped":
        assert codes(task) == {"a": None, "b": "rule", "c": "upstream"}
        assert verdict(task) is TaskState.ANSWERED


def test_a_condition_on_what_failed_is_not_looked_at() -> None:
    task, _ = b.ends(b.planned(b.node("a"), conditional()), "a", end=b.failed)
    assert codes(task)["b"] == "upstream"


# --- maps -----------------------------------------------------------------------------------------------------


def mapped(*more: Node, items: Any = ("x", "y"), **about: Any) -> Task:
    """`t1` brought `items`; `m` maps over them."""
    over = b.node("m", "t1", **({"for_each": "{{t1.output}}"} | about))
    task = b.planned(b.node("t1"), over, *more)
    return b.ends(task, "t1", end=bringing(list(items) if isinstance(items, tuple) else items))[0]


def test_a_map_spreads_out_when_its_list_is_known() -> None:
    task = mapped(b.node("z", "m"))
    assert b.states(task) == {"t1": "succeeded", "m": "pending", "z": "pending", "m.1": "ready", "m.2": "ready"}
    assert outputs_for(task, "m.2") == {"t1": ["x", "y"], "item": "y"}
    assert step(task, b.released("m"))[0] is task


def test_a_map_is_put_together_when_its_last_child_ended() -> None:
    task = mapped(b.node("z", "m"))
    task, _ = b.ends(task, "m.2", end=bringing("Y"))
    assert b.states(task)["m"] == "pending"
    task, _ = b.ends(task, "m.1", end=bringing("X"), seconds=9)
    assert (b.states(task)["m"], b.states(task)["z"]) == ("succeeded", "ready")
    assert output_of(task, "m") == ["X", "Y"]
    assert (task.subtasks["m"].started_at, task.subtasks["m"].finished_at) == (b.at(20), b.at(29))
    assert task.subtasks["m"].result == Result(summary="")


@pytest.mark.parametrize(
    ("critical", "ends", "expected"),
    [
        (False, (b.succeeded, b.failed), ("succeeded", None)),
        (True, (b.succeeded, b.failed), ("failed", "upstream")),
        (True, (b.succeeded, b.succeeded), ("succeeded", None)),
        (False, (b.failed, b.failed), ("failed", "upstream")),
    ],
)
def test_how_a_map_ends(critical, ends: tuple, expected: tuple[str, str | None]) -> None:
    task = mapped(critical=critical)
    for number, end in enumerate(ends, start=1):
        task, _ = b.ends(task, f"m.{number}", end=end)
    assert (b.states(task)["m"], codes(task)["m"]) == expected
    assert task.settled_at is not None


def test_a_map_over_nothing_is_done() -> None:
    task = mapped(b.node("z", "m"), items=())
    assert b.states(task) == {"t1": "succeeded", "m": "succeeded", "z": "ready"}
    assert output_of(task, "m") == []


@pytest.mark.parametrize(
    ("items", "code"), [("text", "bad_reference"), (None, "bad_reference"), (list(range(200)), "too_many_items")]
)
def test_a_map_over_what_it_cannot_map_fails(items: Any, code: str) -> None:
    task = mapped(b.node("z", "m"), b.node("other"), items=items)
    assert (b.states(task)["m"], codes(task)["m"], codes(task)["z"]) == ("failed", code, "upstream")
    assert b.states(task)["other"] == "ready"


def test_a_critical_map_that_cannot_be_spread_out_ends_the_rest() -> None:
    task = mapped(b.node("other"), b.node("alarm", "m", when=When.ANY_FAILED), items="text", critical=True)
    assert b.states(task) == {"t1": "succeeded", "m": "failed", "other": "skipped", "alarm": "ready"}
    assert codes(task)["other"] == "critical"


def test_a_map_with_a_condition_looks_at_it_once() -> None:
    about = Condition(ref="{{t1.output}}", op=Op.CONTAINS, value="x")
    assert b.states(mapped(condition=about))["m.1"] == "ready"
    assert "m.1" not in b.states(mapped(items=("y",), condition=about))


def test_children_that_act_wait_for_a_person() -> None:
    task = mapped(effect=Effect.IDEMPOTENT)
    assert task.state is TaskState.WAITING
    task, _ = step(task, b.approved())
    task, _ = b.ends(task, "m.1", "m.2")
    assert b.states(task)["m"] == "succeeded"


def test_after_a_critical_failure_elsewhere_a_map_ends_with_what_ran() -> None:
    task = mapped(b.node("crit", critical=True))
    task, _ = b.do(task, b.released("m.1", at=b.at(21)))
    task, _ = b.ends(task, "crit", end=b.failed)
    assert (b.states(task)["m"], b.states(task)["m.1"], codes(task)["m.2"]) == ("pending", "dispatched", "critical")
    task, _ = step(task, b.succeeded("m.1"))
    assert (b.states(task)["m"], task.settled_at is not None) == ("succeeded", True)


def test_after_a_critical_failure_elsewhere_a_map_that_never_ran_is_skipped() -> None:
    task, _ = b.ends(mapped(b.node("crit", critical=True)), "crit", end=b.failed)
    assert (b.states(task)["m"], codes(task)["m"]) == ("skipped", "critical")


def test_cancelling_ends_a_map_with_its_children() -> None:
    task, effects = step(mapped(), b.cancelled())
    assert b.states(task) == {"t1": "succeeded", "m": "cancelled", "m.1": "cancelled", "m.2": "cancelled"}
    assert b.names(effects) == ["Settle"]


def test_a_provision_for_failures_may_be_a_map() -> None:
    about = {"when": When.ALL_DONE, "for_each": "{{t1.output}}"}
    task = b.planned(b.node("t1"), b.node("bad", critical=True), b.node("m", "t1", "bad", **about))
    task, _ = b.ends(task, "t1", end=bringing(["x"]))
    task, _ = b.ends(task, "bad", end=b.failed)
    assert b.states(task)["m.1"] == "ready"


# --- sub-plans ------------------------------------------------------------------------------------------------


def divided(*nodes: Node, among: tuple[Node, ...] = (), **about: Any) -> Task:
    """`p` was run and its agent brought a plan of `nodes`."""
    task = b.planned(b.node("p", **about), b.node("z", "p"), *among)
    return b.do(task, b.released("p"), b.started("p"), b.divided("p", 1, *nodes))[0]


def test_a_sub_plan_runs_in_place_of_who_brought_it() -> None:
    task, effects = b.do(b.planned(b.node("p")), b.released("p"), b.started("p"), b.divided("p"))
    sub = task.subtasks["p"]
    assert b.states(task) == {"p": "pending", "p.x": "ready"}
    assert (sub.lease, sub.due_at, sub.finished_at, sub.attempt) == (None, None, None, 1)
    (recorded,) = [
        effect.attempt for effect in effects if hasattr(effect, "attempt") and not isinstance(effect.attempt, int)
    ]
    assert (recorded.key, recorded.outcome.value, recorded.worker) == ("p", "succeeded", "w1")
    for late in (b.succeeded("p"), b.divided("p"), b.timed_out("p"), b.lease_expired("p"), b.handed_back("p")):
        assert step(task, late) == (task, ())
    _, effects = step(task, b.beat("p"))
    assert b.names(effects) == ["Stop"]


def test_a_sub_plan_is_put_together_and_keeps_what_was_said_about_it() -> None:
    task = divided(b.node("x"), b.node("y", "x"))
    assert b.states(task) == {"p": "pending", "z": "pending", "p.x": "ready", "p.y": "pending"}
    task, _ = b.ends(task, "p.x")
    task, _ = b.ends(task, "p.y", end=bringing(42))
    assert (b.states(task)["p"], b.states(task)["z"]) == ("succeeded", "ready")
    assert task.subtasks["p"].result == Result(summary="in parts")
    assert output_of(task, "p") == 42


def test_a_sub_plan_of_which_nothing_succeeded_failed() -> None:
    task, _ = b.ends(divided(b.node("x"), b.node("y", "x")), "p.x", end=b.failed)
    assert (b.states(task)["p.y"], b.states(task)["p"], codes(task)["p"]) == ("skipped", "failed", "upstream")
    assert task.subtasks["p"].result is None


def test_a_sub_plan_in_which_nothing_had_to_be_done_is_skipped() -> None:
    task = divided(b.node("x", when=When.ANY_FAILED))
    assert (b.states(task)["p"], codes(task)["p"], codes(task)["z"]) == ("skipped", "rule", "upstream")


def test_what_is_critical_to_a_sub_plan_does_not_end_the_task() -> None:
    task = divided(b.node("x", critical=True), b.node("y"), among=(b.node("other"),))
    task, _ = b.ends(task, "p.x", end=b.failed)
    assert (b.states(task)["p.y"], b.states(task)["other"]) == ("ready", "ready")


def test_a_critical_part_of_the_task_needs_all_its_children() -> None:
    task = divided(b.node("x"), b.node("y"), critical=True)
    task, _ = b.ends(task, "p.x", end=b.failed)
    task, _ = b.ends(task, "p.y")
    assert (b.states(task)["p"], codes(task)["z"], verdict(task)) == ("failed", "upstream", TaskState.FAILED)


def test_sub_plans_nest_and_hold_maps() -> None:
    task = divided(b.node("x"))
    task, _ = b.do(
        task, b.released("p.x"), b.divided("p.x", 1, b.node("list"), b.node("each", "list", for_each="{{list.output}}"))
    )
    task, _ = b.ends(task, "p.x.list", end=bringing([1, 2]))
    assert b.states(task)["p.x.each.2"] == "ready"
    task, _ = b.ends(task, "p.x.each.1", "p.x.each.2")
    assert {key: b.states(task)[key] for key in ("p.x.each", "p.x", "p", "z")} == {
        "p.x.each": "succeeded",
        "p.x": "succeeded",
        "p": "succeeded",
        "z": "ready",
    }


def test_a_child_of_a_map_may_bring_a_plan() -> None:
    task, _ = b.do(mapped(), b.released("m.1", at=b.at(30)), b.divided("m.1"))
    task, _ = b.ends(task, "m.1.x", end=bringing("X"))
    task, _ = b.ends(task, "m.2", end=bringing("Y"))
    assert (b.states(task)["m"], output_of(task, "m")) == ("succeeded", ["X", "Y"])


def test_a_plan_of_nothing_is_a_result() -> None:
    task = b.do(b.planned(b.node("p")), b.released("p"))[0]
    task, effects = step(task, b.divided("p", nodes=()))
    assert (b.states(task), b.names(effects)) == ({"p": "succeeded"}, ["RecordAttempt", "Settle"])


def test_a_plan_that_comes_after_a_critical_failure_does_not_start() -> None:
    task = b.planned(b.node("p"), b.node("crit", critical=True))
    task, _ = b.do(task, b.released("p"))
    task, _ = b.ends(task, "crit", end=b.failed)
    task, effects = step(task, b.divided("p"))
    assert (b.states(task)["p.x"], codes(task)["p"]) == ("skipped", "critical")
    assert b.names(effects) == ["RecordAttempt", "Settle"]


def test_a_plan_that_comes_after_cancelling_does_not_start() -> None:
    """Only a granted external effect is still heard then."""
    task, _ = b.do(b.planned(b.external("p")), b.approved(), b.released("p"), b.claimed("p"), b.cancelled())
    task, _ = step(task, b.divided("p"))
    assert (b.states(task), task.subtasks["p"].result) == ({"p": "succeeded"}, Result(summary="in parts"))


def test_children_run_on_a_plan_that_is_not_whole_yet() -> None:
    task = b.do(b.received(), b.plan_started("me"), b.plan_grew(b.node("p"), by="me"), b.released("p"), b.divided("p"))[
        0
    ]
    task, _ = step(task, b.plan_of(b.node("p"), b.node("z", "p"), by="me"))
    assert b.states(task) == {"p": "pending", "p.x": "ready", "z": "pending"}
    task, _ = b.ends(task, "p.x")
    assert b.states(task)["z"] == "ready"


def test_a_sub_plan_that_failed_is_why_the_task_is_planned_anew() -> None:
    task = b.do(b.received(), b.plan_of(b.node("p", critical=True), rounds_left=1), b.released("p"), b.divided("p"))[0]
    task, effects = b.ends(task, "p.x", end=b.failed)
    assert (b.names(effects)[-1], codes(task)["p"]) == ("Replan", "upstream")


def test_failure_codes_are_those_a_person_can_read() -> None:
    task = mapped(items="text")
    assert task.subtasks["m"].failure == Failure(code="bad_reference")
