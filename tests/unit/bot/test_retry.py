from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.retry import carried
from domain import events as e
from domain.errors import Refused
from domain.plan import Node, Plan
from domain.progress import step
from domain.task import FINAL, Result, SubtaskState, Task, TaskState
from tests.fakes import START
from tests.unit.aggregator.samples import task_of
from tests.unit.domain import build as b


@given(st.lists(st.lists(st.integers(0, 8), max_size=3), min_size=1, max_size=8), st.data())
def test_what_is_carried_never_rests_on_what_runs_again(edges: list[list[int]], data: st.DataObject) -> None:
    nodes = tuple(
        Node(id=str(place), skill="s", dependencies=tuple({str(other) for other in others if other < place}))
        for place, others in enumerate(edges)
    )
    plan = Plan(nodes=nodes)
    finals = st.sampled_from([SubtaskState.SUCCEEDED, SubtaskState.FAILED, SubtaskState.SKIPPED])
    task = task_of(plan)
    subs = {key: replace(sub, state=data.draw(finals)) for key, sub in task.subtasks.items()}
    subs["0"] = replace(subs["0"], state=SubtaskState.FAILED)
    task = replace(task, subtasks=subs, state=TaskState.ANSWERED, settled_at=START)
    key = data.draw(st.sampled_from([None, *subs]))
    same, kept = carried(task, key)
    assert same == plan
    assert all(set(plan.by_id[name].dependencies) <= kept.keys() for name in kept)
    assert kept.items() <= subs.items()
    assert key not in kept
    assert key or all(sub.state is SubtaskState.SUCCEEDED for sub in kept.values())
    again, _ = step(task_of(None), e.Planned(plan=plan, at=START, carried=kept))
    assert any(sub.state is SubtaskState.READY for sub in again.subtasks.values())


# --- what subtasks became -------------------------------------------------------------------------------------


def ended(lost: str = "m.2") -> Task:
    """`m` mapped over what `a` brought, `p` was divided, `z` came last; one subtask was lost."""
    task = b.planned(b.node("a"), b.node("m", "a", for_each="{{a.output}}"), b.node("p"), b.node("z", "m", "p"))
    listed = b.succeeded(result=Result(summary="", output=["x", "y"]))
    task, _ = b.do(task, b.released(), listed, b.released("p"), b.divided("p", 1, b.node("x"), b.node("y", "x")))
    for key in ("m.1", "m.2", "p.x", "p.y"):
        task, _ = b.ends(task, key, end=b.failed if key == lost else b.succeeded)
    task, _ = b.ends(task, "z")
    assert {sub.state for sub in task.subtasks.values()} <= FINAL
    return step(task, b.answered())[0]


def again(task: Task, key: str | None) -> dict[str, str]:
    """The states in which a new try begins."""
    plan, kept = carried(task, key)
    assert plan is not None
    return b.states(step(b.received(), e.Planned(plan=plan, at=b.at(1), carried=kept))[0])


def changed(task: Task, key: str | None) -> dict[str, str]:
    return {name: state for name, state in again(task, key).items() if state != "succeeded"}


def test_a_lost_child_runs_again_and_its_siblings_stay() -> None:
    assert changed(ended("m.2"), None) == {"m.2": "ready", "m": "pending", "z": "pending"}
    assert changed(ended("p.y"), None) == {"p.y": "ready", "p": "pending", "z": "pending"}
    assert changed(ended("p.y"), "p.x") == {"p.x": "ready", "p.y": "pending", "p": "pending", "z": "pending"}
    assert changed(ended(""), "m.1") == {"m.1": "ready", "m": "pending", "z": "pending"}


def test_a_parent_that_is_named_is_divided_anew() -> None:
    states = again(ended(), "p")
    assert (states["p"], states["m.2"], states["z"]) == ("ready", "failed", "pending")
    assert not any(name.startswith("p.") for name in states)


def test_a_map_spreads_out_anew_when_its_list_is_made_again() -> None:
    states = again(ended(), "a")
    assert {name: state for name, state in states.items() if state != "succeeded"} == {
        "a": "ready",
        "m": "pending",
        "z": "pending",
    }
    assert not any(name.startswith("m.") for name in states)


def test_who_rests_on_one_child_of_what_is_made_anew_waits_for_all_of_it() -> None:
    task = ended("")
    plan = task.plan
    assert plan is not None
    task = replace(
        task,
        plan=replace(plan, nodes=(*plan.nodes, b.node("late", "p.x", "p"))),
        subtasks={**task.subtasks, "late": b.standing("late", SubtaskState.FAILED)},
    )
    retried, kept = carried(task, "p")
    assert retried is not None
    assert retried.by_id["late"].dependencies == ("p",)
    assert set(kept) == {"a", "m", "m.1", "m.2"}


def test_a_lost_round_is_tried_again_and_not_what_it_was_for() -> None:
    task, _ = b.do(b.received(), b.plan_of(b.node("a"), b.node("b", critical=True), rounds_left=1))
    task, _ = b.ends(task, "a")
    task, _ = b.ends(task, "b", end=b.failed)
    task, _ = step(task, b.plan_of(b.node("c"), b.node("d", "c")))
    task, _ = b.ends(task, "c", end=b.failed, seconds=40)
    task, _ = step(task, b.answered())
    assert again(task, None) == {"a": "succeeded", "b": "failed", "c": "ready", "d": "pending"}
    assert again(task, "b")["b"] == "ready"


def test_a_task_without_a_plan_is_planned_again() -> None:
    assert carried(b.do(b.received(), b.plan_failed(), b.answered())[0], None) == (None, {})


@pytest.mark.parametrize("key", [None, "nobody"])
def test_nothing_to_try_again_is_refused(key: str | None) -> None:
    with pytest.raises(Refused):
        carried(ended(""), key)
