"""The database: tasks, changed only by `step` in transactions that happen at once or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from domain import events as e
from domain.ends import Step
from domain.release import Window, choose
from domain.task import IN_FLIGHT, Attempt, Scope, SubtaskState, Task
from tests.unit.domain.witness import Witness

WINDOW = Window(per_task=3, total=40)
Sent = tuple[str, str, int]  # task, subtask, attempt


@dataclass(kw_only=True)
class Rows:
    """What survives everything.

    `decide` is `step`, or a worse one to see whether that would be noticed.
    """

    decide: Callable[[Task, e.Event], Step]
    tasks: dict[str, Task] = field(default_factory=dict)
    attempts: list[tuple[str, Attempt]] = field(default_factory=list)
    confirmed: set[Sent] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def add(self, task: Task) -> None:
        self.tasks[task.id] = task
        self.witnesses[task.id] = Witness()

    def happen(self, task_id: str, *happened: e.Event) -> list[tuple[str, e.Effect]]:
        """One transaction about one task. Returns what must be told to the world once it is committed."""
        told: list[tuple[str, e.Effect]] = []
        for event in happened:
            before = self.tasks[task_id]
            after, effects = self.decide(before, event)
            if after is before and not effects:
                continue
            self.tasks[task_id] = after
            self.answers[task_id] += after.answer is not None and before.answer is None
            self._see(task_id, before, event, (after, effects))
            self.attempts += [(task_id, effect.attempt) for effect in effects if isinstance(effect, e.RecordAttempt)]
            told += [(task_id, effect) for effect in effects]
        return told

    def _see(self, task_id: str, before: Task, event: e.Event, decided: Step) -> None:
        try:
            self.witnesses[task_id].saw(before, event, *decided)
            _planned_by_its_holder(before, decided[0])
        except AssertionError as error:
            self.broken.append(f"{task_id} {type(event).__name__}: {error}")

    def release(
        self, now: datetime, agent_of: Callable[[Task, str], str], due_of: Callable[[Task, str], datetime]
    ) -> list[tuple[str, e.Effect]]:
        """Send what is ready, as the real release chooses it."""
        in_flight: Counter[Scope] = Counter()
        for task in self.tasks.values():
            in_flight[task.scope] += sum(sub.state in IN_FLIGHT for sub in task.subtasks.values())
        told: list[tuple[str, e.Effect]] = []
        for one in choose(list(self.open()), in_flight, WINDOW, now):
            task = self.tasks[one.task_id]
            agent, due_at = agent_of(task, one.key), due_of(task, one.key)
            told += self.happen(task.id, e.Released(key=one.key, agent=agent, at=now, due_at=due_at))
        return told

    def open(self) -> Iterator[Task]:
        """Tasks that are not settled."""
        return (task for task in self.tasks.values() if task.settled_at is None)

    def unpublished(self, before: datetime) -> Iterable[Sent]:
        """Attempts dispatched by then that the broker never confirmed."""
        for task in self.open():
            for sub in task.subtasks.values():
                sent = (task.id, sub.key, sub.attempt)
                is_waiting = sub.state is SubtaskState.DISPATCHED and sent not in self.confirmed
                if is_waiting and sub.dispatched_at is not None and sub.dispatched_at <= before:
                    yield sent


def _planned_by_its_holder(before: Task, after: Task) -> None:
    known = before.plan.by_id if before.plan else {}
    fresh = [node for node in after.plan.nodes if node.id not in known and not node.parent] if after.plan else []
    authors = {node.description for node in fresh}
    assert authors <= {before.claimed_by}, f"planned by {authors} and held by {before.claimed_by}"
