"""What a subtask costs in the store, settled and dispatched in batches, on SQLite and PostgreSQL.

    python benchmarks/bench_store.py [sqlite:///path | postgresql://...]...

`turn` is what the dispatcher does with a batch of results, in one transaction: settle them, dispatch their children,
note which publishes the broker confirmed. The other figures are the same in a transaction for each. The pure decisions
are measured apart and are not in the figures.

`hit`, `lead` and `keep` are one use of the response cache each, with as many texts in it as fit.

`take` is what a chat message costs until it is a task, `load` what its person is found to have asked for before, `send`
what a message of ours costs beside the platform: written down before, and again after.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
from domain.post import Posted, PostKind
from domain.progress import run, step
from domain.task import Attempt, Result, Route, Scope, SubtaskState, Task
from storage import SqlStore, migrate, open_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
POSTGRES = "postgresql://postgres@127.0.0.1:5432/test"
SCHEMA = "bench_store"
BATCH = 50
TEXTS = 17_000
USES = 60
MESSAGES = 500
ROUNDS = 60
Sent = list[tuple[SubtaskId, int]]

SCOPE = Scope(tenant="main", owner="bench:1")
TEXT = "x" * 2000
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

    def decide(self, task: Task, happened: list[e.Event]) -> tuple[Task, list[Attempt]]:
        began = perf_counter()
        decided, effects = run(task, happened)
        self.deciding_s += perf_counter() - began
        return decided, [effect.attempt for effect in effects if isinstance(effect, e.RecordAttempt)]

    def told(self) -> str:
        each = {name: median(spent) / BATCH * 1e6 for name, spent in self.seconds.items()}
        deciding = self.deciding_s / ROUNDS / BATCH * 1e6
        return (
            "  ".join(f"{name} {cost:.0f}" for name, cost in each.items()) + f"  us a subtask, deciding {deciding:.0f}"
        )


def chain(number: int, length: int) -> Task:
    """A running task whose nodes follow one another: every result makes one more ready."""
    names = [f"n{place}" for place in range(length)]
    nodes = [Node(id=names[0], skill="echo")]
    nodes += [Node(id=after, skill="echo", dependencies=(before,)) for before, after in pairwise(names)]
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
    return step(task, e.Planned(plan=Plan(nodes=tuple(nodes)), at=NOW))[0]


def settle(figures: Figures, sent: Sent, unit: UnitOfWork) -> None:
    """Take the results of a batch."""
    for task_id, task in unit.tasks.lock({sub.task for sub, _ in sent}).items():
        unit.tasks.put(*figures.decide(task, _results(task_id, sent)))


def dispatch(figures: Figures, sent: Sent, unit: UnitOfWork) -> None:
    """Send what is ready."""
    sent.clear()
    unit.tasks.in_flight()
    for task in unit.tasks.lock_ready(NOW, BATCH):
        sent += _sent(unit.tasks.put(*figures.decide(task, _releases(task))))


def turn(figures: Figures, sent: Sent, unit: UnitOfWork) -> None:
    """All at once: every row is written once."""
    held = unit.tasks.lock({sub.task for sub, _ in sent})
    unit.tasks.lock_ready(NOW, BATCH)
    unit.tasks.in_flight()
    unit.outbox.confirm(sent, NOW)
    came = list(sent)
    sent.clear()
    for task_id, task in held.items():
        settled, attempts = figures.decide(task, _results(task_id, came))
        sent += _sent(unit.tasks.put(figures.decide(settled, _releases(settled))[0], attempts))


def confirm(sent: Sent, unit: UnitOfWork) -> None:
    """The broker has them."""
    unit.outbox.confirm(sent, NOW)


def _results(task_id: str, sent: Sent) -> list[e.Event]:
    return [
        e.Succeeded(key=sub.key, attempt=attempt, exec_id=None, agent="echo", result=RESULT, at=NOW)
        for sub, attempt in sent
        if sub.task == task_id
    ]


def _releases(task: Task) -> list[e.Event]:
    ready = [sub.key for sub in task.subtasks.values() if sub.state is SubtaskState.READY]
    return [e.Released(key=key, agent="echo", at=NOW, due_at=LATER) for key in ready]


def _sent(task: Task) -> Sent:
    dispatched = [sub for sub in task.subtasks.values() if sub.state is SubtaskState.DISPATCHED]
    return [(SubtaskId(task.id, sub.key), sub.attempt) for sub in dispatched]


async def measure(url: str) -> Figures:
    """Work through chains side by side, a node of each in every batch."""
    store = open_store(url, StillClock())
    await store.transact(lambda unit: [unit.tasks.add(chain(number, ROUNDS)) for number in range(BATCH)])
    figures = Figures()
    sent: Sent = []
    await store.transact(partial(dispatch, Figures(), sent))
    for _ in range(ROUNDS // 2):
        await figures.time(store, "turn", partial(turn, figures, sent))
    while sent:
        await figures.time(store, "settle", partial(settle, figures, sent))
        await figures.time(store, "dispatch", partial(dispatch, figures, sent))
        await figures.time(store, "confirm", partial(confirm, sent))
    await store.close()
    return figures


async def measure_cache(url: str) -> str:
    """Use a full cache, each time in a transaction of its own."""
    store = open_store(url, StillClock())
    for start in range(0, TEXTS, 1000):
        await store.transact(partial(fill, start))
    works: dict[str, Callable[[int, UnitOfWork], object]] = {
        "hit": lambda number, unit: unit.cache.get(SCOPE, f"key{number * 100}", NOW),
        "lead": lambda number, unit: unit.cache.lead(SCOPE, f"lead{number}", "bench", LATER),
        "keep": lambda number, unit: unit.cache.put(SCOPE, f"more{number}", "plan", TEXT, LATER),
    }
    told = []
    for name, work in works.items():
        spent = []
        for number in range(USES):
            began = perf_counter()
            await store.transact(partial(work, number))
            spent.append(perf_counter() - began)
        told.append(f"{name} {median(spent) * 1e3:.1f}")
    await store.close()
    return "  ".join(told) + "  ms"


async def measure_chat(url: str) -> str:
    """Take messages of many people and answer them, each in a transaction of its own."""
    store = open_store(url, StillClock())
    works: dict[str, Callable[[int, UnitOfWork], object]] = {
        "take": take,
        "load": lambda number, unit: unit.tasks.load(asked(number).scope, NOW),
        "send": send,
    }
    told = []
    for name, work in works.items():
        spent = []
        for number in range(MESSAGES):
            began = perf_counter()
            await store.transact(partial(work, number))
            spent.append(perf_counter() - began)
        told.append(f"{name} {median(spent) * 1e3:.2f}")
    await store.close()
    return "  ".join(told) + "  ms"


def take(number: int, unit: UnitOfWork) -> None:
    """A message becomes a task."""
    task = asked(number)
    unit.inbox.claim("bench", "1", f"m:{number}", task.id, task.request)
    unit.tasks.add(task)


def send(number: int, unit: UnitOfWork) -> None:
    """A message of ours is sent."""
    task = asked(number)
    posted = Posted(task_id=task.id, kind=PostKind.CARD, part=0, place=task.route.place, nonce="n")
    unit.posts.placed(replace(unit.posts.intend(posted), message_id=str(number), is_filled=True))


def asked(number: int) -> Task:
    """What one of many people asks for."""
    owner = str(number % 50)
    return Task(
        id=f"C{number:05d}",
        scope=Scope(tenant="main", owner=f"bench:{owner}"),
        route=Route(platform="bench", bot_id="1", chat_id=owner),
        request="benchmark",
        language="en",
        trace_id="0" * 32,
        created_at=NOW,
        deadline_at=LATER,
    )


def fill(start: int, unit: UnitOfWork) -> None:
    """A thousand texts more."""
    for number in range(start, min(start + 1000, TEXTS)):
        unit.cache.put(SCOPE, f"key{number}", "plan", TEXT, LATER)


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
    """Measure each database of the command line, or both kinds."""
    with tempfile.TemporaryDirectory() as folder:
        for url in sys.argv[1:] or [f"sqlite:///{folder}/bench.db", POSTGRES]:
            print(f"{url.partition(':')[0]:10}  {asyncio.run(measure(fresh(url))).told()}")
            print(f"{'':10}  {asyncio.run(measure_cache(fresh(url)))}")
            print(f"{'':10}  {asyncio.run(measure_chat(fresh(url)))}")


if __name__ == "__main__":
    main()
