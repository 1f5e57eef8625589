"""The database as the stages see it: repositories by intent behind a unit of work."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from domain.ids import SubtaskId
from domain.model import Purpose, Usage
from domain.people import Load
from domain.ports.chats import Chats
from domain.ports.dead import DeadLetters
from domain.ports.registry import Registry
from domain.ports.retention import Retention
from domain.ports.schedules import Schedules
from domain.task import Attempt, Exchange, Place, Route, Scope, Task, TaskState

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLine:
    """A task in a list."""

    id: str
    state: TaskState
    request: str
    created_at: datetime
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a chat has been shown of a task. `task.version > shown_version` means the card is out of date."""

    task: Task
    shown_version: int
    platform_message_id: str | None
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to a language model, or a kept answer used instead (`is_hit`, which costs nothing), in the books."""

    scope: Scope
    task_id: str | None
    purpose: Purpose
    usage: Usage
    at: datetime
    skill: str = ""  # of the subtask it was made for, if an agent made it
    is_hit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What the calls of one purpose to one model took together. `hits` are kept answers used instead of a call;
    `is_estimated` means that for some call characters were counted, or no price is known."""

    purpose: Purpose
    model: str
    calls: int
    hits: int
    failures: int
    prompt_tokens: int
    completion_tokens: int
    cost: float
    is_estimated: bool


NEWEST = 5_000  # attempts that are enough to know what skills take; a busy house has millions of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one skill took so far: succeeded attempts, their mean seconds, the mean US dollars of model calls."""

    attempts: int
    seconds: float
    cost: float


class Tasks(Protocol):
    """Tasks with their plan and subtasks. Every method that locks holds the task rows until the transaction
    ends; a row locked elsewhere is waited for by `lock`, passed over by the others."""

    def add(self, task: Task) -> None:
        """Insert a new task with all its subtasks; it is held from now on. Raises KeyError when its id is taken."""
        ...

    def lock(self, ids: Iterable[str]) -> dict[str, Task]:
        """The tasks of these ids as they stand, held for change. Unknown ids are left out."""
        ...

    def lock_received(self, now: datetime, limit: int) -> list[Task]:
        """Tasks received or being planned (also: anew, or with a plan that is not whole), not settled, not claimed
        beyond `now` and not to be begun later, oldest first; without those whose model is away."""
        ...

    def lock_postponed(self, now: datetime, limit: int) -> list[Task]:
        """Tasks whose model is away, not claimed beyond `now`: it is to be asked again. Oldest first."""
        ...

    def lock_settled(self, now: datetime, limit: int) -> list[Task]:
        """Settled tasks without an answer, not claimed beyond `now`, oldest first."""
        ...

    def lock_ready(self, now: datetime, limit: int) -> list[Task]:
        """Tasks with a READY subtask whose `due_at` is not after `now`: every user's oldest before anybody's
        next, so that nobody waits for another's backlog. Tasks that only wait for approval are passed over."""
        ...

    def lock_ready_of(self, ids: Collection[str], now: datetime) -> list[Task]:
        """Those of these tasks that `lock_ready` could bring, whosever turn it is."""
        ...

    def lock_overdue(self, now: datetime, leases_until: datetime, limit: int) -> list[Task]:
        """Unsettled tasks past their deadline, or past their expiry without having begun, or with an in-flight subtask
        whose `due_at` is not after `now` or whose lease ended at or before `leases_until`."""
        ...

    def put(self, task: Task, attempts: Sequence[Attempt] = ()) -> Task:
        """Save what changed in a locked task, and ended attempts. Returns it with its version raised; one in which
        nothing changed is returned as it is.

        Saving a task that is not locked in this transaction is a bug and raises KeyError."""
        ...

    def in_flight(self) -> Mapping[Scope, int]:
        """Subtasks dispatched or running, per user."""
        ...

    def next_due(self) -> datetime | None:
        """The earliest time at which `lock_ready` or `lock_overdue` will have something new. What is due already
        is not news."""
        ...

    def find(self, scope: Scope, task_id: str) -> Task | None:
        """One task of this user, not locked. Somebody else's is None."""
        ...

    def peek(self, task_id: str) -> Task | None:
        """One task whoever owns it, not locked; for the control plane and the operator only."""
        ...

    def recent(
        self, scope: Scope | None, limit: int, offset: int = 0, states: Collection[TaskState] = ()
    ) -> list[TaskLine]:
        """The newest tasks of a user, or of everybody for the operator, after leaving out the first `offset`; only
        those in one of `states`, if any are given."""
        ...

    def load(self, scope: Scope, since: datetime) -> Load:
        """What a user has asked for: open tasks, without those to be begun later, and requests received at or after
        `since`."""
        ...

    def gathering(self, scope: Scope, place: Place, now: datetime) -> str | None:
        """The newest task of this user in this place that more may be added to: received, without a plan, without
        anybody planning it, and held beyond `now`."""
        ...

    def fetching(self, platform: str, bot_id: str, limit: int) -> list[str]:
        """Tasks of this bot that are not settled, with files that are not in the workspace yet, oldest first."""
        ...

    def ahead(self, ids: Collection[str]) -> Mapping[str, int]:
        """For each of these that is still to be planned, how many such tasks were received before it. Those of them
        that are held back now, for their files, for more words or for their time, hold nobody up and are not counted;
        one whose own time has not come is left out."""
        ...

    def starting(self, since: datetime, until: datetime) -> list[str]:
        """Unsettled tasks that were to be begun later, and whose time came after `since` and not after `until`."""
        ...

    def attempts(self, task_id: str) -> list[Attempt]:
        """The ended attempts of a task in the order they ended."""
        ...

    def asking(self, scope: Scope, route: Route) -> str | None:
        """The newest task of this user in this chat that waits for the answer to its question."""
        ...

    def conversation(self, task: Task, since: datetime, limit: int) -> list[Exchange]:
        """The newest `limit` requests of this task's user in its chat, to whichever bot, that were received at or
        after `since`, before the task itself, and were answered, with those answers; oldest first."""
        ...

    def measured(self, since: datetime) -> Mapping[str, Measured]:
        """What each skill took in attempts that ended at or after `since`; of many, in the newest `NEWEST` of all."""
        ...


