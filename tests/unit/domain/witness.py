"""What must hold after every step of a task, whatever happened; for tests that drive `step` at random."""

from __future__ import annotations

from domain import events as e
from domain.ends import LOST, node_of, waits_for_approval
from domain.plan import When
from domain.skill import Effect
from domain.task import FINAL, FINAL_TASK, IN_FLIGHT, Subtask, SubtaskState, Task, TaskState


class Witness:
    """Sees every step of one task and says what is wrong with it."""

    def __init__(self) -> None:
        self.granted: dict[str, str] = {}  # external subtask -> execution that may have acted
        self.recorded: set[tuple[str, int]] = set()
        self.settled = 0

    def saw(self, before: Task, event: e.Event, after: Task, effects: tuple[e.Effect, ...]) -> None:
        _only_forward(before, after)
        _rows_are_whole(after)
        _task_is_whole(after)
        for effect in effects:
            match effect:
                case e.Dispatch():
                    self._dispatched(before, event, effect)
                case e.Grant():
                    self._granted(after, effect)
                case e.RecordAttempt():
                    self._recorded(before, after, effect)
                case e.Settle():
                    self.settled += 1
                    assert before.settled_at is None, "settled twice"
        assert self.settled == (after.settled_at is not None)
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
        ends = [before.subtasks[other].state for other in node.dependencies]
        assert all(state in FINAL for state in ends), "started before its dependencies ended"
        assert node.when is not When.ALL_SUCCESS or all(state is SubtaskState.SUCCEEDED for state in ends)
        assert node.when is not When.ANY_FAILED or any(state in LOST for state in ends)
        assert node.when is not When.ALL_SUCCESS or not _has_lost_critically(before), "started after a critical failure"
        assert node.effect is not Effect.EXTERNAL or sub.approved, "acted without approval"
        assert effect.key not in self.granted, "sent again after it may have acted"

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
        assert before.subtasks[entry.key].state in IN_FLIGHT
        assert after.subtasks[entry.key].state not in IN_FLIGHT
        assert entry.number == before.subtasks[entry.key].attempt


def _flying(task: Task) -> set[str]:
    return {key for key, sub in task.subtasks.items() if sub.state in IN_FLIGHT}


def _has_lost_critically(task: Task) -> bool:
    return any(sub.state in LOST and node_of(task, sub.key).critical for sub in task.subtasks.values())


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
    for name in ("plan", "answer", "settled_at", "cancelled_at", "answered_at"):
        old = getattr(before, name)
        assert old is None or getattr(after, name) is old, f"{name} changed"


def _rows_are_whole(task: Task) -> None:
    for sub in task.subtasks.values():
        assert (sub.lease is not None) == (sub.state is SubtaskState.RUNNING), "a lease if and only if it runs"
        assert (sub.finished_at is not None) == (sub.state in FINAL)
        assert sub.result is None or sub.state is SubtaskState.SUCCEEDED
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
        assert task.state is TaskState.RUNNING or task.state in FINAL_TASK
        return
    if task.plan is None:
        assert task.state in (TaskState.RECEIVED, TaskState.PLANNING)
        return
    moving = [sub for sub in open_ones if _moves(task, sub)]
    waiting = [sub for sub in open_ones if waits_for_approval(task, sub)]
    assert moving or waiting, "stuck"
    assert task.state is (TaskState.RUNNING if moving else TaskState.WAITING)


def _moves(task: Task, sub: Subtask) -> bool:
    is_free = sub.state is SubtaskState.READY and not waits_for_approval(task, sub)
    return is_free or sub.state in IN_FLIGHT
