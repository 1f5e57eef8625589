"""One turn of the dispatcher: everything that arrived is settled, everything that became ready is released, in
one transaction. What must then be told to the world comes back as values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from dispatcher import dead
from dispatcher.assignment import Agents, task_message
from dispatcher.kept import KeptResults, saved, spent
from dispatcher.policy import Policy
from domain import events as e
from domain.attempts import releasable
from domain.ends import node_of
from domain.errors import Refused
from domain.ids import SubtaskId
from domain.messages import KEPT, TaskMessage
from domain.ports import Call, Entropy, UnitOfWork
from domain.progress import run, step
from domain.release import Candidate, choose
from domain.subtasks import Subtasks
from domain.task import Attempt, Failure, Scope, Subtask, SubtaskState, Task

Reader = Callable[[Task], Sequence[e.Event]]
"""Reads something that arrived as events of the task it is about."""

Published = tuple[SubtaskId, int]
"""One attempt: its subtask and number."""

ROOMY = 8  # a backlog is looked at when so small a part of everybody's window is free
TASKS_PER_TURN = 64  # how many tasks with something ready or overdue one transaction looks at


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What a turn is about: readers per task id, tasks that somebody said have something ready, and attempts the broker
    confirmed meanwhile.

    `looks_around` is whether to look for ready subtasks of other tasks, too; it costs a query. With `has_backlog` that
    is done as soon as there is room for many. `in_flight` counts what is on its way per user, None when it must be
    counted anew.
    """

    readers: Mapping[str, Sequence[Reader]] = field(default_factory=dict)
    named: Collection[str] = ()
    confirmed: Collection[Published] = ()
    timers: Reader | None = None
    leases_until: datetime | None = None
    looks_around: bool = False
    has_backlog: bool = False
    in_flight: Mapping[Scope, int] | None = None


@dataclass(slots=True)
class Decided:
    """What a turn decided: attempts to publish and attempts that ended, orders to workers; tasks that changed, that are
    to be answered, to be planned anew; whether something ready had to stay, so that a later turn looks around; when the
    first of what changed is due; and what is in flight now, per user, where that was asked."""

    messages: list[TaskMessage] = field(default_factory=list)
    ended: list[Published] = field(default_factory=list)
    orders: list[tuple[str, e.Grant | e.Stop]] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    replanned: list[str] = field(default_factory=list)
    has_backlog: bool = False
    due_at: datetime | None = None
    in_flight: Mapping[Scope, int] | None = None


