"""What the control plane keeps besides tasks: who is alive, schedules, kept texts, the books."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from domain.agents import Worker
from domain.backlog import Backlog
from domain.model import Usage
from domain.ports import Call, Clock, Spend
from domain.schedule import Schedule
from domain.task import IN_FLIGHT, Scope, Subtask, SubtaskState, Task
from tests.twins.rows import Database, Kept, Seen

DAY = timedelta(days=1)


class MemoryRegistry:
    """`domain.ports.Registry`."""

    def __init__(self, database: Database) -> None:
        self._tasks = database.tasks
        self._workers = database.workers
        self._processes = database.processes

    def hello(self, worker: Worker) -> None:
        self._workers.pop_where(lambda one: one.last_seen < worker.last_seen - DAY)
        self._workers.put((worker.agent, worker.worker), worker)

    def left_by(self, worker: Worker) -> list[str]:
        last = self._workers.get((worker.agent, worker.worker))
        if last is not None and last.incarnation >= worker.incarnation:
            return []
        return sorted(task.id for task in self._tasks.values() if _holds(worker, task))

    def beat(self, beats: Sequence[Worker]) -> None:
        for beat in beats:
            known = self._workers.get((beat.agent, beat.worker)) or beat
            heard = replace(known, status=beat.status, current_task=beat.current_task, last_seen=beat.last_seen)
            self._workers.put((beat.agent, beat.worker), heard)

    def gone(self, agent: str, worker: str) -> None:
        self._workers.pop((agent, worker))

    def alive(self, since: datetime) -> list[Worker]:
        heard = [worker for worker in self._workers.values() if worker.last_seen >= since]
        return sorted(heard, key=lambda worker: (worker.agent, worker.worker))

    def backlogs(self) -> list[Backlog]:
        counted: dict[str, Backlog] = {}
        for sub in (sub for task in self._tasks.values() for sub in task.subtasks.values()):
            if sub.state in IN_FLIGHT and sub.agent is not None:
                counted[sub.agent] = _one_more(counted.get(sub.agent) or Backlog(agent=sub.agent), sub)
        return [counted[agent] for agent in sorted(counted)]

    def process_seen(self, role: str, process_id: str, at: datetime) -> None:
        self._processes.pop_where(lambda one: one.at < at - DAY)
        self._processes.put((process_id, role), Seen(role, process_id, at))

    def process_gone(self, process_id: str) -> None:
        self._processes.pop_where(lambda one: one.process_id == process_id)

    def roles_alive(self, since: datetime) -> set[str]:
        return {seen.role for seen in self._processes.values() if seen.at >= since}


def _holds(worker: Worker, task: Task) -> bool:
    leased = ((sub.agent, sub.lease.worker) for sub in task.subtasks.values() if sub.lease is not None)
    return (worker.agent, worker.worker) in leased


def _one_more(backlog: Backlog, sub: Subtask) -> Backlog:
    if sub.state is not SubtaskState.DISPATCHED:
        return replace(backlog, running=backlog.running + 1)
    times = [at for at in (backlog.oldest_at, sub.dispatched_at) if at is not None]
    return replace(backlog, sent=backlog.sent + 1, oldest_at=min(times, default=None))


class MemorySchedules:
    """`domain.ports.Schedules`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._rows = database.schedules
        self._clock = clock

    def add(self, schedule: Schedule) -> None:
        long_ago = self._clock.now() - 7 * DAY
        self._rows.pop_where(lambda one: one.ended_at is not None and one.ended_at <= long_ago)
        if schedule.id in self._rows:
            raise KeyError(schedule.id)
        self._rows.put(schedule.id, schedule)

    def put(self, schedule: Schedule) -> None:
        self._rows.put(schedule.id, schedule)

    def remove(self, schedule_id: str) -> bool:
        return self._rows.pop(schedule_id)

    def lock(self, schedule_id: str) -> Schedule | None:
        return self._rows.get(schedule_id)

    def lock_due(self, now: datetime, limit: int) -> list[Schedule]:
        due = [(one.due_at, one.id, one) for one in self._rows.values() if one.due_at is not None and one.due_at <= now]
        return [schedule for *_, schedule in sorted(due, key=lambda one: one[:2])[:limit]]

    def find(self, schedule_id: str) -> Schedule | None:
        return self._rows.get(schedule_id)

    def of(self, scope: Scope | None) -> list[Schedule]:
        theirs = [one for one in self._rows.values() if scope in (None, one.scope)]
        return sorted(theirs, key=lambda one: (one.created_at, one.id))

    def count(self, scope: Scope) -> int:
        return sum(one.scope == scope and one.ended_at is None for one in self._rows.values())

    def next_due(self) -> datetime | None:
        return min((one.due_at for one in self._rows.values() if one.due_at is not None), default=None)


