"""`step(task, event) -> (task, effects)`: every decision in the life of a task, pure.

An event that comes too late, or from somebody who does not hold the attempt, changes nothing: every change of a
subtask is a compare-and-set on (attempt, exec_id). `docs/reference/states.md` draws the transitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from domain import attempts
from domain import events as e
from domain.ends import LOST, Step, end_all, put, stand, unfold, waits_for_approval
from domain.task import FINAL_TASK, Failure, Subtask, SubtaskState, Task, TaskState


def step(task: Task, event: e.Event) -> Step:
    """Apply one event. Returns the same task and no effects when the event is stale."""
    if task.state in FINAL_TASK:
        return _late(task, event)
    return _DECISIONS[type(event)](task, event)


def run(task: Task, happened: Iterable[e.Event]) -> Step:
    """Apply events in order and collect their effects."""
    effects: list[e.Effect] = []
    for event in happened:
        task, more = step(task, event)
        effects.extend(more)
    return task, tuple(effects)


def verdict(task: Task) -> TaskState:
    """The final state of a settled task."""
    if task.cancelled_at is not None:
        return TaskState.CANCELLED
    if task.failure is not None:
        return TaskState.FAILED
    ends = [(task.subtasks[node.id].state, node.critical) for node in task.plan.nodes] if task.plan else []
    lost_critical = any(critical and state in LOST for state, critical in ends)
    nothing_done = bool(ends) and all(state is not SubtaskState.SUCCEEDED for state, _ in ends)
    return TaskState.FAILED if lost_critical or nothing_done else TaskState.ANSWERED


def _late(task: Task, event: e.Event) -> Step:
    """After the end only one thing is left to do: stop workers that do not know it yet."""
    if isinstance(event, e.Started | e.Claimed | e.Beat) and event.key in task.subtasks:
        return task, attempts.stop(task.subtasks[event.key], event)
    return task, ()


def _planning_started(task: Task, event: e.PlanningStarted) -> Step:
    if task.plan is not None or task.settled_at is not None:
        return task, ()
    return replace(task, state=TaskState.PLANNING, claimed_until=event.until), ()


def _planned(task: Task, event: e.Planned) -> Step:
    if task.plan is not None or task.settled_at is not None:
        return task, ()
    subtasks = {node.id: event.carried.get(node.id, Subtask(key=node.id)) for node in event.plan.nodes}
    task = replace(
        task, state=TaskState.RUNNING, plan=event.plan, subtasks=subtasks, planned_at=event.at, claimed_until=None
    )
    return stand(unfold(task, subtasks, event.at), event.at)


def _plan_failed(task: Task, event: e.PlanFailed) -> Step:
    if task.plan is not None or task.settled_at is not None:
        return task, ()
    return stand(replace(task, plan=event.plan, failure=event.failure, planned_at=event.at), event.at)


def _approved(task: Task, event: e.Approved) -> Step:
    waiting = [sub for sub in task.subtasks.values() if waits_for_approval(task, sub)]
    if not waiting:
        return task, ()
    return stand(put(task, [replace(sub, approved=True) for sub in waiting]), event.at)


def _cancel_requested(task: Task, event: e.CancelRequested) -> Step:
    if task.settled_at is not None:
        return task, ()
    task = replace(task, cancelled_at=task.cancelled_at or event.at)
    return end_all(task, SubtaskState.CANCELLED, "cancelled", event.at)


def _deadline_passed(task: Task, event: e.DeadlinePassed) -> Step:
    if task.settled_at is not None or event.at < task.deadline_at:
        return task, ()
    if task.plan is None:
        task = replace(task, failure=Failure(code="deadline"))
    return end_all(task, SubtaskState.FAILED, "deadline", event.at)


def _answering_started(task: Task, event: e.AnsweringStarted) -> Step:
    return (replace(task, claimed_until=event.until), ()) if task.settled_at else (task, ())


def _answered(task: Task, event: e.Answered) -> Step:
    if task.settled_at is None:
        return task, ()
    return replace(task, state=verdict(task), answer=event.answer, answered_at=event.at, claimed_until=None), ()


_DECISIONS: dict[type[Any], Callable[[Task, Any], Step]] = {
    e.PlanningStarted: _planning_started,
    e.Planned: _planned,
    e.PlanFailed: _plan_failed,
    e.Approved: _approved,
    e.CancelRequested: _cancel_requested,
    e.DeadlinePassed: _deadline_passed,
    e.AnsweringStarted: _answering_started,
    e.Answered: _answered,
    e.Released: attempts.released,
    e.Started: attempts.started,
    e.Claimed: attempts.claimed,
    e.Beat: attempts.beat,
    e.Succeeded: attempts.succeeded,
    e.Failed: attempts.failed,
    e.HandedBack: attempts.handed_back,
    e.TimedOut: attempts.timed_out,
    e.LeaseExpired: attempts.lease_expired,
}