class Turn:
    """The transaction. Made anew for every try, so running it again starts from nothing.

    Args:
        policy: the numbers.
        agents: who can be asked.
        entropy: chance, for choosing among equal agents and for span ids.
        now: the time of the turn.
    """

    def __init__(self, policy: Policy, agents: Agents, entropy: Entropy, now: datetime) -> None:
        self._policy = policy
        self._agents = agents
        self._entropy = entropy
        self._now = now
        self._before: dict[str, Task] = {}
        self._tasks: dict[str, Task] = {}
        self._attempts: dict[str, list[Attempt]] = {}
        self._results: list[tuple[str, str]] = []
        self._calls: list[Call] = []
        self._in_flight_before: Mapping[Scope, int] | None = None
        self._yielding: set[tuple[str, str]] = set()
        self._decided = Decided()

    def __call__(self, uow: UnitOfWork, arrived: Arrived) -> Decided:
        """Lock, settle, release, save."""
        self._in_flight_before = arrived.in_flight
        self._hold(uow.tasks.lock(arrived.readers))
        for task_id, readers in arrived.readers.items():
            self._settle(task_id, readers)
        if arrived.timers is not None and arrived.leases_until is not None:
            overdue = uow.tasks.lock_overdue(self._now, arrived.leases_until, TASKS_PER_TURN)
            self._hold({task.id: task for task in overdue})
            for task in overdue:
                self._settle(task.id, [arrived.timers])
        self._hold({task.id: task for task in uow.tasks.lock_ready_of(arrived.named, self._now)})
        has_all = self._look_around(uow, arrived)
        kept = KeptResults(uow.cache, self._agents, self._now)
        if self._ready():
            self._release(uow, kept)
        self._decided.has_backlog = not has_all or any(self._stays_behind(task) for task in self._tasks.values())
        named = [self._tasks[task_id] for task_id in arrived.named if task_id in self._tasks]
        self._decided.due_at = min([*_waits(self._tasks, self._before), *_ends(named)], default=None)
        self._save(uow, kept)
        uow.outbox.confirm(arrived.confirmed, self._now)
        if self._in_flight_before is not None:
            self._decided.in_flight = self._in_flight(self._in_flight_before)
        return self._decided

    def _look_around(self, uow: UnitOfWork, arrived: Arrived) -> bool:
        """Hold tasks with something ready that nothing arrived about; whether these, or none, are all there are.

        Looking costs the more the more there are. So when only a backlog is known of, it is done once it is worth it.
        """
        if not arrived.looks_around:
            if not arrived.has_backlog:
                return True
            flying = sum(self._counted(uow).values())
            if self._policy.window.total - flying - self._ready() < self._policy.window.total // ROOMY:
                return False
        around = uow.tasks.lock_ready(self._now, TASKS_PER_TURN)
        self._hold({task.id: task for task in around})
        return len(around) < TASKS_PER_TURN

    def _counted(self, uow: UnitOfWork) -> Mapping[Scope, int]:
        """What is in flight by now: before this turn, as is known or else as the rows say, and by what it settled."""
        if self._in_flight_before is None:
            self._in_flight_before = uow.tasks.in_flight()
        return self._in_flight(self._in_flight_before)

    def _ready(self) -> int:
        return sum(Subtasks.of(task.subtasks).ready for task in self._tasks.values())

    def _hold(self, tasks: Mapping[str, Task]) -> None:
        for task_id, task in tasks.items():
            self._before.setdefault(task_id, task)
            self._tasks.setdefault(task_id, task)

    def _settle(self, task_id: str, readers: Sequence[Reader]) -> None:
        for reader in readers:
            if task_id in self._tasks:
                for event in reader(self._tasks[task_id]):
                    self._happen(task_id, event)

    def _happen(self, task_id: str, event: e.Event) -> None:
        task, effects = step(self._tasks[task_id], event)
        self._apply(task_id, task, effects)
        if effects and isinstance(event, e.Succeeded | e.Divided | e.Failed):
            self._note(task, event)

    def _note(self, task: Task, event: e.Succeeded | e.Divided | e.Failed) -> None:
        """Remember what a report that counted brought and cost."""
        if isinstance(event, e.Succeeded):
            self._results.append((task.id, event.key))
        usage = event.usage if isinstance(event, e.Failed) else event.result.usage
        self._calls += [spent(task, node_of(task, event.key), one, self._now) for one in usage]

    def _apply(self, task_id: str, task: Task, effects: Sequence[e.Effect]) -> None:
        self._tasks[task_id] = task
        for effect in effects:
            match effect:
                case e.RecordAttempt(attempt=attempt):
                    self._attempts.setdefault(task_id, []).append(attempt)
                    self._decided.ended.append((SubtaskId(task_id, attempt.key), attempt.number))
                case e.Grant() | e.Stop():
                    self._decided.orders.append((task_id, effect))
                case e.Settle():
                    self._decided.settled.append(task_id)
                case e.Replan():
                    self._decided.replanned.append(task_id)
                case e.Dispatch(key=key):
                    self._assign(task_id, key)

    def _release(self, uow: UnitOfWork, kept: KeptResults) -> None:
        """Send what may be sent; again while kept results end something, which may make more ready."""
        while self._send(self._chosen(self._counted(uow)), kept):
            pass

    def _chosen(self, in_flight: Mapping[Scope, int]) -> Sequence[Candidate]:
        return choose(self._tasks.values(), in_flight, self._policy.window, self._now, self._agents.durations)

    def _send(self, candidates: Sequence[Candidate], kept: KeptResults) -> bool:
        """Give each to an agent, unless its result is there; whether that was so for any."""
        has_ended = False
        for candidate in candidates:
            if self._use_kept(candidate, kept):
                has_ended = True
            else:
                self._give(candidate)
        return has_ended

    def _give(self, candidate: Candidate) -> None:
        task = self._tasks[candidate.task_id]
        node = node_of(task, candidate.key)
        agent = self._agents.choose(node, self._entropy.bits(16))
        if agent is not None:  # else nobody was ever heard of: it stays ready, and the deadline decides
            if candidate.ahead >= self._policy.window.share:
                self._yielding.add((task.id, node.id))
            due_at = self._policy.dispatch_due(node, self._now, says_started=agent in self._agents.greeting)
            self._apply(task.id, *step(task, e.Released(key=node.id, agent=agent, at=self._now, due_at=due_at)))

    def _use_kept(self, candidate: Candidate, kept: KeptResults) -> bool:
        """End a subtask with its kept result, if there is one. To everybody else it is an attempt like any other."""
        task = self._tasks[candidate.task_id]
        node = node_of(task, candidate.key)
        result = kept.find(task, node) if node.cache_s else None
        if result is None:
            return False
        due_at = self._policy.dispatch_due(node, self._now, says_started=True)
        used = replace(result, usage=())
        released = e.Released(key=node.id, agent=KEPT, at=self._now, due_at=due_at)
        succeeded = e.Succeeded(key=node.id, attempt=None, exec_id=None, agent=KEPT, result=used, at=self._now)
        after, effects = run(task, [released, succeeded])
        self._apply(task.id, after, effects)
        if effects:
            self._calls.append(saved(task, node, result, self._now))
        return bool(effects)

    def _stays_behind(self, task: Task) -> bool:
        """Whether something ready has to wait for others. What waits for its own task is looked at when that moves."""
        subtasks = Subtasks.of(task.subtasks)
        if not subtasks.ready or subtasks.in_flight >= self._policy.window.per_task:
            return False
        ready = filter(_is_ready, subtasks.values())
        return any(releasable(task, sub, self._now) for sub in ready)

    def _assign(self, task_id: str, key: str) -> None:
        """Make the message of a fresh attempt; one that cannot be made fails it at once."""
        task = self._tasks[task_id]
        if task.subtasks[key].state is not SubtaskState.DISPATCHED:  # a kept result has ended it
            return
        try:
            durations = self._agents.durations
            message = task_message(task, key, self._policy, self._entropy.bits(64), durations)
        except Refused as refused:
            self._apply(task_id, *step(task, _unsendable(task.subtasks[key], refused, self._now)))
        else:
            yields = (task_id, key) in self._yielding
            self._decided.messages.append(message.model_copy(update={"priority": "low"}) if yields else message)

    def _in_flight(self, stored: Mapping[Scope, int]) -> Mapping[Scope, int]:
        """What the rows said before this turn, brought up to date with what the turn has settled."""
        counted = Counter(stored)
        for task_id, task in self._tasks.items():
            counted[task.scope] += _flying(task) - _flying(self._before[task_id])
        return counted

    def _save(self, uow: UnitOfWork, kept: KeptResults) -> None:
        for task_id, key in self._results:
            kept.keep(self._tasks[task_id], node_of(self._tasks[task_id], key))
        uow.calls.add(self._calls)
        uow.dead.add(dead.given_up(self._attempts, self._now))
        for task_id, task in self._tasks.items():
            if task is not self._before[task_id]:
                uow.tasks.put(task, self._attempts.get(task_id, ()))
                self._decided.changed.append(task_id)


def _unsendable(sub: Subtask, refused: Refused, now: datetime) -> e.Failed:
    """What happens to an attempt whose message cannot be made."""
    failure = Failure(code=refused.key.removeprefix("failure."))
    agent = sub.agent or ""
    return e.Failed(key=sub.key, attempt=sub.attempt, exec_id=None, agent=agent, failure=failure, at=now, jitter=0.0)


def _waits(tasks: Mapping[str, Task], before: Mapping[str, Task]) -> Iterator[datetime]:
    """When what has to wait since this turn may go on."""
    for task_id, task in tasks.items():
        subtasks = Subtasks.of(task.subtasks)
        if subtasks.ready:
            changed = subtasks.changed_since(Subtasks.of(before[task_id].subtasks))
            yield from (sub.due_at for sub in changed if sub.due_at and _is_ready(sub))


def _ends(tasks: Iterable[Task]) -> Iterator[datetime]:
    """When tasks run out of time."""
    return (at for task in tasks for at in (task.deadline_at, task.expires_at) if at)


def _is_ready(sub: Subtask) -> bool:
    return sub.state is SubtaskState.READY


def _flying(task: Task) -> int:
    return Subtasks.of(task.subtasks).in_flight
