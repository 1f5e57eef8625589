"""Which ready subtasks to send next: fair between users, critical paths first, never too many of one task.

A user's subtasks go in the order in which they ought to have begun: when their task began, less the seconds of all
that waits for them. Within a task that is the critical path first. Between tasks the wait itself counts, second for
second, so that however many longer ones come later, nothing waits for ever; and as the order does not depend on the
time it is looked at, it costs no more than any other.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from domain.attempts import releasable
from domain.ranking import UNMEASURED, Durations
from domain.subtasks import Subtasks
from domain.task import Scope, SubtaskState, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How much may be in flight at once: `per_task` of one task, `total` of everybody together. What a user has in
    flight beyond `share` yields to others in the agents' queues, however wide their plans are."""

    per_task: int = 32
    total: int = 512
    share: int = 4


class Candidate(NamedTuple):
    """A subtask that may be sent. Sorts by what should go first of one user; `ahead` of it so many of that user are in
    flight."""

    rank: float  # when it ought to have begun, as a Unix time
    since: datetime
    task_id: str
    key: str
    ahead: int = 0


def choose(
    tasks: Iterable[Task],
    in_flight: Mapping[Scope, int],
    window: Window,
    now: datetime,
    durations: Durations = UNMEASURED,
) -> list[Candidate]:
    """Pick what to send, always for the user with the least in flight.

    Args:
        tasks: tasks with something ready.
        in_flight: subtasks on their way or running, per user, over all tasks.
        window: the limits.
        now: for backoffs that are not over yet.
        durations: what each skill is known to take.
    """
    free = max(0, window.total - sum(in_flight.values()))
    queues: dict[Scope, list[Candidate]] = {}
    for task in tasks:
        queues.setdefault(task.scope, []).extend(_candidates(task, window.per_task, now, durations))
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
        chosen.append(following._replace(ahead=count))
        heapq.heappush(turns, (count + 1, head, rest))
    return chosen


def _candidates(task: Task, per_task: int, now: datetime, durations: Durations) -> list[Candidate]:
    """What goes first of one task, as far as its window is open."""
    subtasks = Subtasks.of(task.subtasks)
    room = per_task - subtasks.in_flight
    if task.plan is None or not subtasks.ready or room <= 0:
        return []
    began, ranking = task.begins_at.timestamp(), task.plan.ranking(durations)
    whole = dict(subtasks.items())
    ready = islice((sub for key in ranking.order if (sub := whole[key]).state is SubtaskState.READY), subtasks.ready)
    first = islice((sub.key for sub in ready if releasable(task, sub, now)), room)
    return [
        Candidate(rank=began - ranking.remaining_s[key], since=task.begins_at, task_id=task.id, key=key)
        for key in first
    ]
