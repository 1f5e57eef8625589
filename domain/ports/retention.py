"""What is kept how long, as the stages see it. Everything comes in batches, so that nobody waits for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

Old = tuple[str, int]
"""A task that is over, by id and version."""


class Retention(Protocol):
    """Old rows. Any number of processes may look at once: what one holds, others pass over."""

    def over(self, before: datetime, limit: int) -> list[Old]:
        """The oldest tasks that were answered before then, of which nothing is left to show."""
        ...

    def over_count(self, before: datetime) -> int:
        """How many there are; this may take a while."""
        ...

    def documents(self, tasks: Sequence[Old]) -> list[Mapping[str, Any]]:
        """All that is stored about these tasks, a JSON value each; those that are gone are left out."""
        ...

    def drop(self, tasks: Sequence[Old]) -> int:
        """Delete these tasks and all that belongs to them, what their requests said included; how many that were. Those
        that are held, or are not what they were, stay. The books stay too: what was spent stays spent."""
        ...

    def drop_updates(self, before: datetime, limit: int) -> int:
        """Forget which updates were taken before then, where their task is gone; how many that were. One that a
        platform delivers again afterwards would be taken for new."""
        ...

    def drop_expired(self, now: datetime, limit: int) -> int:
        """Delete kept plans, answers and results that have expired; how many that were."""
        ...

    def drop_calls(self, before: datetime, limit: int) -> int:
        """Take model calls before then out of the books; how many that were."""
        ...
