"""Letters that died."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from domain.dead import DeadLetter, Fate
from domain.ids import SubtaskId
from tests.twins.rows import Database


class MemoryDeadLetters:
    """`domain.ports.dead.DeadLetters`."""

    def __init__(self, database: Database) -> None:
        self._rows = database.dead

    def add(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            known = self._rows.get(letter.id)
            self._rows.put(letter.id, _again(known, letter) if known else letter)

    def find(self, letter_id: str) -> DeadLetter | None:
        return self._rows.get(letter_id)

    def recent(self, limit: int, fates: Collection[Fate] = (Fate.OPEN,)) -> list[DeadLetter]:
        return [replace(letter, body="") for letter in self._newest(lambda one: one.fate in fates)[:limit]]

    def about(self, subtasks: Collection[SubtaskId]) -> list[DeadLetter]:
        theirs = self._newest(lambda one: one.fate is Fate.OPEN and one.subtask in subtasks)
        return [replace(letter, body="") for letter in theirs]

    def open_count(self) -> int:
        return sum(letter.fate is Fate.OPEN for letter in self._rows.values())

    def settle(self, letter_id: str, fate: Fate) -> bool:
        letter = self._rows.get(letter_id)
        if letter is None or letter.fate is not Fate.OPEN:
            return False
        self._rows.put(letter_id, replace(letter, fate=fate))
        return True

    def purge(self, before: datetime, limit: int) -> int:
        old = self._newest(lambda one: one.last_at < before)[::-1][:limit]
        return sum(self._rows.pop(letter.id) for letter in old)

    def _newest(self, condition: Callable[[DeadLetter], bool]) -> list[DeadLetter]:
        by_id = sorted(filter(condition, self._rows.values()), key=lambda letter: letter.id)
        return sorted(by_id, key=lambda letter: letter.last_at, reverse=True)


def _again(known: DeadLetter, letter: DeadLetter) -> DeadLetter:
    return replace(
        known,
        last_at=letter.last_at,
        attempt=letter.attempt,
        body=letter.body,
        fate=letter.fate,
        seen=known.seen + letter.seen,
    )
