"""What a subtask costs in the store: settled, dispatched and confirmed in batches, on SQLite and PostgreSQL.

    python benchmarks/bench_store.py [sqlite:///path | postgresql://...]...

Each round is what a dispatcher does with one batch of results: settle them (which makes their children ready),
dispatch the children, confirm them. The share of the pure decisions is measured apart and not in the figures.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from statistics import median
from time import perf_counter

import psycopg

from domain import events as e
from domain.ids import SubtaskId
from domain.plan import Node, Plan
from domain.ports import UnitOfWork
from domain.progress import run, step
from domain.task import Attempt, Result, Route, Scope, Task
from storage import SqlStore, migrate, open_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
POSTGRES = "postgresql://postgres@127.0.0.1:5432/test"
SCHEMA = "bench_store"
BATCH = 50
ROUNDS = 60
SCOPE = Scope(tenant="main", owner="bench:1")
RESULT = Result(summary="x" * 120, output={"rows": list(range(10)), "text": "y" * 60})


class StillClock:
    """Time that stands still: nothing here depends on it."""

    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass
class Figures:
    """Seconds per batch by what was done, and the share of the decisions."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    deciding_s: float = 0.0

    async def time(self, store: SqlStore, name: str, work: Callable[[UnitOfWork], object]) -> None:
        began, decided = perf_counter(), self.deciding_s
        await store.transact(work)
        spent = perf_counter() - began - (self.deciding_s - decided)
        self.seconds.setdefault(name, []).append(spent)

    def decide(self, task: Task, happened: list[e.Event]) -> tuple[Task, tuple[e.Effect, ...]]:
        began = perf_counter()
        decided = run(task, happened)
        self.deciding_s += perf_counter() - began
        return decided

    def told(self, rounds: int) -> str:
        each = {name: median(spent) / BATCH * 1e6 for name, spent in self.seconds.items()}
        parts = "  ".join(f"{name} {cost:6.1f}" for name, cost in each.items())
        deciding = self.deciding_s / rounds / BATCH * 1e6
        return f"{parts}  together {sum(each.values()):6.1f} us a subtask (deciding {deciding:.1f} not included)"


def chain(number: int, length: int) -> Task:
    """A running task whose nodes follow one another: every result makes one more ready."""
    names = [f"n{place}" for place in range(length)]
    nodes = [Node(id=names[0], skill="echo")]
    nodes += [Node(id=after, skill="echo", dependencies=(before,)) for before, after in pairwise(names)]
    return _running(number, Plan(nodes=tuple(nodes)))


def fan(number: int, width: int) -> Task:
    """A running task of independent nodes."""
    return _running(number, Plan(nodes=tuple(Node(id=f"n{place}", skill="echo") for place in range(width))))


def _running(number: int, plan: Plan) -> Task:
    task = Task(
        id=f"B{number:05d}",
        scope=SCOPE,
        route=Route(platform="bench", bot_id="1", chat_id="1"),
        request="benchmark",
        language="en",
        trace_id="0" * 32,
        created_at=NOW,
        deadline_at=LATER,
    )
    return step(task, e.Planned(plan=plan, at=NOW))[0]


def settle(figures: Figures, sent: list[tuple[SubtaskId, int]], unit: UnitOfWork) -> None:
    """Take the results of a batch."""
    held = unit.tasks.lock({sub.task for sub, _ in sent})
    came: dict[str, list[e.Event]] = {}
    for sub, attempt in sent:
        result = e.Succeeded(key=sub.key, attempt=attempt, exec_id=None, agent="echo", result=RESULT, at=NOW)
        came.setdefault(sub.task, []).append(result)
    for task_id, results in came.items():
        task, effects = figures.decide(held[task_id], list(results))
        unit.tasks.put(task, _ended(effects))


def dispatch(figures: Figures, sent: list[tuple[SubtaskId, int]], unit: UnitOfWork) -> None:
    """Send what is ready, at most a batch."""
    sent.clear()
    unit.tasks.in_flight()
    for task in unit.tasks.lock_ready(NOW, BATCH):
        ready = [sub.key for sub in task.subtasks.values() if sub.state.value == "ready"][: BATCH - len(sent)]
        released: list[e.Event] = [e.Released(key=key, agent="echo", at=NOW, due_at=LATER) for key in ready]
        moved, _ = figures.decide(task, released)
        unit.tasks.put(moved)
        sent += [(SubtaskId(task.id, key), moved.subtasks[key].attempt) for key in ready]


def confirm(sent: list[tuple[SubtaskId, int]], unit: UnitOfWork) -> None:
    """The broker has them."""
    unit.outbox.confirm(sent, NOW)


def _ended(effects: tuple[e.Effect, ...]) -> list[Attempt]:
    return [effect.attempt for effect in effects if isinstance(effect, e.RecordAttempt)]


async def measure(url: str, tasks: list[Task]) -> Figures:
    """Work through `tasks` in batches."""
    store = open_store(url, StillClock())
    await store.transact(lambda unit: [unit.tasks.add(task) for task in tasks])
    figures = Figures()
    sent: list[tuple[SubtaskId, int]] = []
    await store.transact(partial(dispatch, Figures(), sent))
    while sent:
        await figures.time(store, "settle", partial(settle, figures, sent))
        await figures.time(store, "dispatch", partial(dispatch, figures, sent))
        await figures.time(store, "confirm", partial(confirm, sent))
    await store.close()
    return figures


def fresh(url: str) -> str:
    """An empty database: a schema of its own on a server, which is dropped again by the next run."""
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
            connection.execute(f"CREATE SCHEMA {SCHEMA}")
        url = f"{url}?options=-csearch_path%3D{SCHEMA}"
    migrate(url)
    return url


def main() -> None:
    """Measure each database of the command line, or both."""
    with tempfile.TemporaryDirectory() as folder:
        for url in sys.argv[1:] or [f"sqlite:///{folder}/chains.db", POSTGRES]:
            for name, tasks in (
                (f"{BATCH} chains", [chain(number, ROUNDS) for number in range(BATCH)]),
                ("wide tasks", [fan(number, BATCH) for number in range(ROUNDS)]),
            ):
                place = fresh(url.replace("chains", name.replace(" ", "_")))
                figures = asyncio.run(measure(place, tasks))
                print(f"{url.partition(':')[0]:10} {name:10} {figures.told(ROUNDS)}")


if __name__ == "__main__":
    main()
