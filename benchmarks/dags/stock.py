"""Planned tasks that lie ready in the store before the clock starts, and what became of them.

A stored task is held back by its first subtasks' `due_at`. To hand it in is then two small UPDATEs and one nudge, so
that the driver, which stands where the planner is, takes little of the machine that it measures.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, delete, func, select, text, update

from benchmarks.dags.workloads import Dag
from domain import events as e
from domain.ids import task_id
from domain.plan import Node, Plan
from domain.ports import Store, UnitOfWork
from domain.progress import step
from domain.task import Outcome, Route, Scope, SubtaskState, Task
from storage.tables import ATTEMPT, DELIVERY, SUBTASK, TASK

TEXT = "x" * 150
OWNERS = tuple(map(str, range(50)))
HELD_BACK = timedelta(days=300)
AT_ONCE = 100
_EMPTY_POSTGRES = text("TRUNCATE task CASCADE")  # at once, and without dead rows that a later round would walk over


def planned(number: int, dag: Dag, at: datetime, owner: str, seconds: float = 0.0) -> Task:
    """A task with its plan, ready to run; every node takes so many seconds."""
    params = {"text": TEXT, "seconds": seconds} if seconds else {"text": TEXT}
    nodes = (
        Node(id=f"n{place}", skill="echo", params=params, dependencies=tuple(f"n{other}" for other in needed))
        for place, needed in enumerate(dag)
    )
    task = Task(
        id=task_id(number),
        scope=Scope(tenant="main", owner=f"bench:{owner}"),
        route=Route(platform="bench", bot_id="bench", chat_id=owner),
        request="benchmark",
        language="en",
        trace_id=f"{number + 1:032x}",
        created_at=at,
        deadline_at=at + timedelta(hours=2),
    )
    return step(task, e.Planned(plan=Plan(nodes=tuple(nodes), max_nodes=max(200, len(dag))), at=at))[0]


def held_back(task: Task) -> Task:
    """The same, not to be begun before it is let go."""
    due_at = task.created_at + HELD_BACK
    return replace(
        task,
        subtasks={
            key: replace(sub, due_at=due_at) if sub.state is SubtaskState.READY else sub
            for key, sub in task.subtasks.items()
        },
    )


async def lay_in(store: Store, tasks: Sequence[Task]) -> None:
    """Store tasks, held back."""
    for start in range(0, len(tasks), AT_ONCE):
        await store.transact(partial(_add, tasks=[held_back(task) for task in tasks[start : start + AT_ONCE]]))


async def let_go(store: Store, ids: Collection[str]) -> None:
    """Hand stored tasks in."""
    await store.transact(partial(_let_go, ids=list(ids)))


async def settled(store: Store, ids: Collection[str]) -> list[str]:
    """Which of these have settled, for when a nudge got lost."""
    found = select(TASK.c.id).where(TASK.c.id.in_(list(ids)), TASK.c.settled_at.is_not(None))
    return await store.transact(lambda uow: list(connection_of(uow).execute(found).scalars()))


async def has_begun(store: Store, task_id: str) -> bool:
    """Whether any subtask of a task has ended."""
    ended = select(SUBTASK.c.key).where(SUBTASK.c.task_id == task_id, SUBTASK.c.finished_at.is_not(None)).limit(1)
    return await store.transact(lambda uow: connection_of(uow).execute(ended).first() is not None)


async def faults(store: Store, dags: Mapping[str, Dag]) -> list[str]:
    """Every node that did not run exactly once, or not after all that it needs. An attempt that a worker gave back
    without running it, as it may when it changes how much it holds, is no run."""
    return await store.transact(partial(_faults, dags=dags))


async def clear_out(store: Store) -> None:
    """Forget all tasks."""
    await store.transact(_empty)


def connection_of(uow: UnitOfWork) -> Connection:
    """The open transaction: a driver asks what no role ever would, so the port has no words for it."""
    transaction = uow.tasks._transaction  # type: ignore[attr-defined]  # noqa: SLF001 -- see above
    connection: Connection = transaction.connection
    return connection


def _add(uow: UnitOfWork, tasks: Sequence[Task]) -> None:
    for task in tasks:
        uow.tasks.add(task)


def _let_go(uow: UnitOfWork, ids: Sequence[str]) -> None:
    """Another version, too: a process may remember the one that was held back."""
    connection = connection_of(uow)
    is_ready = (SUBTASK.c.task_id.in_(ids), SUBTASK.c.state == SubtaskState.READY.value)
    connection.execute(update(TASK).where(TASK.c.id.in_(ids)).values(version=TASK.c.version + 1))
    connection.execute(update(SUBTASK).where(*is_ready).values(due_at=None))


def _empty(uow: UnitOfWork) -> None:
    connection = connection_of(uow)
    if connection.dialect.name == "postgresql":
        connection.execute(_EMPTY_POSTGRES)
        return
    for table in (ATTEMPT, DELIVERY, SUBTASK, TASK):
        connection.execute(delete(table))


@dataclass(frozen=True)
class _Ran:
    """What the rows say of one node."""

    state: str
    dispatched_at: datetime | None
    finished_at: datetime | None


def _faults(uow: UnitOfWork, dags: Mapping[str, Dag]) -> list[str]:
    connection = connection_of(uow)
    columns = (SUBTASK.c.state, SUBTASK.c.dispatched_at, SUBTASK.c.finished_at)
    of_them = SUBTASK.c.task_id.in_(list(dags))
    rows = connection.execute(select(SUBTASK.c.task_id, SUBTASK.c.key, *columns).where(of_them))
    ran = {(row[0], row[1]): _Ran(*row[2:]) for row in rows}
    runs = select(ATTEMPT.c.task_id, ATTEMPT.c.key).where(ATTEMPT.c.outcome != Outcome.HANDED_BACK.value)
    runs = runs.where(ATTEMPT.c.task_id.in_(list(dags)))
    repeated = runs.group_by(ATTEMPT.c.task_id, ATTEMPT.c.key).having(func.count() != 1)
    found = [f"{one}.{key} ran more than once" for one, key in connection.execute(repeated)]
    for name, dag in dags.items():
        nodes = [ran.get((name, f"n{place}")) for place in range(len(dag))]
        found += [f"{name}.n{place} {fault}" for place, fault in enumerate(map(_fault_of, nodes)) if fault]
        found += [f"{name}.n{place} ran before what it needs" for place in _early(dag, nodes)]
    return found


def _fault_of(ran: _Ran | None) -> str:
    if ran is None:
        return "is missing"
    return "" if ran.state == SubtaskState.SUCCEEDED.value else f"is {ran.state}"


def _early(dag: Dag, nodes: Sequence[_Ran | None]) -> list[int]:
    return [
        place for place, needed in enumerate(dag) if any(_is_before(nodes[place], nodes[other]) for other in needed)
    ]


def _is_before(ran: _Ran | None, other: _Ran | None) -> bool:
    if ran is None or other is None or ran.dispatched_at is None or other.finished_at is None:
        return True
    return ran.dispatched_at < other.finished_at