class MemoryCache:
    """`domain.ports.AnswerCache`, with room for everything."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._rows = database.kept
        self._clock = clock

    def get(self, scope: Scope, key: str, now: datetime) -> str | None:
        kept = self._rows.get((scope, key))
        if kept is None or kept.text is None or kept.expires_at <= now:
            return None
        self._rows.put((scope, key), replace(kept, used_at=now))
        return kept.text

    def put(self, scope: Scope, key: str, kind: str, text: str, expires_at: datetime) -> None:
        now = self._clock.now()
        self._rows.pop_where(lambda one: one.expires_at <= now and _is_free(one, now))
        self._rows.put((scope, key), Kept(text=text, expires_at=expires_at, used_at=now))

    def lead(self, scope: Scope, key: str, holder: str, until: datetime) -> bool:
        now, kept = self._clock.now(), self._rows.get((scope, key))
        if kept is not None and kept.holder != holder and not _is_free(kept, now):
            return False
        kept = kept or Kept(expires_at=until, used_at=now)
        self._rows.put((scope, key), replace(kept, holder=holder, held_until=until))
        return True

    def leave(self, scope: Scope, key: str, holder: str) -> None:
        kept = self._rows.get((scope, key))
        if kept is None or kept.holder != holder:
            return
        if kept.text is None:
            self._rows.pop((scope, key))
        else:
            self._rows.put((scope, key), replace(kept, holder=None, held_until=None))

    def purge(self, scope: Scope) -> int:
        theirs = [place for place, kept in self._rows.items() if place[0] == scope and kept.text is not None]
        return sum(self._rows.pop(place) for place in theirs)


def _is_free(kept: Kept, now: datetime) -> bool:
    return kept.held_until is None or kept.held_until <= now


class MemoryCalls:
    """`domain.ports.Calls`."""

    def __init__(self, database: Database) -> None:
        self._rows = database.calls

    def add(self, calls: Sequence[Call]) -> None:
        for call in calls:
            self._rows.put(len(self._rows), call)

    def spent(self, scope: Scope, since: datetime) -> list[Spend]:
        return self._summed(lambda call: call.scope == scope and call.at >= since)

    def spent_on(self, scope: Scope, task_id: str) -> list[Spend]:
        return self._summed(lambda call: (call.scope, call.task_id) == (scope, task_id))

    def _summed(self, condition: Callable[[Call], bool]) -> list[Spend]:
        calls = [call for call in self._rows.values() if condition(call)]
        groups = sorted({(call.purpose.value, call.usage.model) for call in calls})
        return [_spend([one for one in calls if (one.purpose.value, one.usage.model) == group]) for group in groups]


def _spend(calls: Sequence[Call]) -> Spend:
    asked = [call.usage for call in calls if not call.is_hit]
    return Spend(
        purpose=calls[0].purpose,
        model=calls[0].usage.model,
        calls=len(asked),
        hits=len(calls) - len(asked),
        failures=sum(usage.failed != "" for usage in asked),
        prompt_tokens=sum(usage.prompt_tokens for usage in asked),
        completion_tokens=sum(usage.completion_tokens for usage in asked),
        cost=sum(usage.cost for usage in asked),
        is_estimated=any(usage.is_estimated or _is_unpriced(usage) for usage in asked),
    )


def _is_unpriced(usage: Usage) -> bool:
    return usage.cost == 0 and usage.prompt_tokens + usage.completion_tokens > 0
