"""What arrived, grouped by the task it is about; what cannot be read, or is not from whom it says, is dropped
with a log line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from itertools import groupby

import structlog

from dispatcher import reading
from dispatcher.policy import Policy
from dispatcher.reading import Light
from dispatcher.turn import Reader
from domain import events as e
from domain.errors import Malformed
from domain.ids import SubtaskId
from domain.messages import Heartbeat, Hello, Notice, Nudge, Report, ResultMessage, TaskMessage
from domain.ports import Arrival
from domain.task import Task

log = structlog.get_logger()

MUCH = 6  # reports of one task; a turn that settles so many takes several times as long as one that settles one

Readers = Mapping[str, Sequence[Reader]]


def runs(arrivals: Iterable[Arrival[Report]]) -> Iterator[list[Arrival[Report]]]:
    """Announcements and other reports apart, in the order in which they came."""
    for _, run in groupby(arrivals, key=lambda arrival: isinstance(arrival.message, Hello)):
        yield list(run)


def hellos(arrivals: Iterable[Arrival[Report]]) -> list[Hello]:
    """The announcements among reports."""
    return [report for report in _genuine(arrivals) if isinstance(report, Hello)]


def bring_plans(arrivals: Iterable[Arrival[Report]]) -> bool:
    """Whether some report brings a plan, which has to be checked against the skills there are."""
    reports = (arrival.message for arrival in arrivals)
    return any(isinstance(report, ResultMessage) and report.content.plan is not None for report in reports)


def reports(arrivals: Iterable[Arrival[Report]], light: Light) -> Readers:
    """Results and notices, as readers of their tasks."""
    readers: dict[str, list[Reader]] = {}
    for report in _genuine(arrivals):
        if isinstance(report, Hello):
            continue
        name = SubtaskId.read(report.task_id)
        if name is None:
            log.warning("report_unknown", agent=report.source, subtask=report.task_id[:80])
        else:
            readers.setdefault(name.task, []).append(_reader(report, light))
    return readers


def named(arrivals: Iterable[Arrival[Nudge]]) -> Set[str]:
    """The tasks in which something is said to be ready."""
    return {arrival.message.task_id for arrival in arrivals if not isinstance(arrival.message, Malformed)}


def smaller_first(readers: Readers) -> Iterator[Readers]:
    """In two parts, if some tasks brought little and others much: so that a wide plan makes nobody wait for its turn
    who has only a step to take."""
    much = {task_id: brought for task_id, brought in readers.items() if len(brought) >= MUCH}
    little = {task_id: brought for task_id, brought in readers.items() if task_id not in much}
    yield from (part for part in (little, much) if part)


def _reader(report: ResultMessage | Notice, light: Light) -> Reader:
    def read(task: Task) -> Sequence[e.Event]:
        event = reading.event_of(report, task, light)
        return () if event is None else (event,)

    return read


def _genuine(arrivals: Iterable[Arrival[Report]]) -> Iterable[Report]:
    """Readable reports whose sender, as the broker vouches for it, is who the body says."""
    for arrival in arrivals:
        report = arrival.message
        if isinstance(report, Malformed):
            log.warning("report_unreadable", sender=arrival.sender, error=str(report))
        elif (report.agent if isinstance(report, Hello) else report.source) != arrival.sender:
            log.warning("report_forged", sender=arrival.sender, type=report.type)
        else:
            yield report


def heartbeats(arrivals: Iterable[Arrival[Heartbeat]]) -> list[Heartbeat]:
    """Readable heartbeats from whom they say."""
    return [
        arrival.message
        for arrival in arrivals
        if not isinstance(arrival.message, Malformed) and arrival.message.agent == arrival.sender
    ]


def beats(heartbeats: Iterable[Heartbeat], policy: Policy, now: datetime) -> Readers:
    """The leases that heartbeats extend, as readers of their tasks."""
    readers: dict[str, list[Reader]] = {}
    for heartbeat in heartbeats:
        for task_id, event in reading.beats(heartbeat, policy, now):
            readers.setdefault(task_id, []).append(_if_theirs(event, heartbeat.agent))
    return readers


def dead_letters(arrivals: Iterable[Arrival[TaskMessage]], now: datetime) -> Readers:
    """Attempts that died in a queue, as readers of their tasks."""
    readers: dict[str, list[Reader]] = {}
    for arrival in arrivals:
        message = arrival.message
        name = None if isinstance(message, Malformed) else SubtaskId.read(message.task_id)
        if isinstance(message, Malformed) or name is None:
            log.warning("dead_letter_unreadable", sender=arrival.sender, reason=arrival.reason)
            continue
        log.info("dead_letter", subtask=message.task_id, agent=message.target, reason=arrival.reason)
        event = reading.died(arrival.reason, name, message.metadata.attempt, now)
        readers.setdefault(name.task, []).append(_always(event))
    return readers


def _if_theirs(event: e.Beat, agent: str) -> Reader:
    """Nobody keeps another agent's lease alive, or has it stopped."""

    def read(task: Task) -> Sequence[e.Event]:
        sub = task.subtasks.get(event.key)
        return (event,) if sub is not None and sub.agent == agent else ()

    return read


def _always(event: e.Event) -> Reader:
    return lambda _task: (event,)
