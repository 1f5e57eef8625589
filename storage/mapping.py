"""Between rows and the domain's values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from domain.messages import KEPT
from domain.plan import Plan
from domain.ports import TaskLine
from domain.task import Attempt, Exchange, Lease, Outcome, Route, Scope, Subtask, SubtaskState, Task, TaskState
from storage.json_text import ANSWER, DIALOGUE, FAILURE, RESULT

Values = dict[str, Any]
MAX_INTEGER = 2**31 - 1  # of a column

HEAD = (  # what changes of a task itself, its version and plan aside
    "state",
    "deadline_at",
    "failure",
    "claimed_until",
    "cancelled_at",
    "planned_at",
    "settled_at",
    "answered_at",
    "answer",
    "question",
    "dialogue",
    "claimed_by",
)


def identity_values(task: Task) -> Values:
    """The columns of a task that never change."""
    return {
        "id": task.id,
        **owner_values(task.scope),
        "platform": task.route.platform,
        "bot_id": task.route.bot_id,
        "chat_id": task.route.chat_id,
        "request": task.request,
        "language": task.language,
        "trace_id": task.trace_id,
        "created_at": task.created_at,
        "retry_of": task.retry_of,
        "is_fresh": task.is_fresh,
    }


def owner_values(scope: Scope) -> Values:
    """The columns that say whose row it is."""
    return {"tenant": scope.tenant, "owner": scope.owner}


def head_values(task: Task) -> Values:
    """The columns of a task that change: `HEAD` and the version."""
    return {
        "version": task.version,
        "state": task.state.value,
        "deadline_at": task.deadline_at,
        "failure": FAILURE.dump(task.failure),
        "claimed_until": task.claimed_until,
        "cancelled_at": task.cancelled_at,
        "planned_at": task.planned_at,
        "settled_at": task.settled_at,
        "answered_at": task.answered_at,
        "answer": ANSWER.dump(task.answer),
        "question": task.question,
        "dialogue": DIALOGUE.dump(task.dialogue or None),
        "claimed_by": task.claimed_by,
    }


def progress_values(sub: Subtask) -> Values:
    """The columns of a subtask that change."""
    lease = sub.lease
    return {
        "state": sub.state.value,
        "agent": sub.agent,
        "attempt": sub.attempt,
        "failures": sub.failures,
        "handbacks": sub.handbacks,
        "approved": sub.approved,
        "lease_exec_id": lease.exec_id if lease else None,
        "lease_worker": lease.worker if lease else None,
        "lease_until": lease.until if lease else None,
        "due_at": sub.due_at,
        "dispatched_at": sub.dispatched_at,
        "started_at": sub.started_at,
        "finished_at": sub.finished_at,
        "result": RESULT.dump(sub.result),
        "failure": FAILURE.dump(sub.failure),
    }


PROGRESS = tuple(progress_values(Subtask(key="")))  # what changes of a subtask


def attempt_values(task: Task, attempt: Attempt) -> Values:
    """The row of an ended attempt."""
    return {
        "task_id": task.id,
        **owner_values(task.scope),
        "key": attempt.key,
        "number": attempt.number,
        "agent": attempt.agent,
        "worker": attempt.worker,
        "exec_id": attempt.exec_id,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "outcome": attempt.outcome.value,
        "failure": FAILURE.dump(attempt.failure),
        "skill": attempt.skill,
        "seconds": _worked_s(attempt),
    }


def _worked_s(attempt: Attempt) -> float | None:
    """How long an agent worked to succeed; a kept result says nothing about that."""
    if attempt.outcome is not Outcome.SUCCEEDED or attempt.started_at is None or attempt.agent == KEPT:
        return None
    return (attempt.ended_at - attempt.started_at).total_seconds()


def task_of(row: Row[Any], plan: Plan | None, subtasks: Mapping[str, Subtask]) -> Task:
    """The task behind its row."""
    return Task(
        id=row.id,
        scope=Scope(tenant=row.tenant, owner=row.owner),
        route=Route(platform=row.platform, bot_id=row.bot_id, chat_id=row.chat_id),
        request=row.request,
        language=row.language,
        trace_id=row.trace_id,
        created_at=row.created_at,
        deadline_at=row.deadline_at,
        state=TaskState(row.state),
        version=row.version,
        retry_of=row.retry_of,
        plan=plan,
        subtasks=subtasks,
        failure=FAILURE.load(row.failure),
        claimed_until=row.claimed_until,
        cancelled_at=row.cancelled_at,
        planned_at=row.planned_at,
        settled_at=row.settled_at,
        answered_at=row.answered_at,
        answer=ANSWER.load(row.answer),
        is_fresh=row.is_fresh,
        question=row.question,
        dialogue=DIALOGUE.load(row.dialogue) or (),
        claimed_by=row.claimed_by,
    )


def subtask_of(row: Row[Any]) -> Subtask:
    """The subtask behind its row."""
    return Subtask(
        key=row.key,
        state=SubtaskState(row.state),
        agent=row.agent,
        attempt=row.attempt,
        failures=row.failures,
        handbacks=row.handbacks,
        approved=row.approved,
        lease=_lease_of(row),
        due_at=row.due_at,
        dispatched_at=row.dispatched_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        result=RESULT.load(row.result),
        failure=FAILURE.load(row.failure),
    )


def attempt_of(row: Row[Any]) -> Attempt:
    """The ended attempt behind its row."""
    return Attempt(
        key=row.key,
        number=row.number,
        agent=row.agent,
        worker=row.worker,
        exec_id=row.exec_id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        outcome=Outcome(row.outcome),
        failure=FAILURE.load(row.failure),
        skill=row.skill or "",
    )


def line_of(row: Row[Any]) -> TaskLine:
    """A task in a list."""
    return TaskLine(
        id=row.id,
        state=TaskState(row.state),
        request=row.request,
        created_at=row.created_at,
        done=row.done,
        total=row.total,
    )


def exchange_of(row: Row[Any]) -> Exchange:
    """A request and what was answered."""
    answer = ANSWER.load(row.answer)
    return Exchange(said=row.request, reply=answer.text if answer else "")


def _lease_of(row: Row[Any]) -> Lease | None:
    if row.lease_exec_id is None:
        return None
    return Lease(exec_id=row.lease_exec_id, worker=row.lease_worker, until=row.lease_until)
