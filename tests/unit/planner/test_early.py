from __future__ import annotations

import json
from typing import Any

import pytest

from domain.plan import Node
from domain.plan_check import Limits
from domain.skill import Effect
from domain.task import SubtaskState
from planner.early import Judge
from planner.request import Begun, PlanRequest
from tests.builders import node
from tests.unit.planner.skills import CATALOGUE


def judge(limits: Limits | None = None, **more: Any) -> Judge:
    request = PlanRequest(text="do it", language="en", catalogue=CATALOGUE, **more)
    return Judge(request=request, limits=limits or Limits())


def entry(name: Any, skill: str = "echo", *dependencies: str, **more: Any) -> dict[str, Any]:
    params = {"text": "hi"} if skill == "echo" else {}
    return {"id": name, "skill": skill, "params": params, "dependencies": list(dependencies), **more}


def ids(judged: Judge, *entries: Any) -> list[str]:
    nodes = [judged(one) for one in entries]
    return [one.id for one in nodes if one is not None]


def test_what_reads_and_waits_for_nothing_unknown_is_certain() -> None:
    behind = entry("b", "echo", "a", params={"text": "{{a.output}}"})
    assert ids(judge(), entry("a"), behind, entry("c", "report", "a", "b")) == ["a", "b", "c"]


def test_it_is_bound_to_the_catalogue() -> None:
    made = judge()(entry("a", "file_copy", params={"source": "x", "target": "y"}))
    assert made is not None
    assert made.effect is Effect.IDEMPOTENT


WAITING = {
    "unknown skill": entry("x", "rocket"),
    "misspelt skill": entry("x", "Echo"),
    "acts": entry("x", "mail", params={"to": ["bob"], "body": "hi"}),
    "lacks a parameter": entry("x", "echo", params={}),
    "parameter to be mended": entry("x", "echo", params={"text": 3}),
    "unknown parameter": entry("x", "echo", params={"text": "hi", "mood": "good"}),
    "waits for something unknown": entry("x", "echo", "later"),
    "waits for itself": entry("x", "echo", "x"),
    "uses what it does not wait for": entry("x", "echo", params={"text": "{{a.output}}"}),
    "asks a person": entry("x", approval=True),
    "has a condition": entry("x", "echo", "a", when={"ref": "{{a.output.n}}", "op": "gt", "value": 1}),
    "is a map": entry("x", "echo", "a", for_each="{{a.output.files}}", params={"text": "{{item}}"}),
}


@pytest.mark.parametrize("waiting", WAITING.values(), ids=WAITING)
def test_what_is_not_certain_or_not_safe_waits_with_all_that_needs_it(waiting: dict[str, Any]) -> None:
    assert ids(judge(), entry("a"), waiting, entry("y", "report", "x"), entry("z", "report", "a")) == ["a", "z"]


@pytest.mark.parametrize(
    "odd",
    [
        {"skill": "echo", "params": {"text": "no id"}, "dependencies": []},
        {"id": "x", "skill": "echo", "params": {"text": "says nothing of what it needs"}},
        entry("a", "report"),
        {"id": "x", "skill": "echo", "params": {"text": float("inf")}, "dependencies": []},
        {"id": "x", "skill": "echo", "params": {"text": "\ud800"}, "dependencies": []},
        {"id": "x", "skill": "echo", "params": {"text": json.loads("[" * 40 + "]" * 40)}, "dependencies": []},
    ],
)
def test_behind_an_entry_that_cannot_be_told_apart_nothing_is_certain(odd: Any) -> None:
    assert ids(judge(), entry("a"), odd, entry("z")) == ["a"]


def test_limits_hold_for_what_starts_early() -> None:
    assert ids(judge(Limits(max_nodes=2)), entry("a"), entry("b"), entry("c")) == ["a", "b"]
    chain = (entry("a"), entry("b", "report", "a"), entry("c", "report", "b"))
    assert ids(judge(Limits(max_depth=2)), *chain) == ["a", "b"]


def begun(*nodes: Node) -> tuple[Begun, ...]:
    return tuple(Begun(node=one, state=SubtaskState.SUCCEEDED) for one in nodes)


def test_beside_what_has_begun_only_new_work_under_a_new_name_is_early() -> None:
    there = begun(node("t1", skill="echo", params={"text": "hi"}))
    entries = (
        entry("t1"),
        entry("t2"),
        entry("t3", params={"text": "new {{t1.output}}"}, dependencies=["t1"]),
        entry("t4", "report", "t3"),
    )
    assert ids(judge(begun=there), *entries) == ["t3", "t4"]


def test_in_a_later_round_only_what_reads_is_early() -> None:
    copy = entry("c", "file_copy", params={"source": "x", "target": "y"})
    assert ids(judge(), copy) == ["c"]
    assert ids(judge(round=1), copy, entry("a")) == ["a"]
