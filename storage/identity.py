"""The tasks of one transaction: every id has one value, whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from domain.task import Attempt, Task
from storage.change import Change
from storage.loading import load
from storage.memory import Recall, Stored
from storage.writing import add, save


class IdentityMap:
    """What this transaction has read, holds and has changed.

    Changes are collected and written together: when the transaction ends, or before a query that could see them.
    """

    def __init__(self, connection: Connection, memory: Recall) -> None:
        self._connection = connection
        self._memory = memory
        self._stored: dict[str, Stored] = {}  # as the rows say inside this transaction
        self._held: dict[str, Task] = {}  # locked; as they shall be
        self._ended: dict[str, list[Attempt]] = {}  # of changed tasks

    def add(self, task: Task) -> None:
        """Insert a new task, held from now on. Raises KeyError when the id is taken."""
        self._stored[task.id] = add(self._connection, task)
        self._held[task.id] = task

    def hold(self, versions: Mapping[str, int]) -> None:
        """Take over tasks whose rows were just locked, by id and version."""
        fresh = {task_id: version for task_id, version in versions.items() if task_id not in self._held}
        self._held.update((task.id, task) for task in self.read(fresh))

    def held(self, ids: Iterable[str]) -> dict[str, Task]:
        """Those of these tasks that are held, as they stand now."""
        return {task_id: self._held[task_id] for task_id in ids if task_id in self._held}

    def read(self, versions: Mapping[str, int]) -> list[Task]:
        """Tasks by id and version, in that order; a held one as it stands now."""
        unknown = [task_id for task_id, version in versions.items() if not self._knows(task_id, version)]
        if unknown:
            self._stored.update(load(self._connection, unknown, self._memory))
        return [self._held.get(task_id) or self._stored[task_id].task for task_id in versions]

    def put(self, task: Task, attempts: Sequence[Attempt]) -> Task:
        """Collect a change of a held task; returns it with the version it will have.

        Raises KeyError for a task that is not held, or was made from an older value than the last one put.
        """
        held = self._held[task.id]
        if task.version != held.version:
            raise KeyError(task.id)
        if task is held and not attempts:
            return task
        raised = replace(task, version=task.version + 1)
        self._held[task.id] = raised
        self._ended.setdefault(task.id, []).extend(attempts)
        return raised

    def flush(self) -> None:
        """Write what was collected, in the order of ids."""
        changes = [
            Change(before=self._stored[task_id], after=self._held[task_id], attempts=attempts)
            for task_id, attempts in sorted(self._ended.items())
        ]
        self._ended = {}
        if changes:
            self._stored.update((stored.task.id, stored) for stored in save(self._connection, changes))

    def committed(self) -> Iterable[Stored]:
        """What the rows say, once the transaction has been committed."""
        return self._stored.values()

    def _knows(self, task_id: str, version: int) -> bool:
        if task_id in self._held:
            return True
        for stored in (self._stored.get(task_id), self._memory.recall(task_id)):
            if stored is not None and stored.task.version == version:
                self._stored[task_id] = stored
                return True
        return False
