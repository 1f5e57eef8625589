"""What was promised, checked at every commit and at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from domain import events as e
from domain.attempts import MAX_HANDBACKS
from domain.ends import node_of
from domain.task import FINAL, FINAL_TASK, Attempt, Outcome, Subtask, SubtaskState, Task
from tests.chaos.simulation.agents import Outside
from tests.chaos.simulation.database import WatchedDatabase
from tests.unit.domain import witness

KILLS = 3 + 6  # by one poisonous subtask: its tries, and what is heard of too late or in another order


class Watch:
    """Sees every commit."""

    def __init__(self, database: WatchedDatabase, outside: Outside) -> None:
        self.broken: list[str] = []
        self._database = database
        self._outside = outside
        self._runs: Counter[tuple[str, str]] = Counter()  # attempts by subtask
        database.saw = self.saw

    def saw(self, before: Task | None, after: Task) -> None:
        """A task was committed."""
        if before is None:
            return
        try:
            self._check(before, after)
        except AssertionError as error:
            self.broken.append(f"{after.id}: {error}")

    def _check(self, before: Task, after: Task) -> None:
        assert before.settled_at is None or before.state not in FINAL_TASK, "a final task changed"
        witness._rows_are_whole(after)
        witness._task_is_whole(after)
        assert after.answer is before.answer or before.answer is None, "answered twice"
        if after.plan is not before.plan:
            witness._plan_only_grew(before, _as_event(before, after), after)
            _planned_by_its_holder(before, after)
        for key, sub in after.subtasks.items():
            was = before.subtasks.get(key)
            if sub is not was:
                self._moved(before, after, was, sub)

    def _moved(self, before: Task, after: Task, was: Subtask | None, sub: Subtask) -> None:
        if was is not None:
            assert was.state not in FINAL, f"{sub.key} was final and changed"
            assert sub.attempt >= was.attempt, f"{sub.key} forgot an attempt"
        if sub.attempt > (was.attempt if was else 0):
            self._started(before, after, sub)
        node = node_of(after, sub.key)
        assert sub.failures <= node.max_attempts, f"{sub.key} failed {sub.failures} times"
        assert sub.handbacks <= MAX_HANDBACKS, f"{sub.key} was handed back {sub.handbacks} times"
        if sub.state is SubtaskState.SUCCEEDED and sub.result is not None:
            self._has_its_own_result(after, sub)

    def _started(self, before: Task, after: Task, sub: Subtask) -> None:
        node = node_of(after, sub.key)
        witness._was_allowed(after, sub.key)
        assert before.settled_at is None, f"{sub.key} started after the end"
        assert before.cancelled_at is None, f"{sub.key} started after it was cancelled"
        assert not node.needs_approval or sub.approved, f"{sub.key} started without approval"
        assert not node.is_map, f"{sub.key} is a map and ran itself"

    def _has_its_own_result(self, task: Task, sub: Subtask) -> None:
        number = sub.result.output.get("exec") if sub.result and isinstance(sub.result.output, dict) else None
        if number is not None:
            run = self._outside.execs[number]
            assert run == (task.id, sub.key, sub.attempt), f"{sub.key}.{sub.attempt} has the result of {run}"

    # --- at the end ---------------------------------------------------------------------------------------------------

    def at_the_end(self, requests: Iterable[str]) -> Iterator[str]:
        """Promises that were broken, when everything should be over; `requests` is what was asked, once each."""
        tasks = list(self._database.tasks.values())
        became = Counter(task.request for task in tasks)
        yield from (f"{request!r} became {became[request]} tasks" for request in requests if became[request] != 1)
        for task in tasks:
            yield from self._lost(task)
            yield from self._told_twice(task)
            for sub in task.subtasks.values():
                yield from self._untrue(task, sub)

    def _lost(self, task: Task) -> Iterator[str]:
        if task.state not in FINAL_TASK:
            stands = {key: sub.state.value for key, sub in task.subtasks.items()}
            yield f"{task.id} is stuck in {task.state}: {stands}"

    def _told_twice(self, task: Task) -> Iterator[str]:
        attempts = self._database.attempts.get(task.id) or ()
        ended = Counter((attempt.key, attempt.number) for attempt in attempts)
        yield from (
            f"{task.id}.{key} ended attempt {number} twice" for (key, number), many in ended.items() if many > 1
        )
        done = Counter(attempt.key for attempt in attempts if _has_succeeded(attempt))
        yield from (f"{task.id}.{key} succeeded {many} times" for key, many in done.items() if many > 1)

    def _untrue(self, task: Task, sub: Subtask) -> Iterator[str]:
        """What the rows say and the world outside has seen otherwise."""
        name = (task.id, sub.key)
        acted, kills = self._outside.acted[name], self._outside.kills[name]
        if acted > 1:
            yield f"{task.id}.{sub.key} acted {acted} times"
        if acted and sub.state in (SubtaskState.SKIPPED, SubtaskState.CANCELLED):
            yield f"{task.id}.{sub.key} acted and says it was {sub.state}"
        has_run = node_of(task, sub.key).skill == "external" and sub.attempt > 0
        if has_run and not acted and sub.state is SubtaskState.SUCCEEDED:
            yield f"{task.id}.{sub.key} says it acted and did not"
        if kills > KILLS:
            yield f"{task.id}.{sub.key} killed {kills} workers"


def _has_succeeded(attempt: Attempt) -> bool:
    return attempt.outcome is Outcome.SUCCEEDED


def _as_event(before: Task, after: Task) -> Any:
    is_whole = before.planned_at is None and after.planned_at is not None
    return e.Planned(plan=after.plan, at=after.planned_at) if is_whole and after.plan and after.planned_at else None


def _planned_by_its_holder(before: Task, after: Task) -> None:
    known = before.plan.by_id if before.plan else {}
    fresh = [node for node in after.plan.nodes if node.id not in known and not node.parent] if after.plan else []
    authors = {node.description for node in fresh}
    assert authors <= {before.claimed_by}, f"planned by {authors} and held by {before.claimed_by}"
