"""How close what is released comes to the best possible: `python -m benchmarks.bench_scheduling [DATA]`.

Plans of DATA (a folder with `plans/*.jsonl`; without it, random ones) run in virtual time, with the real `step` and
`choose`, on so many slots. Every skill has a log-normal mean, every run of it log-normal noise around that; only the
means are known beforehand, as they are to a dispatcher that has measured them. A makespan is told as its ratio to a
bound that no order can beat: the longest path, or all work shared evenly among the slots.

`deployed` is what a real house does: up to 32 subtasks of a task are sent at once, and wait in their agent's queue by
the three priorities of the wire, a user's fifth and all after it at the lowest.
"""

from __future__ import annotations

import json
import random
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from graphlib import CycleError
from heapq import heappop, heappush
from itertools import count
from math import ceil, exp, log
from pathlib import Path
from statistics import fmean, quantiles

from benchmarks.dags import workloads
from domain import events as e
from domain import graph
from domain.plan import Node, Plan
from domain.progress import step
from domain.ranking import UNMEASURED, Durations
from domain.release import Candidate, Window, choose
from domain.task import IN_FLIGHT, Result, Route, Scope, Task

DATA = "../shared/data"
FILES = ("nestful_executable_gold", "worfbench_toolbench", "worfbench_lumos", "taskbench_huggingface_pred")
MEDIAN_S, SKILLS_SIGMA, RUNS_SIGMA = 2.0, 0.8, 0.4
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
LONG = timedelta(days=30)
LEVELS = {"high": 0, "normal": 1, "low": 2}
SHARES = {"enough": 1.0, "half": 0.5, "quarter": 0.25}
SEED = 7

Name = str
"""Task and key, as on the wire."""


@dataclass(frozen=True)
class Case:
    """Tasks that begin together, what each of their subtasks will really take, and what is known of it."""

    tasks: Sequence[Task]
    seconds: Mapping[Name, float]
    durations: Durations

    def edges(self) -> dict[Name, tuple[Name, ...]]:
        plans = ((task.id, task.plan.edges) for task in self.tasks if task.plan is not None)
        return {
            f"{task_id}.{key}": tuple(f"{task_id}.{other}" for other in needed)
            for task_id, edges in plans
            for key, needed in edges.items()
        }

    def bound_s(self, slots: int) -> float:
        """Nothing is done sooner than this."""
        ends: dict[Name, float] = {}
        edges = self.edges()
        for name in graph.topological(edges):
            ends[name] = self.seconds[name] + max((ends[one] for one in edges[name]), default=0.0)
        return max(*ends.values(), sum(self.seconds.values()) / slots)


@dataclass
class House:
    """A dispatcher's rows, its agents' queue and their slots, in virtual time."""

    case: Case
    window: Window
    slots: int
    durations: Durations
    now_s: float = 0.0
    most: int = 0
    _tasks: dict[str, Task] = field(default_factory=dict)
    _queue: list[tuple[int, int, Name]] = field(default_factory=list)
    _running: list[tuple[float, Name]] = field(default_factory=list)
    _sent: Iterator[int] = field(default_factory=count)

    def makespan_s(self) -> float:
        """Run everything."""
        self._tasks = {task.id: task for task in self.case.tasks}
        self._release()
        while self._running:
            self.now_s, name = heappop(self._running)
            self._end(name)
            while self._running and self._running[0][0] == self.now_s:
                self._end(heappop(self._running)[1])
            self._release()
        assert all(task.settled_at is not None for task in self._tasks.values()), "something never ran"
        return self.now_s

    def _now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.now_s)

    def _release(self) -> None:
        flying: dict[Scope, int] = {}
        for task in self._tasks.values():
            many = sum(sub.state in IN_FLIGHT for sub in task.subtasks.values())
            flying[task.scope] = flying.get(task.scope, 0) + many
        for one in choose(self._tasks.values(), flying, self.window, self._now(), self.durations):
            task = self._tasks[one.task_id]
            released = e.Released(key=one.key, agent="any", at=self._now(), due_at=BEGAN + LONG)
            self._tasks[task.id] = step(task, released)[0]
            heappush(self._queue, (self._level(task, one), next(self._sent), f"{task.id}.{one.key}"))
        self._begin()

    def _level(self, task: Task, one: Candidate) -> int:
        """Where it stands in the agents' queue."""
        if task.plan is None or one.ahead >= self.window.share:
            return LEVELS["low"]
        return LEVELS[task.plan.ranking(self.durations).urgency[one.key]]

    def _begin(self) -> None:
        while self._queue and len(self._running) < self.slots:
            name = heappop(self._queue)[2]
            heappush(self._running, (self.now_s + self.case.seconds[name], name))
        self.most = max(self.most, len(self._running))

    def _end(self, name: Name) -> None:
        task_id, _, key = name.partition(".")
        task = self._tasks[task_id]
        attempt = task.subtasks[key].attempt
        ended = e.Succeeded(key=key, attempt=attempt, exec_id=None, agent="any", result=DONE, at=self._now())
        self._tasks[task_id] = step(task, ended)[0]


