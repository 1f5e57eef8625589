"""Between rows and the domain's values."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from sqlalchemy import Row

from domain.messages import KEPT
from domain.plan import Plan
from domain.ports import TaskLine
from domain.steering import is_fetching
from domain.subtasks import Subtasks
from domain.task import Attempt, Exchange, Lease, Outcome, Place, Route, Scope, Subtask, SubtaskState, Task, TaskState
from storage.fields import Fields, Values, as_is
from storage.json_text import ANSWER, DIALOGUE, FAILURE, MODEL_AWAY, RESULT, UPLOADS

MAX_INTEGER = 2**31 - 1  # of a column

WORDS = ("request", "language", "uploads")  # what a person may change of a task before it begins

# What changes of a task itself all the time, its version aside.
HEAD = Fields[Task](
    {
        "state": {"state": attrgetter("value")},
        "deadline_at": {"deadline_at": as_is},
        "failure": {"failure": FAILURE.dump},
        "claimed_until": {"claimed_until": as_is},
        "cancelled_at": {"cancelled_at": as_is},
        "planned_at": {"planned_at": as_is},
        "settled_at": {"settled_at": as_is},
        "answered_at": {"answered_at": as_is},
        "answer": {"answer": ANSWER.dump},
        "question": {"question": as_is},
        "dialogue": {"dialogue": lambda dialogue: DIALOGUE.dump(dialogue or None)},
        "claimed_by": {"claimed_by": as_is},
        "model_away": {"model_away": MODEL_AWAY.dump},
    }
)

# What changes of a subtask.
PROGRESS = Fields[Subtask](
    {
        "state": {"state": attrgetter("value")},
        "agent": {"agent": as_is},
        "attempt": {"attempt": as_is},
        "failures": {"failures": as_is},
        "handbacks": {"handbacks": as_is},
        "approved": {"approved": as_is},
        "lease": {
            "lease_exec_id": lambda lease: lease and lease.exec_id,
            "lease_worker": lambda lease: lease and lease.worker,
            "lease_until": lambda lease: lease and lease.until,
        },
        "due_at": {"due_at": as_is},
        "dispatched_at": {"dispatched_at": as_is},
        "started_at": {"started_at": as_is},
        "finished_at": {"finished_at": as_is},
        "result": {"result": RESULT.dump},
        "failure": {"failure": FAILURE.dump},
    }
)


def identity_values(task: Task) -> Values:
    """The columns of a task that never change."""
    return {
        "id": task.id,
        **owner_values(task.scope),
        **route_values(task.route),
        "trace_id": task.trace_id,
        "created_at": task.created_at,
        "retry_of": task.retry_of,
        "is_fresh": task.is_fresh,
        "run_at": task.run_at,
        "zone": task.zone,
        "expires_at": task.expires_at,
        "schedule_id": task.schedule_id,
    }


def words_values(task: Task) -> Values:
    """The columns of a task that change rarely: `WORDS`, and what follows from them."""
    return {
        "request": task.request,
        "language": task.language,
        "uploads": UPLOADS.dump(task.uploads or None),
        "is_fetching": is_fetching(task.uploads),
    }


def owner_values(scope: Scope) -> Values:
    """The columns that say whose row it is."""
    return {"tenant": scope.tenant, "owner": scope.owner}


def place_values(place: Place | Route) -> Values:
    """The columns that say where."""
    return {
        "platform": place.platform,
        "bot_id": place.bot_id,
        "chat_id": place.chat_id,
        "thread_id": place.thread_id,
    }


def route_values(route: Route) -> Values:
    """The columns that say where an answer goes."""
    return place_values(route) | {"reply_to": route.reply_to, "is_group": route.is_group}


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
        route=route_of(row),
        request=row.request,
        language=row.language,
        uploads=UPLOADS.load(row.uploads) or (),
        trace_id=row.trace_id,
        created_at=row.created_at,
        deadline_at=row.deadline_at,
        state=TaskState(row.state),
        version=row.version,
        retry_of=row.retry_of,
        plan=plan,
        subtasks=Subtasks.of(subtasks),
        failure=FAILURE.load(row.failure),
        claimed_until=row.claimed_until,
        cancelled_at=row.cancelled_at,
        planned_at=row.planned_at,
        settled_at=row.settled_at,
        answered_at=row.answered_at,
        answer=ANSWER.load(row.answer),
        is_fresh=row.is_fresh,
        run_at=row.run_at,
        zone=row.zone,
        expires_at=row.expires_at,
        schedule_id=row.schedule_id,
        question=row.question,
        dialogue=DIALOGUE.load(row.dialogue) or (),
        claimed_by=row.claimed_by,
        model_away=MODEL_AWAY.load(row.model_away),
    )


def route_of(row: Row[Any]) -> Route:
    """Where an answer goes."""
    return Route(
        platform=row.platform,
        bot_id=row.bot_id,
        chat_id=row.chat_id,
        thread_id=row.thread_id,
        reply_to=row.reply_to,
        is_group=row.is_group,
    )


def place_of(row: Row[Any]) -> Place:
    """Where a message is."""
    return Place(platform=row.platform, bot_id=row.bot_id, chat_id=row.chat_id, thread_id=row.thread_id)


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
