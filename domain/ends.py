"""How ends travel: what becomes ready, spreads out or is ruled out when a subtask ends, and when a task is settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain import events as e
from domain import growth
from domain.errors import Refused
from domain.outputs import outputs_for
from domain.plan import Node, Plan, When
from domain.reference import condition_met
from domain.skill import Effect
from domain.task import FINAL, IN_FLIGHT, Attempt, Failure, Outcome, Result, Subtask, SubtaskState, Task, TaskState

Step = tuple[Task, tuple[e.Effect, ...]]

LOST = frozenset({SubtaskState.FAILED, SubtaskState.UNKNOWN})


def put(task: Task, subs: Iterable[Subtask]) -> Task:
    """The task with these subtasks in place of their older selves."""
    return replace(task, subtasks={**task.subtasks, **{sub.key: sub for sub in subs}})


def plan_of(task: Task) -> Plan:
    """The plan of a task that has subtasks."""
    assert task.plan is not None, "a subtask without a plan"  # noqa: S101 -- an invariant of the type, not input
    return task.plan


def node_of(task: Task, key: str) -> Node:
    """The planned node behind a subtask."""
    return plan_of(task).by_id[key]


def waits_for_approval(task: Task, sub: Subtask) -> bool:
    """Whether only a person's approval is missing."""
    return sub.state is SubtaskState.READY and not sub.approved and node_of(task, sub.key).needs_approval


# --- one attempt ends -----------------------------------------------------------------------------------------


def record(task: Task, sub: Subtask, outcome: Outcome, at: datetime) -> e.RecordAttempt:
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
            skill=node_of(task, sub.key).skill,
        )
    )


def recall(sub: Subtask) -> tuple[e.Effect, ...]:
    """Stop whoever holds the lease, if anybody does."""
    if sub.lease is None or sub.agent is None:
        return ()
    return (e.Stop(key=sub.key, agent=sub.agent, lease=sub.lease),)


def end(task: Task, sub: Subtask, state: SubtaskState, outcome: Outcome, at: datetime) -> Step:
    """End a subtask, let its end reach those that wait for it, and see how the task stands."""
    ended = _ended(sub, state, sub.failure, at)
    task, effects = _go_on(put(task, [ended]), plan_of(task).children[sub.key], at)
    return task, (record(task, sub, outcome, at), *effects)


def divide(task: Task, sub: Subtask, event: e.Divided) -> Step:
    """Let a subtask wait for the children that its agent made of it."""
    waiting = replace(sub, state=SubtaskState.PENDING, lease=None, due_at=None)
    plan = growth.adopted(plan_of(task), event.nodes, event.repairs)
    task, effects = grow(put(task, [waiting]), plan, event.at)
    return task, (record(task, sub, Outcome.SUCCEEDED, event.at), *effects)


def _ended(sub: Subtask, state: SubtaskState, failure: Failure | None, at: datetime) -> Subtask:
    result = sub.result if state is SubtaskState.SUCCEEDED else None
    return replace(sub, state=state, lease=None, due_at=None, result=result, failure=failure, finished_at=at)


def _skipped(sub: Subtask, code: str, at: datetime) -> Subtask:
    return _ended(sub, SubtaskState.SKIPPED, Failure(code=code), at)


# --- and what follows from it ---------------------------------------------------------------------------------


def grow(task: Task, plan: Plan, at: datetime, carried: Mapping[str, Subtask] | None = None) -> Step:
    """Take in a plan that has more nodes than there are subtasks, and begin with what waits for nothing.

    Args:
        task: the task.
        plan: its plan from now on.
        at: the time of it.
        carried: those of the new subtasks that ended before the task began.
    """
    known = carried or {}
    fresh = {node.id: known.get(node.id, Subtask(key=node.id)) for node in plan.nodes if node.id not in task.subtasks}
    return _go_on(replace(task, plan=plan, subtasks={**task.subtasks, **fresh}), fresh, at)


