"""What it costs to read a plan while it is written, and what that gains: `python -m benchmarks.bench_stream [DATA]`.

DATA is a folder with `plans/*.jsonl`; without it only the first two figures are printed.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean, median, quantiles
from typing import Any

from domain import graph
from domain.model import Completion, Prompt
from domain.plan import Node
from domain.plan_check import Limits
from domain.ports import Listener
from domain.skill import Catalogue, Param, SkillSpec
from planner.early import Judge
from planner.planner import Planner
from planner.request import PlanRequest
from planner.streaming import EarlyNodes

DATA = "../shared/data"
FILES = (
    "nestful_executable_gold",
    "tmdb_gold",
    "worfbench_toolbench",
    "worfbench_lumos",
    "taskbench_huggingface_pred",
)
PLANS = 300
TOKEN = 4  # characters
TOKENS_PER_S = 50.0
MEDIAN_S, SIGMA = 2.0, 0.8  # log-normal durations of subtasks
LIMITS = Limits(max_nodes=500, max_depth=500)

WAYS = {"streamed": "streamed", "planned_first": "plan, then run", "staged": "in stages"}

Tasks = Sequence[Mapping[str, Any]]


def written(tasks: Tasks) -> str:
    """The plan as a model writes it that keeps to the schema."""
    return json.dumps({"answer": None, "question": None, "tasks": list(tasks)}, ensure_ascii=False)


def task(name: str, skill: str, text: str, dependencies: Sequence[str]) -> dict[str, Any]:
    """One task of it."""
    return {
        "id": name,
        "name": text[:40],
        "skill": skill,
        "params": [{"name": "text", "value": text}],
        "dependencies": list(dependencies),
        "when": None,
        "for_each": None,
        "critical": False,
        "approval": False,
    }


def request(tasks: Tasks) -> PlanRequest:
    """What such a plan answers: every skill in it reads."""
    names = {str(one["skill"]) for one in tasks}
    specs = (SkillSpec(name=name, description="", params=(Param(name="text"),)) for name in names)
    return PlanRequest(text="do it", language="en", catalogue=Catalogue.of(("agent", spec) for spec in specs))


def tokens(text: str) -> Iterator[str]:
    """The text a token at a time."""
    return (text[start : start + TOKEN] for start in range(0, len(text), TOKEN))


# --- figures ------------------------------------------------------------------------------------------------------


class Reciting:
    """A model that says one text as fast as it is heard."""

    def __init__(self, text: str) -> None:
        self._pieces = list(tokens(text))
        self._text = text

    async def complete(self, _prompt: Prompt, listener: Listener | None = None) -> Completion:
        """Say it."""
        for piece in self._pieces if listener else ():
            listener.heard(piece)  # type: ignore[union-attr] # there is one, else there are no pieces
        return Completion(text=self._text, model="m")


def cpu_s(count: int) -> tuple[float, int]:
    """Processor seconds for a plan of so many tasks, from the first token to the validated plan; and how many of them
    started early."""
    tasks = [task(f"t{n}", "look", "look at this one " * 5, [f"t{n - 1}"] if n % 5 else []) for n in range(count)]
    early: list[Node] = []

    async def grow(nodes: Sequence[Node], _author: str) -> None:
        early.extend(nodes)

    planner = Planner(Reciting(written(tasks)), LIMITS)
    asked = request(tasks)
    started = time.process_time()
    planning = asyncio.run(planner.plan(asked, grow))
    assert len(planning.plan.nodes) == count
    assert planning.plan.repairs == ()
    return time.process_time() - started, len(early)


def arrivals(tasks: Tasks) -> tuple[dict[str, int], int]:
    """Node -> the token with which it is certain, of those that are before the end; and how many tokens there are."""
    pieces = list(tokens(written(tasks)))
    found: dict[str, int] = {}
    count = 0

    def hand_on(node: Node) -> None:
        found[node.id] = count

    listener = EarlyNodes(partial(Judge, request=request(tasks), limits=LIMITS), hand_on)
    for piece in pieces:
        count += 1
        listener.heard(piece)
    return found, count


# --- makespan -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Makespans:
    """Seconds from the first token to the last result, in three ways of running one plan."""

    streamed: float
    planned_first: float
    staged: float


def makespans(tasks: Tasks, chance: random.Random) -> Makespans:
    """With as many workers as the plan can use."""
    edges = {str(one["id"]): tuple(one["dependencies"]) for one in tasks}
    took = {name: chance.lognormvariate(0.0, SIGMA) * MEDIAN_S for name in edges}
    early, count = arrivals(tasks)
    whole_s = count / TOKENS_PER_S
    known_s = {name: early.get(name, count) / TOKENS_PER_S for name in edges}
    stages: dict[int, list[float]] = {}
    for name, stage in graph.longest_paths(edges).items():
        stages.setdefault(stage, []).append(took[name])
    return Makespans(
        streamed=_last_end(edges, took, known_s),
        planned_first=_last_end(edges, took, dict.fromkeys(edges, whole_s)),
        staged=whole_s + sum(max(times) for times in stages.values()),
    )


def _last_end(edges: graph.Edges, took: Mapping[str, float], known_s: Mapping[str, float]) -> float:
    ends: dict[str, float] = {}
    for name in graph.topological(edges):
        ends[name] = took[name] + max([known_s[name], *(ends[other] for other in edges[name])])
    return max(ends.values())


def recorded(folder: Path) -> list[list[dict[str, Any]]]:
    """Plans of two tasks and more that have no defect, gold ones and those that models wrote; the same in every run."""
    cases = [json.loads(line) for name in FILES for line in (folder / f"{name}.jsonl").read_text().splitlines()]
    found = [
        plan for case in cases if not case.get("faults") for plan in [_tasks(case.get("gold") or case.get("pred"))]
    ]
    sound = [plan for plan in found if len(plan) > 1 and _is_sound(plan)]
    return random.Random(1).sample(sound, min(PLANS, len(sound)))  # noqa: S311 -- a benchmark, not a secret


def _tasks(plan: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    entries = plan["tasks"] if plan else []
    return [
        task(
            str(one["id"]),
            str(one.get("skill") or "work"),
            str(one.get("description") or json.dumps(one.get("args", {}))),
            [str(other) for other in one["dependencies"]],
        )
        for one in entries
    ]


def _is_sound(tasks: Tasks) -> bool:
    edges = {str(one["id"]): tuple(one["dependencies"]) for one in tasks}
    known = all(other in edges for others in edges.values() for other in others)
    return known and len(edges) == len(tasks) and not graph.components(edges)


def main() -> None:
    """Print the figures."""
    for count in (6, 50, 500):
        seconds, early = cpu_s(count)
        print(f"{count:4} tasks: {seconds:.3f} s of processor time, {early} of them started early")
    six = [task(f"t{n}", "look", "look at this one", [f"t{n - 1}"] if n % 3 else []) for n in range(6)]
    early_at, total = arrivals(six)
    print(
        f"first of 6 tasks certain at token {min(early_at.values())} of {total}: {min(early_at.values()) / total:.0%}"
    )
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else DATA) / "plans"
    if folder.is_dir():
        _print_makespans(recorded(folder))


def _print_makespans(plans: Sequence[Tasks]) -> None:
    chance = random.Random(1)  # noqa: S311 -- a benchmark, not a secret
    timed = [(plan, makespans(plan, chance)) for plan in plans]
    print(
        f"\n{len(plans)} plans, {TOKENS_PER_S:.0f} tokens/s, subtasks log-normal around {MEDIAN_S:.0f} s; makespan in s"
    )
    print(f"{'plans':22} {'count':>5} {'how':15} {'mean':>6} {'median':>6} {'p95':>6} {'against streamed':>16}")
    groups = {
        "all": timed,
        "chains": [one for one in timed if _width(one[0]) == 1],
        "with parallel tasks": [one for one in timed if _width(one[0]) > 1],
        "five tasks and more": [one for one in timed if len(one[0]) >= 5],
    }
    for name, group in groups.items():
        for how, said in WAYS.items():
            times = [getattr(one, how) for _, one in group]
            ratio = median(getattr(one, how) / one.streamed for _, one in group)
            numbers = f"{fmean(times):6.1f} {median(times):6.1f} {quantiles(times, n=20)[-1]:6.1f} {ratio:15.2f}x"
            print(f"{name:22} {len(group):5} {said:15} {numbers}")


def _width(tasks: Tasks) -> int:
    stages = list(graph.longest_paths({str(one["id"]): tuple(one["dependencies"]) for one in tasks}).values())
    return max(stages.count(stage) for stage in stages)


if __name__ == "__main__":
    main()
