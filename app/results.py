"""What `ask --json` and `run --json` print: one shape, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from domain.ends import node_of
from domain.errors import Refused
from domain.outputs import output_of, outputs_for
from domain.plan import Node, Plan
from domain.plan_json import plan_document
from domain.task import Attempt, Subtask, Task


def task_document(task: Task, attempts: Sequence[Attempt] = ()) -> dict[str, Any]:
    """A task as JSON: `{task_id, state, answer, verdict, plan, subtasks, repairs, rounds, dialogue, timings}`."""
    plan = task.plan or Plan(author="")
    answer = task.answer
    return {
        "task_id": task.id,
        "state": task.state.value,
        "answer": answer.text if answer else None,
        "author": answer.author.value if answer else None,
        "verdict": answer.verdict.value if answer and answer.verdict else None,
        "statements": [
            {"text": statement.text, "sources": list(statement.sources)}
            for statement in (answer.statements if answer else ())
        ],
        "error": task.failure.code if task.failure else None,
        "run_at": _time(task.run_at),
        "expires_at": _time(task.expires_at),
        "schedule": task.schedule_id,
        "question": task.question,
        "dialogue": [{"question": exchange.said, "reply": exchange.reply} for exchange in task.dialogue],
        "plan": plan_document(plan) if task.plan else None,
        "planner": plan.author or None,
        "unplaced": list(plan.unplaced),
        "subtasks": [_subtask(task, sub, attempts) for sub in task.subtasks.values()],
        "repairs": [asdict(repair) for repair in plan.repairs],
        "rounds": [{"number": number, "why": why or None} for number, why in enumerate(plan.misses, start=1)],
        "timings": _timings(task),
        "trace_id": task.trace_id,
    }


def _subtask(task: Task, sub: Subtask, attempts: Sequence[Attempt]) -> dict[str, Any]:
    tries = [attempt for attempt in attempts if attempt.key == sub.key]
    first = tries[0].started_at if tries else sub.started_at or sub.dispatched_at
    node, result, failure = node_of(task, sub.key), sub.result, sub.failure
    return {
        "id": sub.key,
        "skill": node.skill,
        "parent": node.parent or None,
        "round": node.round,
        "item": _item(task, node),
        "agent": sub.agent,
        "state": sub.state.value,
        "attempts": sub.attempt,
        "started_at": _time(first),
        "finished_at": _time(sub.finished_at),
        "summary": result.summary if result else None,
        "output": output_of(task, sub.key),
        "findings": [
            {"severity": finding.severity, "message": finding.message, "where": finding.where}
            for finding in (result.findings if result else ())
        ],
        "files": list(result.files) if result else [],
        "error": {"code": failure.code, "message": failure.message} if failure else None,
    }


def _item(task: Task, node: Node) -> Any:
    """What a map made the subtask for."""
    try:
        return outputs_for(task, node.id)["item"] if node.item is not None else None
    except Refused:  # the list is not there any more
        return None


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
