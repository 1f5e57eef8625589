"""Which ready subtasks to send next: fair between users, critical paths first, never too many of one task."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.attempts import releasable
from domain.task import IN_FLIGHT, Scope, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How much may be in flight at once: `per_task` of one task, `total` of everybody together."""

    per_task: int = 32
    total: int = 512


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Candidate:
    """A subtask that may be sent. Sorts by what should go first within one user's share."""

    rank: int  # negative: the longer the path that waits for it, the earlier
    since: datetime
    task_id: str
    key: str


def choose(tasks: Iterable[Task], in_flight: Mapping[Scope, int], window: Window, now: datetime) -> list[Candidate]:
    """Pick what to send, always for the user with the least in flight.

    Args:
        tasks: tasks with something ready.
        in_flight: subtasks on their way or running, per user, over all tasks.
        window: the limits.
        now: for backoffs that are not over yet.
    """
    free = max(0, window.total - sum(in_flight.values()))
    queues: dict[Scope, list[Candidate]] = {}
    for task in tasks:
        queues.setdefault(task.scope, []).extend(_candidates(task, window.per_task, now))
    turns = [(in_flight.get(scope, 0), min(queue), iter(sorted(queue))) for scope, queue in queues.items() if queue]
    heapq.heapify(turns)
    return _deal(turns, free)


def _deal(turns: list[tuple[int, Candidate, Iterator[Candidate]]], free: int) -> list[Candidate]:
    chosen: list[Candidate] = []
    while turns and len(chosen) < free:
        count, head, rest = heapq.heappop(turns)
        following = next(rest, None)
        if following is None:
            continue
        chosen.append(following)
        heapq.heappush(turns, (count + 1, head, rest))
    return chosen


def _candidates(task: Task, per_task: int, now: datetime) -> list[Candidate]:
    if task.plan is None:
        return []
    remaining = task.plan.remaining
    counted = Counter(sub.state in IN_FLIGHT for sub in task.subtasks.values())
    ready = sorted(
        Candidate(rank=-remaining[sub.key], since=task.created_at, task_id=task.id, key=sub.key)
        for sub in task.subtasks.values()
        if releasable(task, sub, now)
    )
    return ready[: max(0, per_task - counted[True])]