class Outbox(Protocol):
    """Which dispatched attempts the broker has confirmed. The subtask row is the outbox: no separate table."""

    def unpublished(self, dispatched_before: datetime, limit: int) -> list[tuple[SubtaskId, int]]:
        """(subtask, attempt) dispatched at or before then and not confirmed, oldest first."""
        ...

    def confirm(self, sent: Collection[tuple[SubtaskId, int]], at: datetime) -> None:
        """The broker has these. Ones that moved on meanwhile are ignored."""
        ...

    def forget(self) -> None:
        """The broker lost everything: nothing dispatched counts as published any more."""
        ...


class Inbox(Protocol):
    """Which updates of a platform became tasks."""

    def claim(self, platform: str, bot_id: str, update_key: str, task_id: str, said: str = "") -> str | None:
        """Record an update for `task_id` (empty: a command, which is no task), with what it said. Returns the task it
        became earlier (then nothing is changed), or None if it is new."""
        ...

    def known(self, platform: str, bot_id: str, update_key: str) -> str | None:
        """The task that an update became (empty for a command), None if it is new."""
        ...

    def reword(self, platform: str, bot_id: str, update_key: str, said: str) -> None:
        """What an update says was edited."""
        ...

    def said(self, task_id: str) -> list[str]:
        """What the updates of a task said, in the order they were taken; empty ones are left out."""
        ...


class Deliveries(Protocol):
    """What has been shown where: kept apart from what has been done."""

    def pending(self, platform: str, bot_id: str, limit: int) -> list[Delivery]:
        """Tasks of this bot whose newest state or answer was not shown yet: what failed least often first, so
        that a chat which refuses for good hides nobody else's, then the oldest."""
        ...

    def shown(self, task_id: str, version: int, platform_message_id: str | None) -> None:
        """The card shows this version, in that message."""
        ...

    def delivered(self, task_id: str, at: datetime) -> bool:
        """The answer is out. False if it was already: then it must not be sent again."""
        ...

    def failed(self, task_id: str, error: str) -> None:
        """Showing it failed; count the try."""
        ...


class AnswerCache(Protocol):
    """Kept plans, answers and results by owner and the exact inputs. Bounded: what was unused longest goes first."""

    def get(self, scope: Scope, key: str, now: datetime) -> str | None:
        """The stored text, if it has not expired; counts a hit. When it is not there, nobody else stores one before a
        `lead` of the same transaction."""
        ...

    def put(self, scope: Scope, key: str, kind: str, text: str, expires_at: datetime) -> None:
        """Store a text and end whoever's lease on the key; the later one wins. `kind` is plan, answer or result.
        One that is too large to be kept only ends the lease."""
        ...

    def lead(self, scope: Scope, key: str, holder: str, until: datetime) -> bool:
        """Take, or extend, the lease to make this text, so that equal questions in other processes wait for it.
        False while another holder's lease lasts."""
        ...

    def leave(self, scope: Scope, key: str, holder: str) -> None:
        """Give the lease back without a text."""
        ...

    def purge(self, scope: Scope) -> int:
        """Forget everything kept for this user. Returns how many texts that were."""
        ...


class Calls(Protocol):
    """The books: every call to a language model, by user, task and purpose."""

    def add(self, calls: Sequence[Call]) -> None:
        """Write calls down."""
        ...

    def spent(self, scope: Scope, since: datetime) -> list[Spend]:
        """What a user's calls since then took, by purpose and model."""
        ...

    def spent_on(self, scope: Scope, task_id: str) -> list[Spend]:
        """What one task of this user took so far, by purpose and model."""
        ...


class UnitOfWork(Chats, Protocol):
    """One transaction with its repositories."""

    @property
    def tasks(self) -> Tasks:
        """Tasks with their plan and progress."""
        ...

    @property
    def schedules(self) -> Schedules:
        """What is handed in again and again, or later."""
        ...

    @property
    def outbox(self) -> Outbox:
        """What was dispatched and not confirmed."""
        ...

    @property
    def inbox(self) -> Inbox:
        """Updates already taken."""
        ...

    @property
    def deliveries(self) -> Deliveries:
        """What chats have been shown."""
        ...

    @property
    def registry(self) -> Registry:
        """Who is alive."""
        ...

    @property
    def cache(self) -> AnswerCache:
        """Kept plans, answers and results."""
        ...

    @property
    def dead(self) -> DeadLetters:
        """Letters that died."""
        ...

    @property
    def retention(self) -> Retention:
        """Old rows."""
        ...

    @property
    def calls(self) -> Calls:
        """What language models were asked."""
        ...


class Store(Protocol):
    """The database: the only truth."""

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run `work` in one transaction and commit it.

        `work` is plain code that cannot await, so no transaction stays open across the network. It may be run
        again after a conflict and must have no effects of its own. Raises StoreDown when the database does
        not answer; whatever `work` raises rolls back and passes through.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...
