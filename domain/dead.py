"""Dead letters: messages that could not be taken, kept so that somebody can see why and do something about it.

An attempt that only waited too long in its queue is none: its row sends it again, and nothing was wrong with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from domain.errors import Refused
from domain.ids import TASK_ID_BITS, SubtaskId, task_id
from domain.secrets import without_secrets
from domain.task import FINAL_TASK, IN_FLIGHT, Task

MAX_BODY = 4 * 1024  # characters kept of what is only looked at
MAX_REPORT = 512 * 1024  # characters of a report, kept whole to be read again
MAX_DETAIL = 300


class Reason(StrEnum):
    """Why a letter died."""

    REJECTED = "rejected"  # a worker would not take the attempt
    MAXLEN = "maxlen"  # its queue was full
    DELIVERY_LIMIT = "delivery_limit"  # the broker gave up delivering it
    UNREADABLE = "unreadable"  # it is not a message
    FORGED = "forged"  # its sender is not who it says
    BREAKS_SETTLING = "breaks_settling"  # a report that our own code stumbles over
    POISON = "poison"  # an attempt that no worker ever took


class Fate(StrEnum):
    """What was done about it."""

    OPEN = "open"
    REQUEUED = "requeued"
    DROPPED = "dropped"


REPORTS = frozenset({Reason.BREAKS_SETTLING})  # what is published again as it was
FOR_LOOKING = frozenset({Reason.UNREADABLE, Reason.FORGED})  # what nobody could ever take
BROKER_REASONS = {reason.value: reason for reason in (Reason.REJECTED, Reason.MAXLEN, Reason.DELIVERY_LIMIT)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One kind of letter that died, however often: `seen` times, from `at` to `last_at`.

    `agent` is whose queue or routing key it was; `detail` what was wrong, in a clause; `body` as much of it as is kept.
    """

    at: datetime
    last_at: datetime
    agent: str
    reason: Reason
    id: str = ""
    subtask: SubtaskId | None = None
    attempt: int | None = None
    detail: str = ""
    body: str = ""
    seen: int = 1
    fate: Fate = Fate.OPEN

    @property
    def shown_body(self) -> str:
        """Its beginning, as it may be shown."""
        return without_secrets(self.body[:MAX_BODY])


def buried(letter: DeadLetter) -> DeadLetter:
    """A letter that just died, with its id and within its bounds. What is the same trouble again has the same id; a
    report is itself only."""
    is_report = letter.reason in REPORTS
    essence = letter.body if is_report else letter.detail
    told = "\0".join((letter.agent, letter.reason, str(letter.subtask or ""), essence))
    number = int.from_bytes(hashlib.blake2b(told.encode(errors="replace"), digest_size=8).digest())
    return replace(
        letter,
        id=task_id(number) + task_id(number >> TASK_ID_BITS)[-2:],
        agent=letter.agent[:MAX_DETAIL],
        detail=without_secrets(letter.detail[:MAX_DETAIL]),
        body=letter.body[:MAX_REPORT] if is_report else without_secrets(letter.body[:MAX_BODY]),
    )


def requeueable(letter: DeadLetter, task: Task | None) -> None:
    """Raises Refused, with the reason, when bringing this letter back makes no sense.

    Args:
        letter: what died.
        task: the task it is about, as it stands now; None when there is none (any more).
    """
    if letter.reason in FOR_LOOKING:
        raise Refused("dead.nobody_reads", id=letter.id)
    if letter.subtask is None or task is None or letter.subtask.key not in task.subtasks:
        raise Refused("dead.no_task", id=letter.id)
    check: Callable[[DeadLetter, Task], None] = _report_counts if letter.reason in REPORTS else _attempt_is_over
    check(letter, task)


def _report_counts(letter: DeadLetter, task: Task) -> None:
    """A report is worth reading while the attempt it speaks of is the one that counts."""
    assert letter.subtask is not None  # noqa: S101 -- its caller looked
    sub = task.subtasks[letter.subtask.key]
    if sub.state not in IN_FLIGHT or letter.attempt not in (None, sub.attempt):
        raise Refused("dead.too_late", id=letter.id, subtask=letter.subtask)
    if len(letter.body) >= MAX_REPORT:
        raise Refused("dead.too_large", id=letter.id)


def _attempt_is_over(letter: DeadLetter, task: Task) -> None:
    """While its task goes on an attempt is sent again by itself; afterwards it takes a new task."""
    if task.state not in FINAL_TASK:
        raise Refused("dead.goes_on", id=letter.id, task=task.id)
