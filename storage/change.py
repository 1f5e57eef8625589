"""What became of a task between two reads of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from domain.subtasks import Subtasks
from domain.task import Attempt, Subtask, Task
from storage.mapping import HEAD, PROGRESS, WORDS
from storage.memory import Stored

_words = attrgetter(*WORDS)


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
    def is_reworded(self) -> bool:
        """Whether the request reads differently, or its files do."""
        return bool(_words(self.after) != _words(self.before.task))

    def head(self) -> tuple[str, ...]:
        """The columns of the task itself that must change, its version aside."""
        return HEAD.changed(self.before.task, self.after)

    def moved(self) -> Iterator[tuple[Subtask, tuple[str, ...]]]:
        """Subtasks whose rows must change, and the columns that must."""
        before = self.before.task.subtasks
        for sub in self._other():
            if sub.key in before and (columns := PROGRESS.changed(before[sub.key], sub)):
                yield sub, columns

    def grown(self) -> list[tuple[int, Subtask]]:
        """Subtasks without a row yet, and their places: after all that have one."""
        before = self.before.task.subtasks
        if len(before) == len(self.after.subtasks):
            return []
        fresh = (sub for sub in self.after.subtasks.values() if sub.key not in before)
        return list(enumerate(fresh, start=len(before)))

    def _other(self) -> Iterator[Subtask]:
        return Subtasks.of(self.after.subtasks).changed_since(Subtasks.of(self.before.task.subtasks))