def _go_on(task: Task, doubtful: Iterable[str], at: datetime) -> Step:
    """Decide what can be decided now, and see how the task stands."""
    task = unfold(task, doubtful, at, _ruled_out(task, at))
    while ruled_out := _ruled_out(task, at):  # a map or a sub-plan can be lost by unfolding
        task = unfold(task, (), at, ruled_out)
    return stand(task, at)


def has_lost(task: Task) -> bool:
    """Whether a critical subtask of the present round was lost."""
    return task.plan is not None and any(task.subtasks[key].state in LOST for key in task.plan.critical)


def _ruled_out(task: Task, at: datetime) -> list[Subtask]:
    """After a critical failure nothing new starts, except what was planned for just that."""
    if not has_lost(task):
        return []
    return [
        _skipped(sub, "critical", at)
        for sub in task.subtasks.values()
        if sub.state in (SubtaskState.PENDING, SubtaskState.READY) and not _may_go_on(plan_of(task), sub.key)
    ]


def _may_go_on(plan: Plan, key: str) -> bool:
    """Whether a subtask that did not run goes on after a critical failure; one with children only waits for them."""
    return key in plan.made or growth.is_spared(plan, plan.by_id[key])


def barred(task: Task, sub: Subtask) -> tuple[SubtaskState, Failure] | None:
    """How an unrun subtask must end because nothing new may start any more, and why; None when it may."""
    if task.cancelled_at is not None:
        return SubtaskState.CANCELLED, Failure(code="cancelled")
    if has_lost(task) and not growth.is_spared(plan_of(task), node_of(task, sub.key)):
        return SubtaskState.SKIPPED, Failure(code="critical")
    return None


def unfold(task: Task, doubtful: Iterable[str], at: datetime, ended: Sequence[Subtask] = ()) -> Task:
    """Decide those of `doubtful`, and of what waits for the `ended` ones, that wait for nothing more: begun, spread
    out, put together, or skipped. An end goes on from there."""
    if task.plan is None:
        return task
    now = {**task.subtasks, **{sub.key: sub for sub in ended}}
    task = replace(task, subtasks=now)
    frontier = [*doubtful, *(child for sub in ended for child in plan_of(task).children[sub.key])]
    for key in frontier:
        if now[key].state is not SubtaskState.PENDING:
            continue
        now[key], made = _decided(task, now[key], at)
        if made:
            task = replace(task, plan=growth.adopted(plan_of(task), made))
            now.update({node.id: Subtask(key=node.id) for node in made})
            frontier += [node.id for node in made]
        elif now[key].state in FINAL:
            frontier += plan_of(task).children[key]
    return task


Decided = tuple[Subtask, tuple[Node, ...]]
"""What becomes of a pending subtask, and the children that are made of it."""


def _decided(task: Task, sub: Subtask, at: datetime) -> Decided:
    node = node_of(task, sub.key)
    states = [task.subtasks[other].state for other in node.dependencies]
    if any(state not in FINAL for state in states):
        return sub, ()
    children = plan_of(task).made.get(node.id, ())
    if children:
        return _collected(node, sub, [task.subtasks[child.id] for child in children], at), ()
    code = _hindrance(task, node, states)
    if code:
        return _skipped(sub, code, at), ()
    return _spread(task, node, at) if node.is_map else (replace(sub, state=SubtaskState.READY), ())


def _hindrance(task: Task, node: Node, states: Sequence[SubtaskState]) -> str:
    """Why a node whose dependencies ended like this is skipped; empty when it runs."""
    match node.when:
        case When.ALL_SUCCESS:
            runs, code = all(state is SubtaskState.SUCCEEDED for state in states), "upstream"
        case When.ALL_DONE:
            runs, code = True, ""
        case When.ANY_FAILED:
            runs, code = any(state in LOST for state in states), "rule"
        case _:
            assert_never(node.when)
    if runs and node.condition and not condition_met(node.condition, outputs_for(task, node.id)):
        return "rule"
    return "" if runs else code


