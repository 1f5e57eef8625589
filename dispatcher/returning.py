"""A worker that says hello in a new life: what its last one held is over now, not when the lease ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from dispatcher.arrivals import Readers
from dispatcher.turn import Reader
from domain import events as e
from domain.agents import Worker
from domain.lives import is_earlier
from domain.ports import UnitOfWork
from domain.task import Task


def left_behind(uow: UnitOfWork, workers: Iterable[Worker]) -> Sequence[tuple[Worker, str]]:
    """Which of them begin a new life, each with a task in which the last one held leases.

    To be asked before the hellos are written down: should this process end in between, they come again.
    """
    return [(worker, task_id) for worker in workers if worker.incarnation for task_id in uow.registry.left_by(worker)]


def released(left: Iterable[tuple[Worker, str]], now: datetime, jitter: Callable[[], float]) -> Readers:
    """The ends of those leases, as readers of their tasks. Each has a `jitter` of its own: what is tried again together
    dies again together, if one of it is poison."""
    readers: dict[str, list[Reader]] = {}
    for worker, task_id in left:
        readers.setdefault(task_id, []).append(_ends_of(worker, now, jitter))
    return readers


def _ends_of(worker: Worker, now: datetime, jitter: Callable[[], float]) -> Reader:
    def read(task: Task) -> Sequence[e.Event]:
        leased = [(sub, sub.lease) for sub in task.subtasks.values() if sub.lease is not None]
        return [
            e.HolderGone(key=sub.key, attempt=sub.attempt, exec_id=lease.exec_id, at=now, jitter=jitter())
            for sub, lease in leased
            if (sub.agent, lease.worker) == (worker.agent, worker.worker)
            and is_earlier(lease.exec_id, worker.incarnation)
        ]

    return read
