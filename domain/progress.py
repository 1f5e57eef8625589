"""`step(task, event) -> (task, effects)`: every decision in the life of a task, pure.

An event that comes too late, or from somebody who does not hold the attempt, changes nothing: every change of a
subtask is a compare-and-set on (attempt, exec_id). `docs/reference/states.md` draws the transitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from domain import attempts, growth
from domain import events as e
from domain.ends import (
    Step,
    another_round_left,
    end_all,
    grow,
    is_failing,
    over,
    put,
    replanned,
    stand,
    waits_for_approval,
)
from domain.plan import Plan
from domain.task import FINAL_TASK, Exchange, Failure, SubtaskState, Task, TaskState


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
    if task.failure is not None or is_failing(task):
        return TaskState.FAILED
    states = [sub.state for sub in task.subtasks.values()]
    nothing_done = bool(states) and SubtaskState.SUCCEEDED not in states
    return TaskState.FAILED if nothing_done else TaskState.ANSWERED


def _late(task: Task, event: e.Event) -> Step:
    """After the end only one thing is left to do: stop workers that do not know it yet."""
    if isinstance(event, e.Started | e.Claimed | e.Beat) and event.key in task.subtasks:
        return task, attempts.stop(task.subtasks[event.key], event)
    return task, ()


# --- planning -------------------------------------------------------------------------------------------------


def _is_planned_now(task: Task) -> bool:
    """Whether it is the planner's turn: the plan is not whole, and no question is open."""
    return task.planned_at is None and task.settled_at is None and task.question is None


def _is_theirs(task: Task, by: str | None) -> bool:
    """Whether `by` is the planner whose word counts."""
    return _is_planned_now(task) and task.claimed_by == by


def _planning_started(task: Task, event: e.PlanningStarted) -> Step:
    if not _is_planned_now(task):
        return task, ()
    return replace(task, state=TaskState.PLANNING, claimed_until=event.until, claimed_by=event.by), ()


def _plan_grew(task: Task, event: e.PlanGrew) -> Step:
    if not _is_theirs(task, event.by):
        return task, ()
    begun = task.plan or Plan(author=event.author)
    plan = growth.grown(begun, event.nodes)
    if plan.nodes == begun.nodes:
        return task, ()
    return grow(replace(task, state=TaskState.PLANNING), plan, event.at)


def _planned(task: Task, event: e.Planned) -> Step:
    if not _is_theirs(task, event.by):
        return task, ()
    return grow(over(task, event.at), growth.whole(task.plan, event.plan), event.at, event.carried)


def _plan_failed(task: Task, event: e.PlanFailed) -> Step:
    if not _is_theirs(task, event.by):
        return task, ()
    return stand(_given_up(task, event.failure, event.at), event.at)


def _given_up(task: Task, failure: Failure, at: datetime) -> Task:
    """The task without the rest of its plan: it lives on what it has, and fails if that is nothing."""
    task = over(task, at)
    if task.plan is None:
        return replace(task, failure=failure)
    return replace(task, plan=growth.cut_short(task.plan, failure.code))


def _question_asked(task: Task, event: e.QuestionAsked) -> Step:
    if not _is_theirs(task, event.by) or task.dialogue:
        return task, ()
    asked = replace(task, state=TaskState.WAITING, question=event.question, claimed_until=None, claimed_by=None)
    return asked, ()


def _question_answered(task: Task, event: e.QuestionAnswered) -> Step:
    if task.question is None:
        return task, ()
    exchange = Exchange(said=task.question, reply=event.reply)
    task = replace(task, state=TaskState.RECEIVED, question=None, dialogue=(*task.dialogue, exchange))
    return task, (e.Replan(),)


def _dissatisfied(task: Task, event: e.Dissatisfied) -> Step:
    if task.settled_at is None or not another_round_left(task, event.at):
        return task, ()
    return replanned(task, event.why)


# --- the person and the clock ---------------------------------------------------------------------------------


def _approved(task: Task, event: e.Approved) -> Step:
    waiting = [sub for sub in task.subtasks.values() if waits_for_approval(task, sub)]
    if not waiting:
        return task, ()
    return stand(put(task, [replace(sub, approved=True) for sub in waiting]), event.at)


def _cancel_requested(task: Task, event: e.CancelRequested) -> Step:
    if task.settled_at is not None:
        return task, ()
    if task.planned_at is None:
        task = over(task, event.at)
    task = replace(task, cancelled_at=task.cancelled_at or event.at)
    return end_all(task, SubtaskState.CANCELLED, "cancelled", event.at)


def _deadline_passed(task: Task, event: e.DeadlinePassed) -> Step:
    if task.settled_at is not None or event.at < task.deadline_at:
        return task, ()
    if task.planned_at is None:
        task = _given_up(task, Failure(code="deadline"), event.at)
    return end_all(task, SubtaskState.FAILED, "deadline", event.at)


# --- the answer -----------------------------------------------------------------------------------------------


def _answering_started(task: Task, event: e.AnsweringStarted) -> Step:
    return (replace(task, claimed_until=event.until), ()) if task.settled_at else (task, ())


def _answered(task: Task, event: e.Answered) -> Step:
    if task.settled_at is None:
        return task, ()
    return replace(task, state=verdict(task), answer=event.answer, answered_at=event.at, claimed_until=None), ()


_DECISIONS: dict[type[Any], Callable[[Task, Any], Step]] = {
    e.PlanningStarted: _planning_started,
    e.PlanGrew: _plan_grew,
    e.Planned: _planned,
    e.PlanFailed: _plan_failed,
    e.QuestionAsked: _question_asked,
    e.QuestionAnswered: _question_answered,
    e.Dissatisfied: _dissatisfied,
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
    e.Divided: attempts.divided,
    e.Failed: attempts.failed,
    e.HandedBack: attempts.handed_back,
    e.TimedOut: attempts.timed_out,
    e.LeaseExpired: attempts.lease_expired,
}
