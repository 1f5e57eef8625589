"""What committed tasks looked like, so that an undisturbed process need not read again what it wrote itself."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from domain.task import Task

CAPACITY = 30_000  # tasks and subtasks together; about 1 kB each


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A task as its rows say; `plan_hash` names the stored text of its plan."""

    task: Task
    plan_hash: str | None

    @property
    def weight(self) -> int:
        """How much room it takes."""
        return 1 + len(self.task.subtasks)


class Recall(Protocol):
    """Knows what tasks looked like."""

    def recall(self, task_id: str) -> Stored | None:
        """The last known content of a task, whatever its version."""
        ...


class Pending:
    """What transactions that will be committed together made of tasks, before a memory that does not know it yet."""

    def __init__(self, memory: Recall) -> None:
        self._memory = memory
        self._made: dict[str, Stored] = {}

    def recall(self, task_id: str) -> Stored | None:
        """The last content of a task."""
        return self._made.get(task_id) or self._memory.recall(task_id)

    def keep(self, many: Iterable[Stored]) -> None:
        """One of them is over."""
        self._made.update((stored.task.id, stored) for stored in many)

    def __iter__(self) -> Iterator[Stored]:
        return iter(self._made.values())


class Memory:
    """The most recently used tasks of all threads.

    A task's version names its content: every change raises it, and only committed content is kept. So a row
    with the version of a kept task need not be read, and what other processes changed is seen by its version.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._weight = 0
        self._kept: OrderedDict[str, Stored] = OrderedDict()
        self._lock = Lock()

    def recall(self, task_id: str) -> Stored | None:
        """The last kept content of a task, whatever its version."""
        with self._lock:
            stored = self._kept.get(task_id)
            if stored is not None:
                self._kept.move_to_end(task_id)
            return stored

    def keep(self, many: Iterable[Stored]) -> None:
        """Remember these; the longest unused go when room is short."""
        with self._lock:
            for stored in many:
                self._replace(stored)
            while self._weight > self._capacity:
                _, oldest = self._kept.popitem(last=False)
                self._weight -= oldest.weight

    def _replace(self, stored: Stored) -> None:
        known = self._kept.pop(stored.task.id, None)
        if known is not None:
            self._weight -= known.weight
            stored = max(stored, known, key=lambda one: one.task.version)
        self._kept[stored.task.id] = stored
        self._weight += stored.weight