DONE = Result(summary="")


def chosen_one_by_one(case: Case, slots: int, durations: Durations) -> float:
    """Nothing is sent before it can run, so that the order is `choose`'s alone."""
    return House(case, Window(per_task=10**6, total=slots), slots, durations).makespan_s()


def measured(case: Case, slots: int) -> float:
    """By critical paths in measured seconds."""
    return chosen_one_by_one(case, slots, case.durations)


def counted(case: Case, slots: int) -> float:
    """By critical paths, every node counting the same: what a house without history does."""
    return chosen_one_by_one(case, slots, UNMEASURED)


def deployed(case: Case, slots: int) -> float:
    """By measured seconds, with the windows and the queue of a real house."""
    return House(case, Window(), slots, case.durations).makespan_s()


def first_come(case: Case, slots: int) -> float:
    """What is ready first runs first."""
    return _in_order(case.edges(), case.seconds, slots)


def in_stages(case: Case, slots: int) -> float:
    """A stage of a task begins when all of the one before it has ended."""
    edges = case.edges()
    depth = graph.longest_paths(edges)
    stages: dict[tuple[str, int], list[Name]] = {}
    for name in edges:
        stages.setdefault((name.partition(".")[0], depth[name]), []).append(name)
    barriers = {name: stages.get((name.partition(".")[0], depth[name] - 1), []) for name in edges}
    return _in_order(barriers, case.seconds, slots)


def _in_order(edges: graph.Edges, seconds: Mapping[Name, float], slots: int) -> float:
    missing = {name: len(needed) for name, needed in edges.items()}
    after = graph.reverse(edges)
    queue = deque(name for name, many in missing.items() if not many)
    running: list[tuple[float, Name]] = []
    now_s = 0.0
    while queue or running:
        while queue and len(running) < slots:
            name = queue.popleft()
            heappush(running, (now_s + seconds[name], name))
        now_s, ended = heappop(running)
        for child in after[ended]:
            missing[child] -= 1
            if not missing[child]:
                queue.append(child)
    return now_s


WAYS: Mapping[str, Callable[[Case, int], float]] = {
    "measured critical path": measured,
    "the same, deployed": deployed,
    "critical path by nodes": counted,
    "first come": first_come,
    "in stages": in_stages,
}


def recorded(folder: Path) -> list[graph.Edges]:
    """The dependencies of plans that models or people wrote, where something in them can run side by side."""
    lines = (line for name in FILES for line in (folder / "plans" / f"{name}.jsonl").read_text().splitlines())
    found = (_edges(json.loads(line)) for line in lines)
    return [edges for edges in found if edges is not None]


def _edges(document: Mapping[str, object]) -> graph.Edges | None:
    plan = document["gold"] or document["pred"]
    tasks: Sequence[Mapping[str, Sequence[str]]] = plan["tasks"] if isinstance(plan, dict) else ()
    numbers = {str(task["id"]): f"n{place}" for place, task in enumerate(tasks)}
    edges = {
        numbers[str(task["id"])]: tuple(dict.fromkeys(numbers[one] for one in task["dependencies"] if one in numbers))
        for task in tasks
    }
    try:
        is_chain = max(graph.longest_paths(edges).values(), default=0) == len(edges)
    except CycleError:
        return None
    return None if is_chain else edges


