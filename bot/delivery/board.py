"""What is owed to whom: a job per task, a desk per place, and the places that cannot be reached."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.delivery.scene import NOTHING, Done, Part, Scene
from bot.delivery.steps import Shown, Step
from bot.governor import Turn, Urgency
from domain.approval import awaiting
from domain.task import Place, Route, Task

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
MAX_IDLE = 5_000  # tasks whose cards are remembered while nothing is owed
MAX_CLOSED = 1_000  # tasks that are over and whose late news are passed over
MAX_SHUT = 10_000  # places


@dataclass(slots=True, eq=False)
class Job:
    """What is owed for one task, and what this process knows of its messages.

    Args:
        task_id: the task.
        route: where it is to be shown.
        created_at: when it was asked.
        urgency: of what is to be done next, as far as that is known.
        due_at: when something is to be done; None: when something is heard.
        rests_until: not before, after something went wrong with this one.
        version: the newest version of the task that was heard of.
        is_stale: its scene is older than what was heard.
        scene: as it was last read.
        step: what that asks for.
        answered: the task with its answer, once that was heard of.
        parts: the messages of its answer.
        shown: what its card shows.
        draft: the beginning of its answer.
        done: what was done and is not written down yet.
        noted: the version that the rows say is shown.
        is_delivered: the rows say that its answer is out.
        untried: nonces that are written down and were not sent yet.
        tries: how often it went wrong in a row.
    """

    task_id: str
    route: Route
    created_at: datetime
    urgency: Urgency = Urgency.EDIT
    due_at: datetime | None = LONG_AGO
    rests_until: datetime = LONG_AGO
    version: int = -1
    is_stale: bool = True
    scene: Scene | None = None
    step: Step | None = None
    answered: Task | None = None
    parts: Sequence[Part] | None = None
    shown: Shown | None = None
    draft: str = ""
    done: Done = NOTHING
    noted: int = -1
    is_delivered: bool = False
    untried: set[str] = field(default_factory=set)
    tries: int = 0

    @property
    def rank(self) -> tuple[Urgency, bool, datetime]:
        """The most urgent first; an answer that has begun before another; the card that is out of date the longest."""
        is_unbegun = self.step is None or self.step.posted.message_id is None
        return self.urgency, is_unbegun, self.shown.at if self.shown else self.created_at

    def wait_s(self, now: datetime) -> float:
        """Seconds until it is due."""
        if self.due_at is None:
            return math.inf
        return max(0.0, (max(self.due_at, self.rests_until) - now).total_seconds())


@dataclass(slots=True, eq=False)
class Desk:
    """Where everything for one place is done, one thing after the other.

    `news` wakes whoever serves it; `turn` is the turn being waited for; after `failures` in a row it rests.
    """

    place: Place
    is_group: bool
    jobs: dict[str, Job] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    turn: Turn | None = None
    is_served: bool = False
    rests_until: datetime = LONG_AGO
    failures: int = 0
    busy_at: datetime = LONG_AGO

    def first(self, now: datetime) -> Job | None:
        """The most urgent of what is due."""
        due = [job for job in self.jobs.values() if job.wait_s(now) == 0.0]
        return min(due, key=lambda job: job.rank, default=None)

    def wait_s(self, now: datetime) -> float:
        """Seconds until something is due; `inf`: nothing will be, until something is heard."""
        soonest_s = min((job.wait_s(now) for job in self.jobs.values()), default=math.inf)
        return max(soonest_s, (self.rests_until - now).total_seconds())

    def hear(self, job: Job) -> None:
        """There are news of a task: whoever waits, waits for the most urgent."""
        self.news.set()
        if self.turn is not None and job.due_at is not None and job.urgency < self.turn.urgency:
            self.turn.hurry(job.urgency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shut:
    """A place that cannot be written to: how that is, what has been tried since when, and when next."""

    how: str
    since: datetime
    until: datetime
    tries: int


class Board:
    """Everything that is owed."""

    def __init__(self) -> None:
        self.desks: dict[Place, Desk] = {}
        self._jobs: OrderedDict[str, Job] = OrderedDict()  # those heard of the longest ago first
        self._closed: OrderedDict[str, int] = OrderedDict()
        self._shut: OrderedDict[Place, Shut] = OrderedDict()

    def __len__(self) -> int:
        return len(self._jobs)

    def find(self, task_id: str) -> Job | None:
        """What is known of a task."""
        return self._jobs.get(task_id)

    def hear(self, task: Task, now: datetime, adopted: str | None = None) -> Desk | None:
        """News of a task. Returns the desk where it is to be looked at; None where nobody need look.

        Args:
            task: as it stands.
            now: the time.
            adopted: the id of its card, if the rows know one.
        """
        if self._closed.get(task.id, -1) >= task.version or self._is_shut(task, now):
            return None
        job = self._jobs.get(task.id)
        if job is None:
            job = Job(task_id=task.id, route=task.route, created_at=task.created_at)
            job.done = Done(adopted=adopted)
            job.urgency = Urgency.EDIT if adopted else Urgency.CARD
            self._jobs[task.id] = job
        desk = self._desk(task)
        desk.jobs[task.id] = job
        if task.answer is not None:
            job.answered = task
        if task.version > job.version or job.due_at is None:
            job.version = max(job.version, task.version)
            self.touch(job, _urgency_of(task, job))
        return desk

    def touch(self, job: Job, urgency: Urgency) -> None:
        """Look at it again, with at least this urgency."""
        self._jobs.move_to_end(job.task_id)
        job.urgency = min(urgency, job.urgency)
        job.is_stale = True
        job.due_at = LONG_AGO
        self.desks[job.route.place].hear(job)

    def draft(self, task_id: str, text: str) -> Desk | None:
        """The beginning of an answer, for a card that is out."""
        job = self._jobs.get(task_id)
        if job is None or job.shown is None:
            return None
        job.draft = text
        self.touch(job, Urgency.EDIT)
        return self.desks[job.route.place]

    def close(self, job: Job) -> None:
        """All is done."""
        self._closed[job.task_id] = job.version
        self._trim(self._closed, MAX_CLOSED)
        self.drop(job)

    def drop(self, job: Job) -> None:
        """Forget it until it is heard of again."""
        self._jobs.pop(job.task_id, None)
        desk = self.desks.get(job.route.place)
        if desk is not None:
            desk.jobs.pop(job.task_id, None)

    def leave(self, desk: Desk) -> None:
        """Nobody serves it any more. What is remembered while nothing is owed has its limit."""
        desk.is_served = False
        if not desk.jobs:
            self.desks.pop(desk.place, None)
        for job in list(self._idle_over()):
            self.drop(job)
            there = self.desks.get(job.route.place)
            if there is not None and not there.jobs and not there.is_served:
                del self.desks[there.place]

    # --- places that cannot be reached ------------------------------------------------------------------------------

    def shut(self, desk: Desk, how: str, now: datetime, pauses_s: Sequence[float]) -> Shut | None:
        """A place cannot be written to; what was asked before is left until the pause is over. Returns what it is now
        if that is news, else None."""
        known = self._shut.get(desk.place)
        tries = known.tries + 1 if known else 0
        pause_s = pauses_s[min(tries, len(pauses_s) - 1)]
        shut = Shut(how=how, since=now, until=now + timedelta(seconds=pause_s), tries=tries)
        self._shut[desk.place] = shut
        self._trim(self._shut, MAX_SHUT)
        for job in list(desk.jobs.values()):
            self.drop(job)
        return shut if known is None or known.how != how else None

    def open(self, place: Place) -> bool:
        """It can be written to. Whether it could not, before."""
        return self._shut.pop(place, None) is not None

    def _is_shut(self, task: Task, now: datetime) -> bool:
        """Whoever asks something new there can be reached again, as far as anybody knows."""
        shut = self._shut.get(task.route.place)
        return shut is not None and task.created_at <= shut.since and now < shut.until

    # --- keeping ------------------------------------------------------------------------------------------------------

    def _desk(self, task: Task) -> Desk:
        place = task.route.place
        if place not in self.desks:
            self.desks[place] = Desk(place=place, is_group=task.route.is_group)
        return self.desks[place]

    def _idle_over(self) -> Iterable[Job]:
        over = len(self._jobs) - MAX_IDLE
        if over <= 0:
            return []
        return [job for job in self._jobs.values() if job.due_at is None and job.done is NOTHING][:over]

    @staticmethod
    def _trim(kept: OrderedDict[Any, Any], limit: int) -> None:
        while len(kept) > limit:
            kept.popitem(last=False)


def _urgency_of(task: Task, job: Job) -> Urgency:
    """How urgent news of a task may be."""
    if task.answer is not None:
        return Urgency.FINAL
    if task.question is not None or (task.plan is not None and awaiting(task)):
        return Urgency.ASK
    return Urgency.EDIT if job.shown is not None else job.urgency
