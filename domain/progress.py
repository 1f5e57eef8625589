"""`step(task, event) -> (task, effects)`: every decision in the life of a task, pure.

An event that comes too late, or from somebody who does not hold the attempt, changes nothing: every change of a
subtask is a compare-and-set on (attempt, exec_id). `docs/reference/states.md` draws the transitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from domain import attempts, growth, steering
from domain import events as e
from domain.altered import altered
from domain.ends import (
    Step,
    another_round_left,
    end_all,
    grow,
    has_begun,
    is_failing,
    over,
    replanned,
    stand,
)
from domain.plan import Plan
from domain.retry import A_YEAR_S, RetryPolicy
from domain.task import FINAL_TASK, Exchange, Failure, ModelAway, SubtaskState, Task, TaskState

ASK_AGAIN = RetryPolicy(base_s=2.0, cap_s=30.0)  # beyond what the model's server wants to be left alone


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
    """The final state of a settled task. One of which nothing was wanted in the end was cancelled."""
    if task.cancelled_at is not None:
        return TaskState.CANCELLED
    if task.failure is not None or is_failing(task):
        return TaskState.FAILED
    states = {sub.state for sub in task.subtasks.values()}
    if not states or SubtaskState.SUCCEEDED in states:
        return TaskState.ANSWERED
    is_unwanted = SubtaskState.CANCELLED in states and states <= {SubtaskState.CANCELLED, SubtaskState.SKIPPED}
    return TaskState.CANCELLED if is_unwanted else TaskState.FAILED


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
    return altered(task, state=TaskState.PLANNING, claimed_until=event.until, claimed_by=event.by), ()


def _plan_grew(task: Task, event: e.PlanGrew) -> Step:
    if not _is_theirs(task, event.by):
        return task, ()
    begun = task.plan or Plan(author=event.author)
    plan = growth.grown(begun, event.nodes)
    if plan.nodes == begun.nodes:
        return task, ()
    return grow(altered(task, state=TaskState.PLANNING, model_away=None), plan, event.at)


def _planned(task: Task, event: e.Planned) -> Step:
    if not _is_theirs(task, event.by):
        return task, ()
    return grow(over(task, event.at), growth.whole(task.plan, event.plan), event.at, event.carried)


def _plan_failed(task: Task, event: e.PlanFailed) -> Step:
    if not _is_theirs(task, event.by):
        return task, ()
    return stand(_given_up(task, event.failure, event.at), event.at)


def _model_gone(task: Task, event: e.ModelGone) -> Step:
    """It is not asked again where the pause would outlast the patience."""
    if not _is_theirs(task, event.by):
        return task, ()
    patient_until = min(event.at + timedelta(seconds=event.patience_s), task.deadline_at)
    before = task.model_away or ModelAway(cause=event.cause, asked=0, until=patient_until)
    away = altered(before, cause=event.cause, asked=before.asked + 1)
    pause_s = event.retry_after_s + ASK_AGAIN.pause_s(away.asked, event.jitter)
    again_at = event.at + timedelta(seconds=min(pause_s, A_YEAR_S))
    if again_at >= away.until:
        return stand(_given_up(task, event.failure, event.at), event.at)
    return altered(task, state=TaskState.PLANNING, claimed_until=again_at, claimed_by=None, model_away=away), ()


def _given_up(task: Task, failure: Failure, at: datetime) -> Task:
    """The task without the rest of its plan: it lives on what it has, and fails if that is nothing."""
    task = over(task, at)
    if task.plan is None:
        return altered(task, failure=failure)
    return altered(task, plan=growth.cut_short(task.plan, failure.code))


def _question_asked(task: Task, event: e.QuestionAsked) -> Step:
    if not _is_theirs(task, event.by) or any(exchange.said for exchange in task.dialogue):
        return task, ()
    asked = altered(task, state=TaskState.WAITING, question=event.question, model_away=None)
    return altered(asked, claimed_until=None, claimed_by=None), ()


def _question_answered(task: Task, event: e.QuestionAnswered) -> Step:
    if task.question is None:
        return task, ()
    exchange = Exchange(said=task.question, reply=event.reply)
    task = altered(task, state=TaskState.RECEIVED, question=None, dialogue=(*task.dialogue, exchange))
    return steering.with_uploads(task, event.uploads), (e.Replan(),)


def _dissatisfied(task: Task, event: e.Dissatisfied) -> Step:
    if task.settled_at is None or not another_round_left(task, event.at):
        return task, ()
    return replanned(task, event.why)


# --- the person and the clock ---------------------------------------------------------------------------------


def _cancel_requested(task: Task, event: e.CancelRequested) -> Step:
    if task.settled_at is not None:
        return task, ()
    if task.planned_at is None:
        task = over(task, event.at)
    task = altered(task, cancelled_at=task.cancelled_at or event.at)
    return end_all(task, SubtaskState.CANCELLED, "cancelled", event.at)


def _deadline_passed(task: Task, event: e.DeadlinePassed) -> Step:
    if task.settled_at is not None or event.at < task.deadline_at:
        return task, ()
    if task.planned_at is None:
        task = _given_up(task, Failure(code="deadline"), event.at)
    return end_all(task, SubtaskState.FAILED, "deadline", event.at)


def _expired(task: Task, event: e.Expired) -> Step:
    """What has begun is wanted, however late."""
    is_over = task.settled_at is not None or task.expires_at is None or event.at < task.expires_at
    if is_over or has_begun(task):
        return task, ()
    task = over(task, event.at) if task.planned_at is None else task
    return end_all(altered(task, failure=Failure(code="expired")), SubtaskState.FAILED, "expired", event.at)


# --- the answer -----------------------------------------------------------------------------------------------


def _answering_started(task: Task, event: e.AnsweringStarted) -> Step:
    return (altered(task, claimed_until=event.until), ()) if task.settled_at else (task, ())


def _answered(task: Task, event: e.Answered) -> Step:
    if task.settled_at is None:
        return task, ()
    return altered(task, state=verdict(task), answer=event.answer, answered_at=event.at, claimed_until=None), ()


_DECISIONS: dict[type[Any], Callable[[Task, Any], Step]] = {
    e.PlanningStarted: _planning_started,
    e.PlanGrew: _plan_grew,
    e.Planned: _planned,
    e.PlanFailed: _plan_failed,
    e.ModelGone: _model_gone,
    e.QuestionAsked: _question_asked,
    e.QuestionAnswered: _question_answered,
    e.Dissatisfied: _dissatisfied,
    e.Reworded: steering.reworded,
    e.Fetched: steering.fetched,
    e.Amended: steering.amended,
    e.StepDropped: steering.step_dropped,
    e.Approved: steering.approved,
    e.Denied: steering.denied,
    e.CancelRequested: _cancel_requested,
    e.DeadlinePassed: _deadline_passed,
    e.Expired: _expired,
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
    e.HolderGone: attempts.holder_gone,
}