def invented(workload: str, many: int, seed: int) -> list[graph.Edges]:
    """The dependencies of a workload of the throughput benchmark."""
    dags = workloads.plans(workload, seed, many)
    return [{f"n{node}": tuple(f"n{one}" for one in needed) for node, needed in enumerate(dag)} for dag in dags]


def case(plans: Sequence[graph.Edges], chance: random.Random, skills: int = 8) -> Case:
    """One user's tasks of these plans, all of which began just now."""
    medians = {f"skill{number}": exp(chance.gauss(log(MEDIAN_S), SKILLS_SIGMA)) for number in range(skills)}
    means = {skill: median_s * exp(RUNS_SIGMA**2 / 2) for skill, median_s in medians.items()}
    tasks: list[Task] = []
    seconds: dict[Name, float] = {}
    for number, edges in enumerate(plans):
        nodes = [Node(id=key, skill=chance.choice(list(medians)), dependencies=tuple(edges[key])) for key in edges]
        tasks.append(_task(f"{number:06d}", nodes))
        for node in nodes:
            seconds[f"{number:06d}.{node.id}"] = medians[node.skill] * exp(chance.gauss(0.0, RUNS_SIGMA))
    return Case(tasks, seconds, Durations.of(means))


def _task(task_id: str, nodes: Sequence[Node]) -> Task:
    received = Task(
        id=task_id,
        scope=Scope(tenant="main", owner="bench:1"),
        route=Route(platform="bench", bot_id="1", chat_id="1"),
        request="benchmark",
        language="en",
        trace_id="0" * 32,
        created_at=BEGAN,
        deadline_at=BEGAN + LONG,
    )
    return step(received, e.Planned(plan=Plan(nodes=tuple(nodes)), at=BEGAN))[0]


def ratios(cases: Sequence[Case]) -> dict[tuple[str, str], list[float]]:
    """Makespan over the bound, per way and share of the slots that the case could use."""
    found: dict[tuple[str, str], list[float]] = {}
    for one in cases:
        free = House(one, Window(per_task=10**6, total=10**6), 10**6, one.durations)
        free.makespan_s()
        for share, part in SHARES.items():
            slots = max(1, ceil(part * free.most))
            for way, run in WAYS.items():
                found.setdefault((way, share), []).append(run(one, slots) / one.bound_s(slots))
    return found


def told(title: str, cases: Sequence[Case]) -> Iterator[str]:
    """Rows of the table: mean and 95th percentile."""
    found = ratios(cases)
    for way in WAYS:
        cells = (found[way, share] for share in SHARES)
        yield f"| {title} | {way} | " + " | ".join(f"{fmean(one):.2f} / {_p95(one):.2f}" for one in cells) + " |"


def _p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


def collections(folder: Path, chance: random.Random) -> Iterator[tuple[str, list[Case]]]:
    """What is scheduled, by name."""
    if (folder / "plans").is_dir():
        plans = recorded(folder)
        yield f"{len(plans)} recorded plans, one at a time", [case([one], chance) for one in plans]
        batches = [plans[start : start + 10] for start in range(0, len(plans) - 9, 10)]
        yield f"{len(batches)} times ten of them at once", [case(batch, chance) for batch in batches]
    yield "100 times five layers of ten", [case([one], chance) for one in invented("layered", 100, SEED)]
    yield "100 times twelve mixed plans at once", [case(invented("mixed", 12, seed), chance) for seed in range(100)]


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else DATA)
    print("| makespan / lower bound, mean / 95 % | way |", *(f"{share} slots |" for share in SHARES))
    print("| --- | --- |", *("--- |" for _ in SHARES))
    for title, cases in collections(folder, random.Random(SEED)):  # noqa: S311 -- plans, not secrets
        print(*told(title, cases), sep="\n")


if __name__ == "__main__":
    main()
