"""What must hold after every step of a task, whatever happened; for tests that drive `step` at random."""

from __future__ import annotations

from domain import events as e
from domain.ends import LOST, node_of, plan_of, waits_for_approval
from domain.growth import MAX_NESTING, is_spared, lineage, nesting, own_dependencies
from domain.plan import Plan, When
from domain.skill import Effect
from domain.task import FINAL, FINAL_TASK, IN_FLIGHT, Outcome, Subtask, SubtaskState, Task, TaskState


class Witness:
    """Sees every step of one task and says what is wrong with it."""

    def __init__(self) -> None:
        self.granted: dict[str, str] = {}  # external subtask -> execution that may have acted
        self.recorded: set[tuple[str, int]] = set()
        self.succeeded: set[str] = set()

    def saw(self, before: Task, event: e.Event, after: Task, effects: tuple[e.Effect, ...]) -> None:
        _only_forward(before, after)
        _rows_are_whole(after)
        _task_is_whole(after)
        _plan_only_grew(before, event, after)
        for effect in effects:
            match effect:
                case e.Dispatch():
                    self._dispatched(before, event, effect)
                case e.Grant():
                    self._granted(after, effect)
                case e.RecordAttempt():
                    self._recorded(before, after, effect)
        _settled_or_planned_anew(before, event, after, effects)
        if isinstance(event, e.HandedBack) and after is not before:
            self.granted.pop(event.key, None)
        ended = {key for key, sub in before.subtasks.items() if sub.state in IN_FLIGHT} - _flying(after)
        assert ended == {effect.attempt.key for effect in effects if isinstance(effect, e.RecordAttempt)}

    def _dispatched(self, before: Task, event: e.Event, effect: e.Dispatch) -> None:
        sub, node = before.subtasks[effect.key], node_of(before, effect.key)
        assert isinstance(event, e.Released)
        assert effect.attempt == sub.attempt + 1
        assert (before.cancelled_at, before.settled_at) == (None, None), "started after the end"
        assert event.at < before.deadline_at, "started after the deadline"
        assert sub.due_at is None or sub.due_at <= event.at, "started before its time"
        assert not node.is_map, "a map ran itself"
        assert effect.key not in plan_of(before).made, "ran again besides its children"
        for one in lineage(plan_of(before), effect.key):
            _was_allowed(before, one.id)
        assert is_spared(plan_of(before), node) or not _has_lost_critically(before), "started after a critical failure"
        assert not node.needs_approval or sub.approved, "acted without approval"
        assert effect.key not in self.granted, "sent again after it may have acted"
        assert effect.key not in self.succeeded, "ran again after it succeeded"

    def _granted(self, after: Task, effect: e.Grant) -> None:
        sub = after.subtasks[effect.key]
        assert sub.lease is not None
        assert (sub.lease.exec_id, sub.agent) == (effect.lease.exec_id, effect.agent), "granted to a stranger"
        assert effect.lease.exec_id, "granted to nobody"
        if node_of(after, effect.key).effect is Effect.EXTERNAL:
            assert self.granted.setdefault(effect.key, effect.lease.exec_id) == effect.lease.exec_id, "granted twice"

    def _recorded(self, before: Task, after: Task, effect: e.RecordAttempt) -> None:
        entry = effect.attempt
        assert (entry.key, entry.number) not in self.recorded, "an attempt ended twice"
        self.recorded.add((entry.key, entry.number))
        if entry.outcome is Outcome.SUCCEEDED:
            self.succeeded.add(entry.key)
        assert before.subtasks[entry.key].state in IN_FLIGHT
        assert after.subtasks[entry.key].state not in IN_FLIGHT
        assert entry.number == before.subtasks[entry.key].attempt
        assert entry.skill == node_of(before, entry.key).skill


def _was_allowed(task: Task, key: str) -> None:
    """What a subtask, or what it is part of, waited for apart from children ended as its rule wants."""
    node = node_of(task, key)
    ends = [task.subtasks[other].state for other in own_dependencies(plan_of(task), key)]
    assert all(state in FINAL for state in ends), "started before its dependencies ended"
    assert node.when is not When.ALL_SUCCESS or all(state is SubtaskState.SUCCEEDED for state in ends)
    assert node.when is not When.ANY_FAILED or any(state in LOST for state in ends)


def _flying(task: Task) -> set[str]:
    return {key for key, sub in task.subtasks.items() if sub.state in IN_FLIGHT}


def _has_lost_critically(task: Task) -> bool:
    """In this round: what an earlier one lost is what this one is for."""
    plan = plan_of(task)
    return any(
        node.critical and node.round == len(plan.misses) and task.subtasks[node.id].state in LOST for node in plan.nodes
    )


