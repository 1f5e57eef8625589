"""How ends travel: what becomes ready, spreads out or is ruled out when a subtask ends, and when a task is settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import assert_never

from domain import events as e
from domain import growth
from domain.altered import altered
from domain.errors import Refused
from domain.outputs import outputs_for
from domain.plan import Node, Plan, When
from domain.reference import condition_met
from domain.skill import Effect
from domain.subtasks import Subtasks
from domain.task import FINAL, IN_FLIGHT, Attempt, Failure, Outcome, Result, Subtask, SubtaskState, Task, TaskState

Step = tuple[Task, tuple[e.Effect, ...]]

UNBEGUN = frozenset({SubtaskState.PENDING, SubtaskState.READY, SubtaskState.DISPATCHED})
LOST = frozenset({SubtaskState.FAILED, SubtaskState.UNKNOWN})


def put(task: Task, subs: Iterable[Subtask]) -> Task:
    """The task with these subtasks in place of their older selves."""
    return altered(task, subtasks=Subtasks.of(task.subtasks).put(subs))


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


def has_begun(task: Task) -> bool:
    """Whether an agent ever began anything of it, or something of it is over."""
    return any(sub.state not in UNBEGUN or sub.failures for sub in task.subtasks.values())


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
    waiting = altered(sub, state=SubtaskState.PENDING, lease=None, due_at=None)
    plan = growth.adopted(plan_of(task), event.nodes, event.repairs)
    task, effects = grow(put(task, [waiting]), plan, event.at)
    return task, (record(task, sub, Outcome.SUCCEEDED, event.at), *effects)


def _ended(sub: Subtask, state: SubtaskState, failure: Failure | None, at: datetime) -> Subtask:
    result = sub.result if state is SubtaskState.SUCCEEDED else None
    return altered(sub, state=state, lease=None, due_at=None, result=result, failure=failure, finished_at=at)


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
    return _go_on(put(altered(task, plan=plan), fresh.values()), fresh, at)


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
    task = put(task, ended) if ended else task
    frontier = [*doubtful, *(child for sub in ended for child in plan_of(task).children[sub.key])]
    for key in frontier:
        if task.subtasks[key].state is not SubtaskState.PENDING:
            continue
        decided, made = _decided(task, task.subtasks[key], at)
        if decided is task.subtasks[key]:
            continue
        task = put(task, [decided, *(Subtask(key=node.id) for node in made)])
        if made:
            task = altered(task, plan=growth.adopted(plan_of(task), made))
            frontier += [node.id for node in made]
        elif decided.state in FINAL:
            frontier += plan_of(task).children[key]
    return task


Decided = tuple[Subtask, tuple[Node, ...]]
"""What becomes of a pending subtask, and the children that are made of it."""


def _decided(task: Task, sub: Subtask, at: datetime) -> Decided:
    node = node_of(task, sub.key)
    if any(task.subtasks[other].state not in FINAL for other in reversed(node.dependencies)):  # the last ends last
        return sub, ()
    states = [task.subtasks[other].state for other in node.dependencies]
    children = plan_of(task).made.get(node.id, ())
    if children:
        return _collected(node, sub, [task.subtasks[child.id] for child in children], at), ()
    code = _hindrance(task, node, states)
    if code:
        return _skipped(sub, code, at), ()
    return _spread(task, node, at) if node.is_map else (altered(sub, state=SubtaskState.READY), ())


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
    begun = altered(sub, started_at=at, result=Result(summary=""))
    return (begun, made) if made else (_ended(begun, SubtaskState.SUCCEEDED, None, at), ())


def _collected(node: Node, sub: Subtask, children: Sequence[Subtask], at: datetime) -> Subtask:
    """A node ends when all its children have: as well as the best of them, or no better than the worst if critical."""
    states = {child.state for child in children}
    has_lost_one = not states.isdisjoint(LOST)
    if SubtaskState.SUCCEEDED in states and not (node.critical and has_lost_one):
        return _ended(altered(sub, result=sub.result or Result(summary="")), SubtaskState.SUCCEEDED, None, at)
    if has_lost_one:
        return _ended(sub, SubtaskState.FAILED, Failure(code="upstream"), at)
    return _ended(sub, SubtaskState.SKIPPED, children[0].failure, at)


# --- the task as a whole --------------------------------------------------------------------------------------


def end_all(task: Task, state: SubtaskState, code: str, at: datetime) -> Step:
    """End every open subtask, except a granted external effect: its end is reported, not decided."""
    ended, effects = _stopped(task, task.subtasks.values(), (state, code), at)
    task, more = stand(put(task, ended), at)
    return task, (*effects, *more)


def withdraw(task: Task, keys: Iterable[str], code: str, at: datetime) -> Step:
    """End these subtasks because their person does not want them, except what is granted or over, and let that reach
    those that wait for them. Nothing happens when none is left to end."""
    subs = [task.subtasks[key] for key in keys]
    ended, effects = _stopped(task, subs, (SubtaskState.CANCELLED, code), at)
    if not ended:
        return task, ()
    waiting = [child for sub in ended for child in plan_of(task).children[sub.key]]
    task, more = _go_on(put(task, ended), waiting, at)
    return task, (*effects, *more)


def _stopped(
    task: Task, subs: Iterable[Subtask], how: tuple[SubtaskState, str], at: datetime
) -> tuple[list[Subtask], list[e.Effect]]:
    """Those that can be ended, ended; and what must be recorded and recalled for it."""
    state, code = how
    effects: list[e.Effect] = []
    ended: list[Subtask] = []
    for sub in subs:
        granted = sub.lease is not None and node_of(task, sub.key).effect is Effect.EXTERNAL
        if sub.state in FINAL or granted:
            continue
        failed = altered(sub, failure=Failure(code=code))
        if sub.state in IN_FLIGHT:
            effects += [record(task, failed, Outcome(state.value), at), *recall(failed)]
        ended.append(_ended(failed, state, failed.failure, at))
    return ended, effects


def over(task: Task, at: datetime) -> Task:
    """The task once nobody plans it any more, whether its plan is whole or not."""
    task = altered(task, state=TaskState.RUNNING, planned_at=at, question=None, model_away=None)
    return altered(task, claimed_until=None, claimed_by=None)


def stand(task: Task, at: datetime) -> Step:
    """Settle the task, or have it planned anew, when nothing can move any more; otherwise say whether it runs or waits
    for a person. A plan that may still grow is left to who plans."""
    if task.planned_at is None:
        return task, ()
    subtasks = Subtasks.of(task.subtasks)
    if not subtasks.open:
        if is_failing(task) and another_round_left(task, at):
            return replanned(task, "")
        return altered(task, state=TaskState.RUNNING, settled_at=at, claimed_until=None), (e.Settle(),)
    if not plan_of(task).needs_approval:
        return task, ()
    moving = subtasks.in_flight or any(_is_free(task, sub) for sub in subtasks.values())
    return altered(task, state=TaskState.RUNNING if moving else TaskState.WAITING), ()


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
    task = altered(
        task,
        state=TaskState.PLANNING,
        plan=growth.another_round(plan_of(task), why),
        planned_at=None,
        settled_at=None,
        claimed_until=None,
        claimed_by=None,
    )
    return task, (e.Replan(),)
