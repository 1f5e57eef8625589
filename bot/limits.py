"""How much one person may ask for: requests within a minute, and tasks at once. Counted in rows, before anything is
made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.errors import Refused
from domain.people import Person
from domain.ports import UnitOfWork
from domain.task import FINAL_TASK, Scope, TaskState

WINDOW = timedelta(seconds=60)
OPEN = frozenset(TaskState) - FINAL_TASK
UNLIMITED = frozenset({"console"})  # whoever has a terminal here can start the program anyway
_NAMED = 5  # task ids in a refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """For each person: `per_minute` requests in any sixty seconds, `open_tasks` that are not over. 0: no limit."""

    per_minute: int = 10
    open_tasks: int = 5

    def check(self, uow: UnitOfWork, scope: Scope, now: datetime, person: Person | None) -> None:
        """See whether somebody may hand in one more request. Nothing is written.

        Args:
            uow: the transaction that would make the task.
            scope: who would own it.
            now: the time of the request.
            person: who asks; nobody in particular, and the terminal, have no limits.

        Raises:
            Refused: which limit it is, and when to try again.
        """
        if person is None or person.platform in UNLIMITED:
            return
        load = uow.tasks.load(scope, now - WINDOW)
        if self.open_tasks and load.open >= self.open_tasks:
            lines = uow.tasks.recent(scope, _NAMED, states=OPEN)
            named = ", ".join(line.id for line in lines) + (", …" if load.open > len(lines) else "")
            raise Refused("limit.open_tasks", limit=self.open_tasks, tasks=named)
        if self.per_minute and load.received >= self.per_minute:
            raise Refused("limit.per_minute", limit=self.per_minute, seconds=_wait_s(load.oldest_at, now))


def _wait_s(oldest_at: datetime | None, now: datetime) -> int:
    """Whole seconds until the oldest request leaves the window; what is at its edge still counts."""
    if oldest_at is None:
        return int(WINDOW.total_seconds())
    return max(1, math.floor((oldest_at + WINDOW - now).total_seconds()) + 1)