def _only_forward(before: Task, after: Task) -> None:
    if before.state in FINAL_TASK:
        assert after is before, "a final task changed"
    for key, old in before.subtasks.items():
        new = after.subtasks[key]
        if old.state in FINAL:
            assert new is old, "a final subtask changed"
        assert new.attempt in (old.attempt, old.attempt + 1)
        assert new.failures >= old.failures
        assert new.handbacks >= old.handbacks
        assert new.approved >= old.approved
    for name in ("answer", "cancelled_at", "answered_at"):
        old = getattr(before, name)
        assert old is None or getattr(after, name) is old, f"{name} changed"


def _plan_only_grew(before: Task, event: e.Event, after: Task) -> None:
    if after.plan is None:
        assert before.plan is None
        return
    was, now = before.plan or Plan(), after.plan
    assert list(now.by_id) == list(after.subtasks), "nodes and subtasks differ"
    for old in was.nodes:
        new = now.by_id[old.id]
        added = set(new.dependencies) - set(old.dependencies)
        assert set(old.dependencies) <= set(new.dependencies)
        assert all(now.by_id[other].parent == old.id for other in added), "a node waits for something else"
        assert (old.params, old.skill, old.round, old.critical) == (new.params, new.skill, new.round, new.critical)
    assert now.misses[: len(was.misses)] == was.misses
    fresh = [node for node in now.nodes if node.id not in was.by_id]
    for node in fresh:
        assert nesting(now, node.id) <= MAX_NESTING
        is_tainted = bool(node.parent) or node.round > 0
        assert not is_tainted or node.effect is Effect.NONE or node.approval, "built from data and may act unasked"
    if fresh and not isinstance(event, e.Planned):
        assert before.planned_at is None or all(node.parent for node in fresh), "a whole plan grew"
        assert len(now.nodes) <= now.max_nodes, "it grew too large"


def _settled_or_planned_anew(before: Task, event: e.Event, after: Task, effects: tuple[e.Effect, ...]) -> None:
    settles, replans = (sum(isinstance(effect, kind) for effect in effects) for kind in (e.Settle, e.Replan))
    assert settles == (before.settled_at is None and after.settled_at is not None)
    if before.settled_at is not None and after.settled_at is None:
        assert isinstance(event, e.Dissatisfied)
        assert replans == 1
    is_round = bool(replans) and not isinstance(event, e.QuestionAnswered)
    if is_round:
        assert (after.cancelled_at, after.planned_at) == (None, None)
    if before.plan is not None:  # one that is tried again brings its rounds along
        assert _rounds(after) - _rounds(before) == is_round


def _rounds(task: Task) -> int:
    return len(plan_of(task).misses)


def _rows_are_whole(task: Task) -> None:
    for sub in task.subtasks.values():
        assert (sub.lease is not None) == (sub.state is SubtaskState.RUNNING), "a lease if and only if it runs"
        assert (sub.finished_at is not None) == (sub.state in FINAL)
        is_parent = sub.key in plan_of(task).made
        has_result = sub.state is SubtaskState.SUCCEEDED or (sub.state is SubtaskState.PENDING and is_parent)
        assert sub.result is None or has_result
        if sub.state in IN_FLIGHT:
            assert sub.due_at is not None, "in flight without a timer"
            assert sub.agent is not None
            assert sub.dispatched_at is not None
        elif sub.state is not SubtaskState.READY:
            assert sub.due_at is None, "a timer that nothing needs"


def _task_is_whole(task: Task) -> None:
    open_ones = [sub for sub in task.subtasks.values() if sub.state not in FINAL]
    assert (task.answer is not None) == (task.state in FINAL_TASK)
    if task.settled_at is not None:
        assert not open_ones, "settled while something is open"
        assert task.planned_at is not None
        assert task.state is TaskState.RUNNING or task.state in FINAL_TASK
        return
    if task.planned_at is None:
        being_planned = (TaskState.RECEIVED, TaskState.PLANNING)
        assert task.state in ((TaskState.WAITING,) if task.question is not None else being_planned)
        return
    assert (task.question, task.claimed_by) == (None, None)
    moving = [sub for sub in open_ones if _moves(task, sub)]
    waiting = [sub for sub in open_ones if waits_for_approval(task, sub)]
    assert moving or waiting, "stuck"
    assert task.state is (TaskState.RUNNING if moving else TaskState.WAITING)


def _moves(task: Task, sub: Subtask) -> bool:
    is_free = sub.state is SubtaskState.READY and not waits_for_approval(task, sub)
    return is_free or sub.state in IN_FLIGHT
