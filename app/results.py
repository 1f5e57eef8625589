"""What `ask --json` and `run --json` print: one shape, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.plan_json import plan_document
from domain.task import Attempt, Subtask, Task


def task_document(task: Task, attempts: Sequence[Attempt] = ()) -> dict[str, Any]:
    """A task as JSON: `{task_id, state, answer, plan, subtasks, repairs, timings}`."""
    plan = task.plan
    return {
        "task_id": task.id,
        "state": task.state.value,
        "answer": task.answer.text if task.answer else None,
        "statements": [
            {"text": statement.text, "sources": list(statement.sources)}
            for statement in (task.answer.statements if task.answer else ())
        ],
        "error": task.failure.code if task.failure else None,
        "plan": plan_document(plan) if plan else None,
        "planner": plan.author if plan else None,
        "unplaced": list(plan.unplaced) if plan else [],
        "subtasks": [_subtask(task, sub, attempts) for sub in task.subtasks.values()],
        "repairs": [
            {"kind": repair.kind, "node": repair.node, "other": repair.other}
            for repair in (plan.repairs if plan else ())
        ],
        "timings": _timings(task),
        "trace_id": task.trace_id,
    }


def _subtask(task: Task, sub: Subtask, attempts: Sequence[Attempt]) -> dict[str, Any]:
    tries = [attempt for attempt in attempts if attempt.key == sub.key]
    first = tries[0].started_at if tries else sub.started_at or sub.dispatched_at
    result, failure = sub.result, sub.failure
    return {
        "id": sub.key,
        "skill": task.plan.by_id[sub.key].skill if task.plan else None,
        "agent": sub.agent,
        "state": sub.state.value,
        "attempts": sub.attempt,
        "started_at": _time(first),
        "finished_at": _time(sub.finished_at),
        "summary": result.summary if result else None,
        "output": result.output if result else None,
        "findings": [
            {"severity": finding.severity, "message": finding.message, "where": finding.where}
            for finding in (result.findings if result else ())
        ],
        "files": list(result.files) if result else [],
        "error": {"code": failure.code, "message": failure.message} if failure else None,
    }


def _timings(task: Task) -> dict[str, Any]:
    """Times of the task's stages, and seconds between them."""
    return {
        "received_at": _time(task.created_at),
        "planned_at": _time(task.planned_at),
        "settled_at": _time(task.settled_at),
        "answered_at": _time(task.answered_at),
        "planning_s": _between(task.created_at, task.planned_at),
        "running_s": _between(task.planned_at, task.settled_at),
        "answering_s": _between(task.settled_at, task.answered_at),
        "total_s": _between(task.created_at, task.answered_at),
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return round((end - start).total_seconds(), 4) if start and end else None
