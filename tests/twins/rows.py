"""Rows in dictionaries: what is written in a transaction can be taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from domain.agents import Worker
from domain.approval import Offer
from domain.dead import DeadLetter
from domain.ids import SubtaskId
from domain.people import Pairing, Person
from domain.ports import Call
from domain.post import Posted, PostKind
from domain.preview import Preview
from domain.schedule import Schedule
from domain.task import Attempt, Place, Scope, Task

K = TypeVar("K")
V = TypeVar("V")


class Change(NamedTuple):
    """One row as it was before it was written; `before` is None for one that was not there."""

    rows: Rows[Any, Any]
    key: Any
    before: Any


class Rows(Generic[K, V]):
    """One table: immutable values by key, none of them None. What is written is noted in the journal first."""

    def __init__(self, journal: list[Change]) -> None:
        self._rows: dict[K, V] = {}
        self._journal = journal

    def __contains__(self, key: K) -> bool:
        return key in self._rows

    def __getitem__(self, key: K) -> V:
        return self._rows[key]

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: K) -> V | None:
        return self._rows.get(key)

    def values(self) -> Iterable[V]:
        return self._rows.values()

    def items(self) -> list[tuple[K, V]]:
        return list(self._rows.items())

    def put(self, key: K, value: V) -> None:
        self._journal.append(Change(self, key, self._rows.get(key)))
        self._rows[key] = value

    def pop(self, key: K) -> bool:
        """Whether it was there."""
        if key not in self._rows:
            return False
        self._journal.append(Change(self, key, self._rows.pop(key)))
        return True

    def pop_where(self, condition: Callable[[V], bool]) -> None:
        for key in [key for key, value in self._rows.items() if condition(value)]:
            self.pop(key)

    def restore(self, key: K, before: V | None) -> None:
        """As it was."""
        if before is None:
            del self._rows[key]
        else:
            self._rows[key] = before


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a chat has been shown of a task."""

    version: int = -1
    message_id: str | None = None
    delivered_at: datetime | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An update that was taken; `number` says in which order."""

    task_id: str
    said: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A kept text, a lease on making one, or both."""

    text: str | None = None
    expires_at: datetime
    used_at: datetime
    holder: str | None = None
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody, and since when."""

    person: Person
    since: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """A process in a role."""

    role: str
    process_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Led:
    """Who speaks for something."""

    holder: str
    until: datetime


@dataclass
class Database:
    """All tables. Stores that share one are processes at the same database."""

    journal: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        log = self.journal
        self.tasks: Rows[str, Task] = Rows(log)
        self.attempts: Rows[str, tuple[Attempt, ...]] = Rows(log)
        self.published: Rows[tuple[SubtaskId, int], datetime] = Rows(log)
        self.shown: Rows[str, Shown] = Rows(log)
        self.inbox: Rows[tuple[str, str, str], Taken] = Rows(log)
        self.workers: Rows[tuple[str, str], Worker] = Rows(log)
        self.processes: Rows[tuple[str, str], Seen] = Rows(log)
        self.schedules: Rows[str, Schedule] = Rows(log)
        self.dead: Rows[str, DeadLetter] = Rows(log)
        self.kept: Rows[tuple[Scope, str], Kept] = Rows(log)
        self.calls: Rows[int, Call] = Rows(log)
        self.people: Rows[tuple[str, str], Known] = Rows(log)
        self.chats: Rows[tuple[str, str], str] = Rows(log)
        self.pairings: Rows[str, Pairing] = Rows(log)
        self.knocks: Rows[tuple[str, str], tuple[datetime, ...]] = Rows(log)
        self.offers: Rows[str, Offer] = Rows(log)
        self.previews: Rows[tuple[Scope, str], Preview] = Rows(log)
        self.posts: Rows[tuple[str, PostKind, int], Posted] = Rows(log)
        self.leaders: Rows[str, Led] = Rows(log)
        self.cursors: Rows[Place, str] = Rows(log)

    def commit(self) -> None:
        self.journal.clear()

    def roll_back(self) -> None:
        for change in reversed(self.journal):
            change.rows.restore(change.key, change.before)
        self.journal.clear()
