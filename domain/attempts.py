"""Decisions about one attempt of one subtask. Whoever comes late, or does not hold the attempt, changes nothing."""

from __future__ import annotations

from datetime import datetime

from domain import events as e
from domain.altered import altered
from domain.ends import Step, barred, divide, end, node_of, put, recall, record, waits_for_approval
from domain.retry import RetryPolicy
from domain.skill import Effect
from domain.task import IN_FLIGHT, Failure, Outcome, Subtask, SubtaskState, Task

MAX_HANDBACKS = 20  # a message that no worker ever takes is poison
IS_POISON = "handed_back"  # the failure it then ends with


def released(task: Task, event: e.Released) -> Step:
    """Number a new attempt and send it, if it may be sent now."""
    sub = task.subtasks.get(event.key)
    if sub is None or not releasable(task, sub, event.at):
        return task, ()
    sub = altered(
        sub,
        state=SubtaskState.DISPATCHED,
        agent=event.agent,
        attempt=sub.attempt + 1,
        due_at=event.due_at,
        dispatched_at=event.at,
        failure=None,
    )
    return put(task, [sub]), (e.Dispatch(key=sub.key, attempt=sub.attempt),)


def releasable(task: Task, sub: Subtask, now: datetime) -> bool:
    """Whether an attempt of this subtask may be sent now."""
    is_due = (sub.due_at is None or sub.due_at <= now) and now < task.deadline_at
    return sub.state is SubtaskState.READY and is_due and not waits_for_approval(task, sub)


def started(task: Task, event: e.Started | e.Claimed) -> Step:
    """Give the lease to the first execution that says it runs the current attempt; stop any other."""
    sub = task.subtasks.get(event.key)
    if sub is None or not _holds(sub, event.attempt, event.lease.exec_id):
        return task, stop(sub, event)
    sub = altered(
        sub,
        state=SubtaskState.RUNNING,
        lease=event.lease,
        due_at=sub.due_at if sub.lease else event.due_at,  # said again, it buys no more time
        started_at=sub.started_at or event.at,
    )
    return put(task, [sub]), ()


def claimed(task: Task, event: e.Claimed) -> Step:
    """Like `started`, and let the holder of the lease go ahead with its external effect."""
    task, effects = started(task, event)
    sub = task.subtasks.get(event.key)
    if effects or sub is None or sub.agent is None:
        return task, effects
    return task, (e.Grant(key=sub.key, agent=sub.agent, lease=event.lease),)


def beat(task: Task, event: e.Beat) -> Step:
    """Extend the lease of its holder; stop whoever is not."""
    sub = task.subtasks.get(event.key)
    if sub is None or not _holds(sub, event.attempt, event.lease.exec_id):
        return task, stop(sub, event)
    if sub.lease is None:  # its `started` is still on the way
        return task, ()
    return put(task, [altered(sub, lease=event.lease)]), ()


def succeeded(task: Task, event: e.Succeeded) -> Step:
    """Take the result of the current attempt."""
    sub = _reported(task, event)
    if sub is None:
        return task, ()
    ended = altered(sub, result=event.result, failure=None)
    return end(task, ended, SubtaskState.SUCCEEDED, Outcome.SUCCEEDED, event.at)


def divided(task: Task, event: e.Divided) -> Step:
    """Let the current attempt's children do its work. After a cancellation, what it said itself has to do."""
    sub = _reported(task, event)
    if sub is None:
        return task, ()
    sub = altered(sub, result=event.result, failure=None)
    if task.cancelled_at is not None or not event.nodes:
        return end(task, sub, SubtaskState.SUCCEEDED, Outcome.SUCCEEDED, event.at)
    return divide(task, sub, event)


def failed(task: Task, event: e.Failed) -> Step:
    """Try again later, or end the subtask as failed."""
    sub = _reported(task, event)
    if sub is None:
        return task, ()
    return _try_again(task, altered(sub, failure=event.failure), Outcome.FAILED, event)


def timed_out(task: Task, event: e.TimedOut) -> Step:
    """Take an attempt without news for lost, and stop whoever may still run it."""
    sub = task.subtasks.get(event.key)
    if sub is None or sub.state not in IN_FLIGHT or sub.attempt != event.attempt:
        return task, ()
    if (sub.due_at or event.at) > event.at:
        return task, ()
    task, effects = _try_again(task, altered(sub, failure=_lost("timeout")), Outcome.TIMED_OUT, event)
    return task, effects + recall(sub)


def lease_expired(task: Task, event: e.LeaseExpired) -> Step:
    """Take a silent execution for dead."""
    sub = task.subtasks.get(event.key)
    if sub is None or sub.lease is None or sub.attempt != event.attempt or sub.lease.until > event.at:
        return task, ()
    return _try_again(task, altered(sub, failure=_lost("lease_expired")), Outcome.LEASE_EXPIRED, event)


