"""Schedules as the bot keeps them and the calendar follows them."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from domain.schedule import Schedule
from domain.task import Scope


class Schedules(Protocol):
    """Schedules by intent. Methods that lock hold the row until the transaction ends: whoever holds a schedule is the
    only one who may begin its occurrences."""

    def add(self, schedule: Schedule) -> None:
        """Keep a new one. Raises KeyError when its id is taken. Ones that ended a week ago are forgotten."""
        ...

    def put(self, schedule: Schedule) -> None:
        """Save what changed in a locked one."""
        ...

    def remove(self, schedule_id: str) -> bool:
        """Forget one. False when there is none."""
        ...

    def lock(self, schedule_id: str) -> Schedule | None:
        """One as it stands, held for change, whoever owns it; whoever holds it is waited for."""
        ...

    def lock_due(self, now: datetime, limit: int) -> list[Schedule]:
        """Those whose `due_at` is not after `now`, the longest due first; ones held elsewhere are passed over."""
        ...

    def find(self, schedule_id: str) -> Schedule | None:
        """One by its id, whoever owns it, not locked. Whether it may be seen is for the one who asks."""
        ...

    def of(self, scope: Scope | None) -> list[Schedule]:
        """A user's, or everybody's for the operator, oldest first."""
        ...

    def count(self, scope: Scope) -> int:
        """How many of a user's are not over."""
        ...

    def next_due(self) -> datetime | None:
        """The earliest `due_at` of all; also one that has passed."""
        ...
