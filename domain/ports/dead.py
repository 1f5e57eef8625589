"""The dead letters, as the stages see them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from domain.dead import DeadLetter, Fate
from domain.ids import SubtaskId


class DeadLetters(Protocol):
    """Letters that died. Bounded: the ones not seen for longest go first."""

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep these. One that is there already was seen once more and is open again, whatever was done about it."""
        ...

    def find(self, letter_id: str) -> DeadLetter | None:
        """One letter."""
        ...

    def recent(self, limit: int, fates: Collection[Fate] = (Fate.OPEN,)) -> list[DeadLetter]:
        """The last seen ones of these fates, newest first, without their bodies."""
        ...

    def about(self, subtasks: Collection[SubtaskId]) -> list[DeadLetter]:
        """The open ones about these subtasks, newest first, without their bodies."""
        ...

    def open_count(self) -> int:
        """How many are open."""
        ...

    def settle(self, letter_id: str, fate: Fate) -> bool:
        """Something was done about an open letter. False when there is no such one (any more)."""
        ...

    def purge(self, before: datetime, limit: int) -> int:
        """Forget at most `limit` letters last seen before then; how many that were."""
        ...