def holder_gone(task: Task, event: e.HolderGone) -> Step:
    """Take an execution for dead at once, without waiting for its lease to end."""
    sub = task.subtasks.get(event.key)
    if sub is None or sub.lease is None or (sub.attempt, sub.lease.exec_id) != (event.attempt, event.exec_id):
        return task, ()
    return _try_again(task, altered(sub, failure=_lost("worker_gone")), Outcome.LEASE_EXPIRED, event)


def handed_back(task: Task, event: e.HandedBack) -> Step:
    """Make an unrun attempt ready again, unless nothing may start any more or no worker ever takes it."""
    sub = task.subtasks.get(event.key)
    if sub is None or sub.state not in IN_FLIGHT or event.attempt not in (None, sub.attempt):
        return task, ()
    if sub.lease is not None and sub.lease.exec_id != event.exec_id:  # somebody else runs it: the lease decides
        return task, ()
    sub = altered(sub, handbacks=sub.handbacks + event.counts)
    is_poison = sub.handbacks >= MAX_HANDBACKS
    ending = (SubtaskState.FAILED, Failure(code=IS_POISON)) if is_poison else barred(task, sub)
    if ending is not None:
        state, failure = ending
        return end(task, altered(sub, failure=failure), state, Outcome.HANDED_BACK, event.at)
    return put(task, [_ready_again(sub, None)]), (record(task, sub, Outcome.HANDED_BACK, event.at),)


def _holds(sub: Subtask, attempt: int, exec_id: str) -> bool:
    """The compare of the compare-and-set: is this execution the one that counts, or the first to say so?

    One without a name cannot be told from others and holds nothing.
    """
    is_current = sub.state in IN_FLIGHT and sub.attempt == attempt and exec_id != ""
    return is_current and (sub.lease is None or sub.lease.exec_id == exec_id)


def stop(sub: Subtask | None, event: e.Started | e.Claimed | e.Beat) -> tuple[e.Effect, ...]:
    """Tell an execution that does not hold the attempt to stop."""
    if sub is None or sub.agent is None:
        return ()
    return (e.Stop(key=event.key, agent=sub.agent, lease=event.lease),)


def _reported(task: Task, event: e.Succeeded | e.Divided | e.Failed) -> Subtask | None:
    """The subtask a result speaks of, if it comes from whoever the current attempt was sent to."""
    sub = task.subtasks.get(event.key)
    if sub is None or sub.state not in IN_FLIGHT or sub.agent != event.agent:
        return None
    if event.attempt not in (None, sub.attempt):
        return None
    return sub if sub.lease is None or sub.lease.exec_id == event.exec_id else None


def _lost(code: str) -> Failure:
    return Failure(code=code, retryable=True)


def _ready_again(sub: Subtask, due_at: datetime | None) -> Subtask:
    return altered(sub, state=SubtaskState.READY, lease=None, due_at=due_at, dispatched_at=None, started_at=None)


def _acted(task: Task, sub: Subtask, outcome: Outcome, at: datetime) -> Step:
    """End an external effect that did not succeed, without repeating it: failed if its agent knows that."""
    doubt = Failure(code="outcome_unknown")
    failure = (sub.failure or doubt) if outcome is Outcome.FAILED else doubt
    if failure.code != doubt.code:
        return end(task, sub, SubtaskState.FAILED, outcome, at)
    return end(task, altered(sub, failure=failure), SubtaskState.UNKNOWN, Outcome.UNKNOWN, at)


def _tries(sub: Subtask, outcome: Outcome) -> int:
    """How many tries the end of an attempt costs.

    Quick work is not announced the first time, so what was handed back then may have run and killed its worker. Nobody
    can tell, and most of it only lay there: it costs nothing until a worker is lost that surely ran it.
    """
    was_lost = sub.lease is not None and outcome is not Outcome.FAILED
    return 2 if was_lost and sub.handbacks and not sub.failures else 1


_Ending = e.Failed | e.TimedOut | e.LeaseExpired | e.HolderGone


def _try_again(task: Task, sub: Subtask, outcome: Outcome, event: _Ending) -> Step:
    node = node_of(task, sub.key)
    if node.effect is Effect.EXTERNAL and (sub.lease is not None or outcome is Outcome.FAILED):
        return _acted(task, sub, outcome, event.at)  # granted, or reported by somebody who never asks
    sub = altered(sub, failures=min(sub.failures + _tries(sub, outcome), node.max_attempts))
    policy = RetryPolicy(max_attempts=node.max_attempts)
    again = policy.retry_at(sub.failures, sub.failure or _lost("error"), event.at, event.jitter)
    if again is None or again >= task.deadline_at or barred(task, sub):
        return end(task, sub, SubtaskState.FAILED, outcome, event.at)
    return put(task, [_ready_again(sub, again)]), (record(task, sub, outcome, event.at),)