def _spread(task: Task, node: Node, at: datetime) -> Decided:
    """Make the children of a map. One over nothing is done."""
    sub = task.subtasks[node.id]
    try:
        made = growth.spread(plan_of(task), node, outputs_for(task, node.id))
    except Refused as refused:
        return _ended(sub, SubtaskState.FAILED, Failure(code=refused.key.removeprefix("failure.")), at), ()
    begun = replace(sub, started_at=at, result=Result(summary=""))
    return (begun, made) if made else (_ended(begun, SubtaskState.SUCCEEDED, None, at), ())


def _collected(node: Node, sub: Subtask, children: Sequence[Subtask], at: datetime) -> Subtask:
    """A node ends when all its children have: as well as the best of them, or no better than the worst if critical."""
    states = {child.state for child in children}
    has_lost_one = not states.isdisjoint(LOST)
    if SubtaskState.SUCCEEDED in states and not (node.critical and has_lost_one):
        return _ended(replace(sub, result=sub.result or Result(summary="")), SubtaskState.SUCCEEDED, None, at)
    if has_lost_one:
        return _ended(sub, SubtaskState.FAILED, Failure(code="upstream"), at)
    return _ended(sub, SubtaskState.SKIPPED, children[0].failure, at)


# --- the task as a whole --------------------------------------------------------------------------------------


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
            effects += [record(task, failed, Outcome(state.value), at), *recall(failed)]
        ended.append(_ended(failed, state, failed.failure, at))
    task, more = stand(put(task, ended), at)
    return task, (*effects, *more)


def over(task: Task, at: datetime) -> Task:
    """The task once nobody plans it any more, whether its plan is whole or not."""
    return replace(task, state=TaskState.RUNNING, planned_at=at, question=None, claimed_until=None, claimed_by=None)


def stand(task: Task, at: datetime) -> Step:
    """Settle the task, or have it planned anew, when nothing can move any more; otherwise say whether it runs or waits
    for a person. A plan that may still grow is left to who plans."""
    if task.planned_at is None:
        return task, ()
    if all(sub.state in FINAL for sub in task.subtasks.values()):
        if is_failing(task) and another_round_left(task, at):
            return replanned(task, "")
        return replace(task, state=TaskState.RUNNING, settled_at=at, claimed_until=None), (e.Settle(),)
    if not plan_of(task).needs_approval:
        return task, ()
    moving = any(sub.state in IN_FLIGHT or _is_free(task, sub) for sub in task.subtasks.values())
    return replace(task, state=TaskState.RUNNING if moving else TaskState.WAITING), ()


def _is_free(task: Task, sub: Subtask) -> bool:
    return sub.state is SubtaskState.READY and not waits_for_approval(task, sub)


def is_failing(task: Task) -> bool:
    """Whether a critical subtask was lost and no later round brought anything to make up for it."""
    nodes = task.plan.nodes if task.plan else ()
    lost = max((node.round for node in nodes if node.critical and task.subtasks[node.id].state in LOST), default=-1)
    succeeded = (node.round for node in nodes if task.subtasks[node.id].state is SubtaskState.SUCCEEDED)
    return lost >= 0 and lost >= max(succeeded, default=-1)


def another_round_left(task: Task, at: datetime) -> bool:
    """Whether the task may be planned anew."""
    is_open = task.cancelled_at is None and task.failure is None and at < task.deadline_at
    return is_open and task.plan is not None and task.plan.rounds_left > 0


def replanned(task: Task, why: str) -> Step:
    """Have the task planned anew; `why` is what was missed, empty after a critical failure."""
    task = replace(
        task,
        state=TaskState.PLANNING,
        plan=growth.another_round(plan_of(task), why),
        planned_at=None,
        settled_at=None,
        claimed_until=None,
        claimed_by=None,
    )
    return task, (e.Replan(),)
