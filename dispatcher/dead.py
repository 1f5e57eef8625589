"""What cannot be taken is kept as a dead letter, with the reason: among reports, among what died in a queue, and when
an attempt is given up because no worker ever takes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.attempts import IS_POISON
from domain.dead import BROKER_REASONS, DeadLetter, Reason, buried
from domain.errors import Malformed
from domain.ids import SubtaskId
from domain.messages import Hello, Report, TaskMessage
from domain.ports import Arrival
from domain.task import Attempt, Outcome

EXPIRED = "expired"  # it only waited too long: its row sends it again, and nothing was wrong with it


def among_reports(arrivals: Iterable[Arrival[Report]], now: datetime) -> list[DeadLetter]:
    """Those that are no reports, or not from whom they say."""
    return [letter for arrival in arrivals for letter in _unusable(arrival, now)]


def breaking(arrival: Arrival[Report], now: datetime, error: Exception) -> DeadLetter:
    """A report that our own code stumbles over: a bug, and once it is mended the report can be read again."""
    report = arrival.message
    if isinstance(report, Malformed | Hello):
        return _letter(arrival, now, Reason.BREAKS_SETTLING, detail=type(error).__name__)
    about = {"subtask": SubtaskId.read(report.task_id), "attempt": report.metadata.attempt}
    return _letter(arrival, now, Reason.BREAKS_SETTLING, detail=type(error).__name__, **about)


def among_the_dead(arrivals: Iterable[Arrival[TaskMessage]], now: datetime) -> list[DeadLetter]:
    """Those that did not just wait too long."""
    return [letter for arrival in arrivals if (letter := _died(arrival, now)) is not None]


def given_up(attempts: Mapping[str, Sequence[Attempt]], now: datetime) -> list[DeadLetter]:
    """Attempts, by task, that end a subtask because nobody ever took it."""
    ended = [(task_id, one) for task_id, of_task in attempts.items() for one in of_task]
    return [_given_up(task_id, one, now) for task_id, one in ended if _is_poison(one)]


def _is_poison(attempt: Attempt) -> bool:
    failure = attempt.failure
    return attempt.outcome is Outcome.HANDED_BACK and failure is not None and failure.code == IS_POISON


def _given_up(task_id: str, attempt: Attempt, now: datetime) -> DeadLetter:
    name = SubtaskId(task_id, attempt.key)
    letter = DeadLetter(at=now, last_at=now, agent=attempt.agent, reason=Reason.POISON, subtask=name)
    return buried(replace(letter, attempt=attempt.number))


def _unusable(arrival: Arrival[Report], now: datetime) -> Iterator[DeadLetter]:
    report = arrival.message
    if isinstance(report, Malformed):
        yield _letter(arrival, now, Reason.UNREADABLE, detail=_what(report))
        return
    said = report.agent if isinstance(report, Hello) else report.source
    if said != arrival.sender:
        yield _letter(arrival, now, Reason.FORGED, detail=f"{report.type} says it is from {said[:80]}")
    elif not isinstance(report, Hello) and SubtaskId.read(report.task_id) is None:
        yield _letter(arrival, now, Reason.UNREADABLE, detail=_nobody(report.task_id))


def _died(arrival: Arrival[TaskMessage], now: datetime) -> DeadLetter | None:
    message = arrival.message
    if isinstance(message, Malformed):
        return _letter(arrival, now, Reason.UNREADABLE, detail=_what(message))
    if (name := SubtaskId.read(message.task_id)) is None:
        return _letter(arrival, now, Reason.UNREADABLE, detail=_nobody(message.task_id))
    if arrival.reason == EXPIRED:
        return None
    reason = BROKER_REASONS.get(arrival.reason or "", Reason.REJECTED)
    return _letter(arrival, now, reason, subtask=name, attempt=message.metadata.attempt)


def _letter(arrival: Arrival[Any], now: datetime, reason: Reason, **about: Any) -> DeadLetter:
    body = arrival.body.decode(errors="replace")
    return buried(DeadLetter(at=now, last_at=now, agent=arrival.sender, reason=reason, body=body, **about))


def _what(malformed: Malformed) -> str:
    return str(malformed.values.get("detail", ""))


def _nobody(task_id: str) -> str:
    return f"taskId {task_id[:80]!r} is no subtask's"
