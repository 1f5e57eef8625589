"""How ends travel: what becomes ready or is ruled out when a subtask ends, and when a task is settled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain import events as e
from domain.plan import Node, When
from domain.skill import Effect
from domain.task import FINAL, IN_FLIGHT, Attempt, Failure, Outcome, Subtask, SubtaskState, Task, TaskState

Step = tuple[Task, tuple[e.Effect, ...]]

LOST = frozenset({SubtaskState.FAILED, SubtaskState.UNKNOWN})


def put(task: Task, subs: Iterable[Subtask]) -> Task:
    """The task with these subtasks in place of their older selves."""
    return replace(task, subtasks={**task.subtasks, **{sub.key: sub for sub in subs}})


def node_of(task: Task, key: str) -> Node:
    """The planned node behind a subtask."""
    assert task.plan is not None, "a subtask without a plan"  # noqa: S101 -- an invariant of the type, not input
    return task.plan.by_id[key]


def waits_for_approval(task: Task, sub: Subtask) -> bool:
    """Whether only a person's approval is missing."""
    return sub.state is SubtaskState.READY and not sub.approved and node_of(task, sub.key).effect is Effect.EXTERNAL


def record(sub: Subtask, outcome: Outcome, at: datetime) -> e.RecordAttempt:
    """The history entry of an attempt that just ended."""
    return e.RecordAttempt(
        attempt=Attempt(
            key=sub.key,
            number=sub.attempt,
            agent=sub.agent or "",
            worker=sub.lease.worker if sub.lease else None,
            exec_id=sub.lease.exec_id if sub.lease else None,
            started_at=sub.started_at or sub.dispatched_at,
            ended_at=at,
            outcome=outcome,
            failure=sub.failure,
        )
    )


def recall(sub: Subtask) -> tuple[e.Effect, ...]:
    """Stop whoever holds the lease, if anybody does."""
    if sub.lease is None or sub.agent is None:
        return ()
    return (e.Stop(key=sub.key, agent=sub.agent, lease=sub.lease),)


def end(task: Task, sub: Subtask, state: SubtaskState, outcome: Outcome, at: datetime) -> Step:
    """End a subtask, let its end reach those that wait for it, and see how the task stands."""
    ended = [replace(sub, state=state, lease=None, due_at=None, finished_at=at)]
    task = put(task, ended)
    if state in LOST and node_of(task, sub.key).critical:
        ended += _ruled_out(task, at)
        task = put(task, ended)
    task, effects = stand(unfold(task, _waiting_for(task, ended), at), at)
    return task, (record(sub, outcome, at), *effects)


def _ruled_out(task: Task, at: datetime) -> list[Subtask]:
    """After a critical failure nothing new starts, except what was planned for just that."""
    return [
        _skipped(sub, "critical", at)
        for sub in task.subtasks.values()
        if sub.state in (SubtaskState.PENDING, SubtaskState.READY) and node_of(task, sub.key).when is When.ALL_SUCCESS
    ]


def barred(task: Task, sub: Subtask) -> tuple[SubtaskState, Failure] | None:
    """How an unrun subtask must end because nothing new may start any more, and why; None when it may."""
    if task.cancelled_at is not None:
        return SubtaskState.CANCELLED, Failure(code="cancelled")
    has_lost = any(other.state in LOST and node_of(task, other.key).critical for other in task.subtasks.values())
    if has_lost and node_of(task, sub.key).when is When.ALL_SUCCESS:
        return SubtaskState.SKIPPED, Failure(code="critical")
    return None


def _waiting_for(task: Task, ended: Iterable[Subtask]) -> Iterable[str]:
    children = task.plan.children if task.plan else {}
    return [child for sub in ended for child in children.get(sub.key, ())]


def _skipped(sub: Subtask, code: str, at: datetime) -> Subtask:
    return replace(sub, state=SubtaskState.SKIPPED, failure=Failure(code=code), due_at=None, finished_at=at)


def unfold(task: Task, doubtful: Iterable[str], at: datetime) -> Task:
    """Make ready, or skip, those of `doubtful` that wait for nothing more; a skip is an end and goes on from there."""
    plan = task.plan
    if plan is None:
        return task
    now = dict(task.subtasks)
    frontier = list(doubtful)
    for key in frontier:
        if now[key].state is SubtaskState.PENDING:
            now[key] = _decided(plan.by_id[key], now, at)
            if now[key].state is SubtaskState.SKIPPED:
                frontier.extend(plan.children[key])
    return replace(task, subtasks=now)


def _decided(node: Node, now: dict[str, Subtask], at: datetime) -> Subtask:
    """What becomes of a pending node under its `when` rule."""
    sub = now[node.id]
    states = [now[other].state for other in node.dependencies]
    if any(state not in FINAL for state in states):
        return sub
    has_failed = any(state in LOST for state in states)
    match node.when:
        case When.ALL_SUCCESS:
            runs, code = all(state is SubtaskState.SUCCEEDED for state in states), "upstream"
        case When.ALL_DONE:
            runs, code = True, ""
        case When.ANY_FAILED:
            runs, code = has_failed, "rule"
        case _:
            assert_never(node.when)
    return replace(sub, state=SubtaskState.READY) if runs else _skipped(sub, code, at)


def end_all(task: Task, state: SubtaskState, code: str, at: datetime) -> Step:
    """End every open subtask, except a granted external effect: its end is reported, not decided."""
    effects: list[e.Effect] = []
    ended: list[Subtask] = []
    for sub in task.subtasks.values():
        granted = sub.lease is not None and node_of(task, sub.key).effect is Effect.EXTERNAL
        if sub.state in FINAL or granted:
            continue
        failed = replace(sub, failure=Failure(code=code))
        if sub.state in IN_FLIGHT:
            effects += [record(failed, Outcome(state.value), at), *recall(failed)]
        ended.append(replace(failed, state=state, lease=None, due_at=None, finished_at=at))
    task, more = stand(put(task, ended), at)
    return task, (*effects, *more)


def stand(task: Task, at: datetime) -> Step:
    """Settle the task when nothing can move any more; otherwise say whether it runs or waits for a person."""
    if all(sub.state in FINAL for sub in task.subtasks.values()):
        return replace(task, state=TaskState.RUNNING, settled_at=at, claimed_until=None), (e.Settle(),)
    if task.plan is None or not task.plan.has_external:
        return task, ()
    moving = any(sub.state in IN_FLIGHT or _is_free(task, sub) for sub in task.subtasks.values())
    return replace(task, state=TaskState.RUNNING if moving else TaskState.WAITING), ()


def _is_free(task: Task, sub: Subtask) -> bool:
    return sub.state is SubtaskState.READY and not waits_for_approval(task, sub)
