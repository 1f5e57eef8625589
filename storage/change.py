"""What became of a task between two reads of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from domain.task import Attempt, Subtask, Task
from storage.mapping import HEAD
from storage.memory import Stored

_head = attrgetter(*HEAD)
_key = attrgetter("key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A task as its rows say, as they shall say, and the attempts that ended on the way."""

    before: Stored
    after: Task
    attempts: Sequence[Attempt]

    @property
    def is_replanned(self) -> bool:
        """Whether the plan is another one."""
        return self.after.plan is not self.before.task.plan

    @property
    def is_about_task(self) -> bool:
        """Whether anything of the task itself changed, not only its subtasks."""
        return bool(_head(self.after) != _head(self.before.task))

    def moved(self) -> list[Subtask]:
        """Subtasks whose rows must change, by key."""
        before = self.before.task.subtasks
        changed = (
            sub
            for key, sub in self.after.subtasks.items()
            if key in before and sub is not before[key] and sub != before[key]
        )
        return sorted(changed, key=_key)

    def grown(self) -> Iterator[tuple[int, Subtask]]:
        """Subtasks without a row yet, and their places: after all that have one."""
        before = self.before.task.subtasks
        return enumerate((sub for key, sub in self.after.subtasks.items() if key not in before), start=len(before))
