"""A task under any order of events, stale, forged, repeated and late ones included."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain import events as e
from domain.plan import Node, Plan, When
from domain.progress import step
from domain.skill import Effect
from domain.task import FINAL, FINAL_TASK, IN_FLIGHT, Failure, Lease, Result, SubtaskState, Task
from tests.unit.domain import build as b
from tests.unit.domain.witness import Witness

KEYS = "abcdef"
# The truth is listed first: what shrinks, and what is drawn most, is a sender that knows its attempt.
keys = st.sampled_from([*KEYS, "nobody"])
ages = st.sampled_from([0, 0, 0, 0, 1, -1, None])  # how far an attempt is behind the current one
execs = st.sampled_from(["x1", "x1", "x2", "x3", ""])
agents = st.sampled_from(["ann", "ann", "ann", "bob"])
jitters = st.sampled_from([0.0, 0.5, 0.99])
failures = st.builds(
    Failure, code=st.just("error"), retryable=st.booleans(), retry_after_s=st.sampled_from([None, 3.0, 1e300])
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    count = draw(st.integers(1, len(KEYS)))
    nodes = [
        Node(
            id=KEYS[place],
            skill="look",
            dependencies=tuple(sorted(draw(st.sets(st.sampled_from(KEYS[:place])))) if place else ()),
            critical=draw(st.sampled_from([False, False, True])),
            when=draw(st.sampled_from([When.ALL_SUCCESS, When.ALL_SUCCESS, When.ALL_DONE, When.ANY_FAILED])),
            effect=draw(st.sampled_from([Effect.NONE, Effect.NONE, Effect.EXTERNAL])),
            max_attempts=draw(st.integers(1, 3)),
        )
        for place in range(count)
    ]
    return Plan(nodes=tuple(nodes))


class TaskUnderFire(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.task = b.received()
        self.witness = Witness()
        self.now: datetime = b.at(0)
        self.past: list[e.Event] = []

    def happens(self, event: e.Event) -> None:
        before = self.task
        self.task, effects = step(before, event)
        self.witness.saw(before, event, self.task, effects)
        self.past.append(event)

    def soon(self, seconds: float = 60) -> datetime:
        return self.now + timedelta(seconds=seconds)

    def attempt(self, key: str, age: int | None) -> int | None:
        current = self.task.subtasks[key].attempt if key in self.task.subtasks else 1
        return None if age is None else current - age

    def about(self, key: str, age: int | None) -> dict[str, Any]:
        return {"key": key, "attempt": self.attempt(key, age or 0)}

    def lease(self, exec_id: str) -> Lease:
        return Lease(exec_id=exec_id, worker="w", until=self.soon(30))

    # --- the world ---

    @rule(seconds=st.sampled_from([0, 1, 10, 31, 61, 300]))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def something_is_said_again(self, data: st.DataObject) -> None:
        self.happens(data.draw(st.sampled_from(self.past)))

    # --- the task ---

    @initialize(plan=plans(), is_planned=st.sampled_from([True, True, True, False]))
    def is_planned(self, plan: Plan, is_planned: bool) -> None:  # noqa: FBT001 -- hypothesis passes by name
        if is_planned:
            self.happens(e.Planned(plan=plan, at=self.now))

    @rule()
    def planning_starts(self) -> None:
        self.happens(e.PlanningStarted(until=self.soon()))

    @rule(plan=plans())
    def plan_comes(self, plan: Plan) -> None:
        self.happens(e.Planned(plan=plan, at=self.now))

    @rule(dice=st.integers(0, 9))
    def plan_fails(self, dice: int) -> None:
        if dice == 0:
            self.happens(e.PlanFailed(failure=Failure(code="no_plan"), at=self.now))

    @rule()
    def approval(self) -> None:
        self.happens(e.Approved(at=self.now))

    @rule(dice=st.integers(0, 9))
    def cancel(self, dice: int) -> None:
        if dice == 0:
            self.happens(e.CancelRequested(at=self.now))

    @rule()
    def deadline(self) -> None:
        self.happens(e.DeadlinePassed(at=self.now))

    @rule()
    def answering(self) -> None:
        self.happens(e.AnsweringStarted(until=self.soon()))

    @rule(text=st.sampled_from(["one", "two"]))
    def answer(self, text: str) -> None:
        self.happens(b.answered(text))

    # --- subtasks ---

    @rule(key=keys, agent=agents)
    def release(self, key: str, agent: str) -> None:
        self.happens(e.Released(key=key, agent=agent, at=self.now, due_at=self.soon()))

    @rule()
    def release_all(self) -> None:
        for key in self.task.subtasks:
            self.happens(e.Released(key=key, agent="ann", at=self.now, due_at=self.soon()))

    @rule(key=keys, age=ages, exec_id=execs)
    def start(self, key: str, age: int | None, exec_id: str) -> None:
        lease = self.lease(exec_id)
        self.happens(e.Started(**self.about(key, age), lease=lease, at=self.now, due_at=self.soon()))

    @rule(key=keys, age=ages, exec_id=execs)
    def claim(self, key: str, age: int | None, exec_id: str) -> None:
        lease = self.lease(exec_id)
        self.happens(e.Claimed(**self.about(key, age), lease=lease, at=self.now, due_at=self.soon()))

    @rule(key=keys, age=ages, exec_id=execs)
    def beat(self, key: str, age: int | None, exec_id: str) -> None:
        self.happens(e.Beat(**self.about(key, age), lease=self.lease(exec_id)))

    @rule(key=keys, age=ages, exec_id=st.none() | execs, agent=agents)
    def succeed(self, key: str, age: int | None, exec_id: str | None, agent: str) -> None:
        result = Result(summary=f"{exec_id}")
        self.happens(
            e.Succeeded(
                key=key, attempt=self.attempt(key, age), exec_id=exec_id, agent=agent, result=result, at=self.now
            )
        )

    @rule(key=keys, age=ages, exec_id=st.none() | execs, failure=failures, jitter=jitters)
    def fail(self, key: str, age: int | None, exec_id: str | None, failure: Failure, jitter: float) -> None:
        self.happens(
            e.Failed(
                key=key,
                attempt=self.attempt(key, age),
                exec_id=exec_id,
                agent="ann",
                failure=failure,
                at=self.now,
                jitter=jitter,
            )
        )

    @rule(key=keys, age=ages, exec_id=st.none() | execs, counts=st.booleans())
    def hand_back(self, key: str, age: int | None, exec_id: str | None, counts: bool) -> None:  # noqa: FBT001 -- hypothesis passes by name
        attempt = self.attempt(key, age)
        self.happens(e.HandedBack(key=key, attempt=attempt, exec_id=exec_id, at=self.now, counts=counts))

    @rule(key=keys, age=ages, jitter=jitters)
    def time_out(self, key: str, age: int | None, jitter: float) -> None:
        self.happens(e.TimedOut(**self.about(key, age), at=self.now, jitter=jitter))

    @rule(key=keys, age=ages, jitter=jitters)
    def lease_ends(self, key: str, age: int | None, jitter: float) -> None:
        self.happens(e.LeaseExpired(**self.about(key, age), at=self.now, jitter=jitter))

    # --- what always holds ---

    @invariant()
    def late_workers_are_told_to_stop(self) -> None:
        """Asked by a stranger, the answer is Stop or nothing, and nothing changes."""
        for key in self.task.subtasks:
            event = e.Beat(key=key, attempt=99, lease=self.lease("stranger"))
            after, effects = step(self.task, event)
            assert after is self.task
            assert all(isinstance(effect, e.Stop) for effect in effects)

    def teardown(self) -> None:
        """From wherever it stands the task can be brought to its one answer."""
        for _ in range(200):
            if self.task.state in FINAL_TASK:
                return
            self.now += timedelta(seconds=1)
            for event in self.ways_on(self.task):
                self.happens(event)
        raise AssertionError(f"never answered: {self.task}")

    def ways_on(self, task: Task) -> list[e.Event]:
        """What the loops of the product would do next."""
        if task.settled_at is not None:
            return [b.answered("the end")]
        if task.plan is None:
            return [e.Planned(plan=Plan(answer="hello"), at=self.now)]
        if self.now >= task.deadline_at:
            return [e.DeadlinePassed(at=self.now), *self.timers(task)]
        done = [
            e.Succeeded(
                key=sub.key,
                attempt=sub.attempt,
                exec_id=sub.lease.exec_id if sub.lease else None,
                agent=sub.agent or "",
                result=Result(summary="done"),
                at=self.now,
            )
            for sub in task.subtasks.values()
            if sub.state in IN_FLIGHT
        ]
        ready = [sub.key for sub in task.subtasks.values() if sub.state is SubtaskState.READY]
        released = [e.Released(key=key, agent="ann", at=self.now, due_at=self.soon()) for key in ready]
        return [*done, e.Approved(at=self.now), *released]

    def timers(self, task: Task) -> list[e.Event]:
        self.now += timedelta(seconds=60)
        open_ones = [sub for sub in task.subtasks.values() if sub.state not in FINAL]
        return [e.TimedOut(key=sub.key, attempt=sub.attempt, at=self.now, jitter=0.0) for sub in open_ones]


TestTaskUnderFire = TaskUnderFire.TestCase
TestTaskUnderFire.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
