"""A task under any order of events, stale, forged, repeated and late ones included."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain import events as e
from domain import growth
from domain.plan import Condition, Node, Op, Plan, When
from domain.progress import step
from domain.skill import Effect
from domain.task import FINAL, FINAL_TASK, IN_FLIGHT, Failure, Lease, Result, SubtaskState, Task
from tests.unit.domain import build as b
from tests.unit.domain.witness import Witness

KEYS = "abcdefgh"
ROOM = 14  # nodes of a plan with all that maps and sub-plans make of it
# The truth is listed first: what shrinks, and what is drawn most, is a sender that knows its attempt.
places = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5, 8, ROOM])  # which subtask; beyond the last one, nobody
ages = st.sampled_from([0, 0, 0, 0, 1, -1, None])  # how far an attempt is behind the current one
execs = st.sampled_from(["x1", "x1", "x2", "x3", ""])
agents = st.sampled_from(["ann", "ann", "ann", "bob"])
planners = st.sampled_from(["p1", "p1", "p1", "p2", None])
jitters = st.sampled_from([0.0, 0.5, 0.99])
outputs = st.sampled_from([[1, 2], ["a"], [], {"rows": [1, 2, 3]}, 7, "text", None])
failures = st.builds(
    Failure, code=st.just("error"), retryable=st.booleans(), retry_after_s=st.sampled_from([None, 3.0, 1e300])
)


@st.composite
def nodes(draw: st.DrawFn, key: str, before: str) -> Node:
    dependencies = tuple(sorted(draw(st.sets(st.sampled_from(before), max_size=3)))) if before else ()
    ref = f"{{{{{dependencies[0]}.output}}}}" if dependencies else ""
    listed = draw(st.sampled_from(["", "", "", ref, ref.replace(".output", ".output.rows")]))
    condition = Condition(ref=ref, op=draw(st.sampled_from(list(Op))), value=draw(st.sampled_from([7, "a", None])))
    return Node(
        id=key,
        skill="look",
        dependencies=dependencies,
        critical=draw(st.sampled_from([False, False, True])),
        when=draw(st.sampled_from([When.ALL_SUCCESS, When.ALL_SUCCESS, When.ALL_DONE, When.ANY_FAILED])),
        condition=draw(st.sampled_from([None, None, None, condition])) if ref else None,
        approval=draw(st.sampled_from([False, False, False, True])),
        for_each=listed,
        effect=draw(st.sampled_from([Effect.NONE, Effect.NONE, Effect.IDEMPOTENT, Effect.EXTERNAL])),
        max_attempts=draw(st.integers(1, 3)),
    )


@st.composite
def plans(draw: st.DrawFn, most: int = 6) -> Plan:
    first = draw(st.integers(0, len(KEYS) - 1))
    letters = KEYS[first : first + draw(st.integers(1, most))]
    made = tuple(draw(nodes(key, letters[:place])) for place, key in enumerate(letters))
    return Plan(nodes=made, rounds_left=draw(st.sampled_from([0, 1, 2])), max_nodes=ROOM)


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

    def key(self, place: int) -> str:
        """Those that something can happen to come first."""
        subs = sorted(self.task.subtasks.values(), key=lambda sub: (sub.state not in IN_FLIGHT, sub.state in FINAL))
        return [*(sub.key for sub in subs), "nobody"][min(place, len(subs))]

    def attempt(self, key: str, age: int | None) -> int | None:
        current = self.task.subtasks[key].attempt if key in self.task.subtasks else 1
        return None if age is None else current - age

    def about(self, place: int, age: int | None) -> dict[str, Any]:
        key = self.key(place)
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

    @initialize(plan=plans(), is_planned=st.sampled_from([True, True, False]))
    def is_planned(self, plan: Plan, is_planned: bool) -> None:  # noqa: FBT001 -- hypothesis passes by name
        if is_planned:
            self.happens(e.Planned(plan=plan, at=self.now))

    @rule(by=planners)
    def planning_starts(self, by: str | None) -> None:
        self.happens(e.PlanningStarted(until=self.soon(), by=by))

    @rule(plan=plans(most=3), by=planners)
    def plan_grows(self, plan: Plan, by: str | None) -> None:
        self.happens(e.PlanGrew(nodes=plan.nodes, author="model", at=self.now, by=by))

    @rule(plan=plans(), by=planners)
    def plan_comes(self, plan: Plan, by: str | None) -> None:
        self.happens(e.Planned(plan=plan, at=self.now, by=by))

    @rule(dice=st.integers(0, 9), by=planners)
    def plan_fails(self, dice: int, by: str | None) -> None:
        if dice < 2:
            self.happens(e.PlanFailed(failure=Failure(code="no_plan"), at=self.now, by=by))

    @rule(patience_s=st.floats(0, 600), pause_s=st.floats(0, 60), by=planners)
    def model_is_gone(self, patience_s: float, pause_s: float, by: str | None) -> None:
        waits = {"patience_s": patience_s, "retry_after_s": pause_s, "jitter": 0.5}
        gone = e.ModelGone(cause="x", failure=Failure(code="no_plan"), at=self.now, by=by, **waits)
        self.happens(gone)

    @rule(dice=st.integers(0, 9), by=planners)
    def planner_asks(self, dice: int, by: str | None) -> None:
        if dice < 3:
            self.happens(e.QuestionAsked(question="Which?", at=self.now, by=by))

    @rule()
    def person_replies(self) -> None:
        self.happens(e.QuestionAnswered(reply="that one", at=self.now))

    @rule()
    def aggregator_is_dissatisfied(self) -> None:
        self.happens(e.Dissatisfied(why="no totals", at=self.now))

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

    @rule(text=st.sampled_from(["one", "two"]), dice=st.integers(0, 9))
    def answer(self, text: str, dice: int) -> None:
        if dice < 3:
            self.happens(b.answered(text))

    # --- subtasks ---

    @rule(place=places, agent=agents)
    def release(self, place: int, agent: str) -> None:
        self.happens(e.Released(key=self.key(place), agent=agent, at=self.now, due_at=self.soon()))

    @rule()
    def release_all(self) -> None:
        for key in self.task.subtasks:
            self.happens(e.Released(key=key, agent="ann", at=self.now, due_at=self.soon()))

    @rule(place=places, age=ages, exec_id=execs)
    def start(self, place: int, age: int | None, exec_id: str) -> None:
        lease = self.lease(exec_id)
        self.happens(e.Started(**self.about(place, age), lease=lease, at=self.now, due_at=self.soon()))

    @rule(place=places, age=ages, exec_id=execs)
    def claim(self, place: int, age: int | None, exec_id: str) -> None:
        lease = self.lease(exec_id)
        self.happens(e.Claimed(**self.about(place, age), lease=lease, at=self.now, due_at=self.soon()))

    @rule(place=places, age=ages, exec_id=execs)
    def beat(self, place: int, age: int | None, exec_id: str) -> None:
        self.happens(e.Beat(**self.about(place, age), lease=self.lease(exec_id)))

    def said(self, place: int, age: int | None, exec_id: str | None, agent: str) -> dict[str, Any]:
        key = self.key(place)
        return {"key": key, "attempt": self.attempt(key, age), "exec_id": exec_id, "agent": agent, "at": self.now}

    @rule(place=places, age=ages, exec_id=st.none() | execs, agent=agents, output=outputs)
    def succeed(self, place: int, age: int | None, exec_id: str | None, agent: str, output: object) -> None:
        result = Result(summary=f"{exec_id}", output=output)
        self.happens(e.Succeeded(**self.said(place, age, exec_id, agent), result=result))

    @rule(output=outputs)
    def succeed_all(self, output: object) -> None:
        for event in self.results(output):
            self.happens(event)

    @rule(place=places, age=ages, exec_id=st.none() | execs, plan=plans(most=3))
    def divide(self, place: int, age: int | None, exec_id: str | None, plan: Plan) -> None:
        """As the dispatcher does, if it fits."""
        key, whole = self.key(place), self.task.plan
        if whole is None or key == "nobody" or growth.nesting(whole, key) == growth.MAX_NESTING:
            return
        if len(whole.nodes) + len(plan.nodes) <= whole.max_nodes:
            children = growth.children(whole.by_id[key], plan.nodes)
            said = self.said(place, age, exec_id, "ann")
            self.happens(e.Divided(**said, nodes=children, result=Result(summary="in parts")))

    @rule(place=places, age=ages, exec_id=st.none() | execs, failure=failures, jitter=jitters)
    def fail(self, place: int, age: int | None, exec_id: str | None, failure: Failure, jitter: float) -> None:
        self.happens(e.Failed(**self.said(place, age, exec_id, "ann"), failure=failure, jitter=jitter))

    @rule(place=places, age=ages, exec_id=st.none() | execs, counts=st.booleans())
    def hand_back(self, place: int, age: int | None, exec_id: str | None, counts: bool) -> None:  # noqa: FBT001 -- hypothesis passes by name
        key = self.key(place)
        attempt = self.attempt(key, age)
        self.happens(e.HandedBack(key=key, attempt=attempt, exec_id=exec_id, at=self.now, counts=counts))

    @rule(place=places, age=ages, jitter=jitters)
    def time_out(self, place: int, age: int | None, jitter: float) -> None:
        self.happens(e.TimedOut(**self.about(place, age), at=self.now, jitter=jitter))

    @rule(place=places, age=ages, jitter=jitters)
    def lease_ends(self, place: int, age: int | None, jitter: float) -> None:
        self.happens(e.LeaseExpired(**self.about(place, age), at=self.now, jitter=jitter))

    @rule(place=places, age=ages, exec_id=execs, jitter=jitters)
    def holder_goes(self, place: int, age: int | None, exec_id: str, jitter: float) -> None:
        self.happens(e.HolderGone(**self.about(place, age), exec_id=exec_id, at=self.now, jitter=jitter))

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
        if task.question is not None:
            return [e.QuestionAnswered(reply="that one", at=self.now)]
        if task.planned_at is None:
            whole = e.Planned(plan=Plan(answer="hello"), at=self.now, by="p3")
            return [e.PlanningStarted(until=self.soon(), by="p3"), whole]
        if self.now >= task.deadline_at:
            return [e.DeadlinePassed(at=self.now), *self.timers(task)]
        ready = [sub.key for sub in task.subtasks.values() if sub.state is SubtaskState.READY]
        released = [e.Released(key=key, agent="ann", at=self.now, due_at=self.soon()) for key in ready]
        return [*self.results([1]), e.Approved(at=self.now), *released]

    def results(self, output: object) -> list[e.Event]:
        return [
            e.Succeeded(
                key=sub.key,
                attempt=sub.attempt,
                exec_id=sub.lease.exec_id if sub.lease else None,
                agent=sub.agent or "",
                result=Result(summary="done", output=output),
                at=self.now,
            )
            for sub in self.task.subtasks.values()
            if sub.state in IN_FLIGHT
        ]

    def timers(self, task: Task) -> list[e.Event]:
        self.now += timedelta(seconds=60)
        open_ones = [sub for sub in task.subtasks.values() if sub.state not in FINAL]
        return [e.TimedOut(key=sub.key, attempt=sub.attempt, at=self.now, jitter=0.0) for sub in open_ones]


TestTaskUnderFire = TaskUnderFire.TestCase
TestTaskUnderFire.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
