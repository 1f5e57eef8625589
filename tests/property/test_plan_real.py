"""Plans that language models really made: every fault is repaired and said, or named."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from domain import graph
from domain.plan import Plan
from domain.plan_check import Limits, problems
from domain.plan_json import read_plan
from domain.plan_repair import repair
from domain.skill import Catalogue, SkillSpec

HERE = Path(__file__).parents[1] / "data" / "plans"
SHARED = (
    Path(__file__).parents[3] / "shared" / "data" / "plans"
)  # the whole collection, where it lies next to the house
WHOLE = [path for path in sorted(SHARED.glob("*.jsonl")) if '"pred": {' in path.read_text()]
SOURCES = [HERE / "taskbench_sample.jsonl", *WHOLE]
MENDED = {"self_dependency", "dangling_dependency", "duplicate_id", "missing_dependency"}

# Fault as the collection tags it -> what repair says of it, or what is named as left.
SAID: dict[str, tuple[set[str], set[str]]] = {
    "cycle": ({"cut_edge"}, {"cycle"}),
    "self_loop": ({"self_dependency"}, set()),
    "dangling": ({"dangling_dependency"}, set()),
    "dup_id": ({"identical_copy", "renamed"}, set()),
    "unknown_skill": ({"skill"}, {"unknown_skill"}),
    "bad_ref": ({"reference"}, {"dangling_reference", "unclear_reference"}),
}


@cache
def catalogue() -> Catalogue:
    names = json.loads((HERE / "taskbench_skills.json").read_text())["skills"]
    return Catalogue.of(("agent", SkillSpec(name=name, description="", open_params=True)) for name in names)


def in_our_dialect(pred: dict[str, Any]) -> dict[str, Any]:
    """`<node-3>` is the output of `t3`; a task that names no skill asks for the first there is."""
    read: dict[str, Any] = json.loads(re.sub(r"<node-(\d+)>", r"{{t\1.output}}", json.dumps(pred)))
    for task in read["tasks"]:
        task["skill"] = task["skill"] or next(iter(catalogue().skills))
    return read


def cases(source: Path) -> list[tuple[Plan, set[str]]]:
    """(plan, tagged faults) of every case a plan could be read from."""
    found = []
    for line in source.read_text().splitlines():
        case = json.loads(line)
        if case.get("pred"):
            faults = set(case.get("faults") or ())
            # A dangling link may hang off no task at all; then the plan itself has nothing that dangles.
            if not any(
                other.startswith("missing:") for task in case["pred"]["tasks"] for other in task["dependencies"]
            ):
                faults.discard("dangling")
            found.append((read_plan(in_our_dialect(case["pred"])), faults))
    return found


def test_the_sample_has_the_faults_it_was_taken_for() -> None:
    faults = [fault for _, faults in cases(SOURCES[0]) for fault in faults]
    assert len(cases(SOURCES[0])) == 20
    assert {"cycle", "dangling", "forward_only", "ref_not_dep", "unknown_skill", "bad_ref"} <= set(faults)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_every_fault_is_repaired_and_said_or_named(source: Path) -> None:
    for plan, faults in cases(source):
        mended = repair(plan, catalogue())
        changes = {change.kind for change in mended.repairs}
        left = {problem.kind for problem in problems(mended, catalogue(), Limits())}
        assert not left & MENDED
        assert bool(graph.components(mended.edges)) == ("cycle" in left)
        for fault in faults & SAID.keys():
            repaired, named = SAID[fault]
            assert (changes & repaired) or (left & named), (fault, plan)
        assert repair(mended, catalogue()) == mended


@pytest.mark.parametrize("source", [source for source in SOURCES if "taskbench" in source.stem], ids=lambda s: s.stem)
def test_a_plan_without_faults_only_gets_its_references_declared(source: Path) -> None:
    for plan, faults in cases(source):
        mended = repair(plan, catalogue())
        if not faults - {"forward_only", "name_cycle"}:
            assert {change.kind for change in mended.repairs} <= {"added_dependency", "reference"}
            assert {problem.kind for problem in problems(mended, catalogue(), Limits())} <= {"unclear_reference"}
