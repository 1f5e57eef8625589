"""What workers say, read as events of a task. Pure: the same report, task and time give the same event."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dispatcher.division import TOO_DEEP, sub_plan
from dispatcher.policy import Policy
from domain import events as e
from domain.agents import Worker
from domain.errors import Refused
from domain.ids import SubtaskId
from domain.messages import SUCCESS, Heartbeat, Hello, Notice, ResultContent, ResultMessage, SkillEntry
from domain.model import Usage
from domain.plan import Node
from domain.skill import Catalogue, Effect, Param, ParamType, SkillSpec
from domain.task import IN_FLIGHT, Failure, Finding, Lease, Result, Task
from domain.texts import Language

# Reasons for a handback that say something about the worker, not about the message.
BLAMELESS = frozenset({"draining", "busy", "expired"})
MAX_FINDINGS = 500  # kept of one result; the summary says how many there were


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """In which light reports are read: the numbers, the skills that can be asked for, the time, and `jitter` in
    [0, 1) for retries."""

    policy: Policy
    catalogue: Catalogue
    now: datetime
    jitter: float


def event_of(report: ResultMessage | Notice, task: Task, light: Light) -> e.Event | None:
    """The event a report is, or None when it speaks of a subtask the task does not have."""
    name = SubtaskId.read(report.task_id)
    if name is None or task.plan is None or name.key not in task.plan.by_id:
        return None
    if isinstance(report, ResultMessage):
        return _resulted(report, task, name.key, light)
    is_theirs = task.subtasks[name.key].agent == report.source
    return _noticed(report, task.plan.by_id[name.key], light.policy, light.now) if is_theirs else None


def _noticed(notice: Notice, node: Node, policy: Policy, now: datetime) -> e.Event:
    about = notice.metadata
    if notice.type == "handback":
        counts = about.reason not in BLAMELESS
        return e.HandedBack(key=node.id, attempt=about.attempt, exec_id=about.exec_id or None, at=now, counts=counts)
    kind = e.Started if notice.type == "started" else e.Claimed
    lease = Lease(exec_id=about.exec_id, worker=about.worker, until=policy.lease_until(now))
    return kind(key=node.id, attempt=about.attempt, lease=lease, at=now, due_at=policy.run_due(node, now))


def _resulted(message: ResultMessage, task: Task, key: str, light: Light) -> e.Event:
    if message.status != SUCCESS:
        return _failed(message, key, _failure(message), light)
    if message.content.plan is None:
        return e.Succeeded(**_reported(message, key, light), result=_result(message.content))
    try:
        plan = sub_plan(message.content.plan, task, key, light.catalogue)
    except Refused as refused:
        return _failed(message, key, _unusable(refused, task.language), light)
    result = _result(message.content)
    if not plan.nodes and result.output is None:  # it found the answer instead
        result = replace(result, output=plan.answer)
    return e.Divided(**_reported(message, key, light), nodes=plan.nodes, result=result, repairs=plan.repairs)


def _unusable(refused: Refused, language: Language) -> Failure:
    """Why a plan that an agent brought is not carried out; the same plan would not be the next time either."""
    if refused.key == TOO_DEEP:
        return Failure(code="too_deep")
    return Failure(code="bad_plan", message=refused.say(language))


def _failed(message: ResultMessage, key: str, failure: Failure, light: Light) -> e.Failed:
    return e.Failed(
        **_reported(message, key, light), failure=failure, jitter=light.jitter, usage=_usage(message.content)
    )


def _reported(message: ResultMessage, key: str, light: Light) -> dict[str, Any]:
    """Whose word about which attempt it is."""
    about = message.metadata
    return {
        "key": key,
        "attempt": about.attempt,
        "exec_id": about.exec_id,
        "agent": message.source,
        "at": light.now,
    }


def _failure(message: ResultMessage) -> Failure:
    error = message.content.error
    if error is None:  # a foreign listener's error word: it may well work next time
        return Failure(code=message.status, message=message.content.summary, retryable=True)
    return Failure(
        code=message.status,
        message=error.message,
        retryable=error.retryable,
        retry_after_s=error.retry_after_s,
    )


def _result(content: ResultContent) -> Result:
    return Result(
        summary=content.summary,
        output=content.output,
        findings=tuple(_finding(entry) for entry in content.findings[:MAX_FINDINGS]),
        files=tuple(content.files),
        usage=_usage(content),
    )


def _usage(content: ResultContent) -> tuple[Usage, ...]:
    return tuple(Usage(**entry.model_dump()) for entry in content.usage)


def _finding(entry: Any) -> Finding:
    if not isinstance(entry, Mapping):
        return Finding(severity="info", message=str(entry))
    return Finding(
        severity=str(entry.get("severity", "info")),
        message=str(entry.get("message", "")),
        where=str(entry.get("where", "")),
    )


def died(reason: str | None, message_id: SubtaskId, attempt: int, now: datetime) -> e.HandedBack:
    """A dead letter: the attempt comes back unrun. Having waited too long says nothing against the message."""
    return e.HandedBack(key=message_id.key, attempt=attempt, exec_id=None, at=now, counts=reason != "expired")


def beats(heartbeat: Heartbeat, policy: Policy, now: datetime) -> Iterator[tuple[str, e.Beat]]:
    """(task id, event) for every lease a heartbeat holds on to."""
    for holding in heartbeat.holding:
        name = SubtaskId.read(holding.task_id)
        if name is not None:
            lease = Lease(exec_id=holding.exec_id, worker=heartbeat.worker, until=policy.lease_until(now))
            yield name.task, e.Beat(key=name.key, attempt=holding.attempt, lease=lease)


def overdue(
    task: Task, now: datetime, heard_until: datetime, jitter: Callable[[], float], greeting: Collection[str] = ()
) -> list[e.Event]:
    """The timers of a task that went off by `now`.

    What is in flight is only given up if its time was over by `heard_until`: nobody could have heard of it since. An
    attempt of which one of the agents `greeting` never said `started` was not run: it comes back and costs no try. What
    was lost together gets a `jitter` each, not to meet again.
    """
    # A granted external effect outlives the deadline: its own timers still have to end it.
    gone: list[e.Event] = [e.DeadlinePassed(at=now)] if task.deadline_at <= now else []
    gone += [e.Expired(at=now)] if task.expires_at is not None and task.expires_at <= now else []
    for sub in task.subtasks.values():
        if sub.state not in IN_FLIGHT:
            continue
        is_late = sub.due_at is not None and sub.due_at <= min(now, heard_until)
        if sub.lease is not None and sub.lease.until <= heard_until:
            gone.append(e.LeaseExpired(key=sub.key, attempt=sub.attempt, at=now, jitter=jitter()))
        elif is_late and sub.lease is None and sub.agent in greeting:
            gone.append(e.HandedBack(key=sub.key, attempt=sub.attempt, exec_id=None, at=now))
        elif is_late:
            gone.append(e.TimedOut(key=sub.key, attempt=sub.attempt, at=now, jitter=jitter()))
    return gone


def announced(hello: Hello, now: datetime) -> Worker:
    """The worker a hello announces."""
    return Worker(
        agent=hello.agent,
        worker=hello.worker,
        incarnation=hello.incarnation,
        slots=hello.slots,
        skills=tuple(_skill(entry) for entry in hello.skills),
        status="idle",
        current_task=None,
        last_seen=now,
    )


def alive(heartbeat: Heartbeat, now: datetime) -> Worker:
    """The worker a heartbeat speaks of; a listener that does not name itself is its agent's only one."""
    return Worker(
        agent=heartbeat.agent,
        worker=heartbeat.worker or heartbeat.agent,
        incarnation=heartbeat.incarnation,
        slots=1,
        skills=(),
        status=heartbeat.status,
        current_task=heartbeat.current_task,
        last_seen=now,
    )


_TYPES = {kind.value: kind for kind in ParamType}


def _skill(entry: SkillEntry) -> SkillSpec:
    return SkillSpec(
        name=entry.name,
        description=entry.description,
        params=tuple(
            Param(
                name=param.name,
                type=_TYPES.get(param.type, ParamType.ANY),
                description=param.description,
                required=param.required,
                default=param.default,
                choices=tuple(param.choices),
            )
            for param in entry.params
        ),
        output_schema=entry.output_schema,
        effect=Effect(entry.effect),
        timeout_s=entry.timeout_s,
        max_attempts=entry.max_attempts,
        keywords=tuple(entry.keywords),
        examples=tuple(entry.examples),
        open_params=entry.open_params,
        aliases=tuple(entry.aliases),
        cache_s=entry.cache_s,
    )
