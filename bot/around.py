"""What a card says about a task beside its own rows: how long yet, behind how many, for how much, without whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from domain.agents import SILENCE, Worker
from domain.approval import awaiting
from domain.card import Around
from domain.ends import waits_for_approval
from domain.estimate import HISTORY, estimate
from domain.plan import Node, Plan
from domain.ports import Measured, UnitOfWork
from domain.task import FINAL, FINAL_TASK, IN_FLIGHT, Subtask, SubtaskState, Task, TaskState

MEASURED_EVERY = timedelta(seconds=30)
WORKERS_EVERY = timedelta(seconds=5)
COSTS_EVERY = timedelta(seconds=5)
MAX_COSTS = 1_000  # tasks whose costs are remembered for that long
REMEMBERED = timedelta(days=1)  # an agent silent for longer is not known any more

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def around_of(uow: UnitOfWork, task: Task, now: datetime) -> Around:
    """What is around one task. Whoever draws many keeps a `Surroundings`."""
    return Surroundings().of(uow, task, now)


@dataclass(frozen=True, slots=True)
class _Cost:
    """What a task had cost when that was read; `is_whole` when it was over by then."""

    dollars: float | None
    read_at: datetime
    is_whole: bool


class Surroundings:
    """What is around tasks. What is the same for all of them is read again only now and then."""

    def __init__(self) -> None:
        self._measured: tuple[datetime, Mapping[str, Measured]] = (_LONG_AGO, {})
        self._workers: tuple[datetime, Sequence[Worker]] = (_LONG_AGO, ())
        self._costs: dict[str, _Cost] = {}

    def of(self, uow: UnitOfWork, task: Task, now: datetime) -> Around:
        """Read, in a transaction, what the state of a task makes worth knowing; nothing else is asked."""
        if task.state in FINAL_TASK:
            return Around(cost=self._cost_at(uow, task, now))
        if task.plan is None:
            ahead = uow.tasks.ahead([task.id]).get(task.id) if task.state is TaskState.RECEIVED else None
            return Around(ahead=ahead, cost=None if task.state is TaskState.RECEIVED else self._cost_at(uow, task, now))
        is_moving = any(sub.state in IN_FLIGHT for sub in task.subtasks.values())
        return Around(
            left_s=left_s(task, self._measured_at(uow, now), now) if is_moving else None,
            cost=self._cost_at(uow, task, now),
            offers=tuple(uow.offers.live(task.id, now)) if awaiting(task) else (),
            absent=self._absent(uow, task, now),
        )

    def _absent(self, uow: UnitOfWork, task: Task, now: datetime) -> frozenset[str]:
        """Agents that something is waiting for, and that have not been heard of."""
        asked = {sub.agent for sub in task.subtasks.values() if sub.state is SubtaskState.DISPATCHED and sub.agent}
        skills = {_node(task, sub).skill for sub in task.subtasks.values() if _waits_for_agent(task, sub)}
        if not asked and not skills:
            return frozenset()
        workers = self._workers_at(uow, now)
        alive = [worker for worker in workers if worker.last_seen >= now - SILENCE]
        present = {worker.agent for worker in alive}
        served = {spec.name for worker in alive for spec in worker.skills}
        able = {worker.agent for worker in workers for spec in worker.skills if spec.name in skills - served}
        return frozenset((asked | able) - present)

    def _cost_at(self, uow: UnitOfWork, task: Task, now: datetime) -> float | None:
        """What it has cost. What is over is read once more, as all that it has cost."""
        is_over = task.state in FINAL_TASK
        known = self._costs.get(task.id)
        if known is None or known.is_whole < is_over or not _is_recent(known.read_at, now, COSTS_EVERY):
            known = self._costs[task.id] = _Cost(_cost(uow, task), now, is_whole=is_over)
            while len(self._costs) > MAX_COSTS:
                self._costs.pop(next(iter(self._costs)), None)
        return known.dollars

    def _measured_at(self, uow: UnitOfWork, now: datetime) -> Mapping[str, Measured]:
        read_at, measured = self._measured
        if not _is_recent(read_at, now, MEASURED_EVERY):
            measured = uow.tasks.measured(now - HISTORY)
            self._measured = (now, measured)
        return measured

    def _workers_at(self, uow: UnitOfWork, now: datetime) -> Sequence[Worker]:
        read_at, workers = self._workers
        if not _is_recent(read_at, now, WORKERS_EVERY):
            workers = uow.registry.alive(now - REMEMBERED)
            self._workers = (now, workers)
        return workers


def left_s(task: Task, measured: Mapping[str, Measured], now: datetime) -> float | None:
    """Seconds until what is planned will probably have run; None when nobody can say, as when it has taken longer
    than ever before."""
    if task.plan is None:
        return None
    known = dict(measured)
    rest = [node for node in task.plan.nodes if task.subtasks[node.id].state not in FINAL]
    open_ids = {node.id for node in rest}
    nodes = [_remaining(task, task.plan, node, known, now) for node in rest]
    nodes = [replace(node, dependencies=tuple(filter(open_ids.__contains__, node.dependencies))) for node in nodes]
    found = estimate(Plan(nodes=tuple(nodes)), known)
    return found.seconds if found.known and found.seconds > 0 else None


def _remaining(task: Task, plan: Plan, node: Node, known: dict[str, Measured], now: datetime) -> Node:
    """What is left of a node. One that runs counts as a skill of its own, which takes what is left of its time; one
    that waits for its children takes none, and depends on them."""
    made = plan.made.get(node.id, ())
    usual, begun = known.get(node.skill), _begun_at(task.subtasks[node.id])
    if made:
        its_own, left = f"{node.id}~", Measured(attempts=1, seconds=0.0, cost=0.0)
    elif usual is not None and begun is not None:
        elapsed_s = (now - begun).total_seconds()
        its_own, left = f"{node.id}~", replace(usual, seconds=max(0.0, usual.seconds - elapsed_s))
    else:
        return node
    known[its_own] = left
    return replace(node, skill=its_own, dependencies=(*node.dependencies, *(child.id for child in made)))


def _begun_at(sub: Subtask) -> datetime | None:
    return (sub.started_at or sub.dispatched_at) if sub.state in IN_FLIGHT else None


def _waits_for_agent(task: Task, sub: Subtask) -> bool:
    return sub.state is SubtaskState.READY and not waits_for_approval(task, sub)


def _node(task: Task, sub: Subtask) -> Node:
    assert task.plan is not None, "a subtask without a plan"  # noqa: S101 -- an invariant of the type, not input
    return task.plan.by_id[sub.key]


def _cost(uow: UnitOfWork, task: Task) -> float | None:
    """None also when it costs nothing: then no price is known, or no model was asked."""
    return sum(spend.cost for spend in uow.calls.spent_on(task.scope, task.id)) or None


def _is_recent(read_at: datetime, now: datetime, every: timedelta) -> bool:
    return read_at <= now < read_at + every
