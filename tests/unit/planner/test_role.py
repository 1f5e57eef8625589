from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.agents import Worker
from domain.answer import Answer, Author, Statement
from domain.errors import BrokerDown, ModelDown, PlanRefused, Refused
from domain.events import (
    CancelRequested,
    Dissatisfied,
    Failed,
    PlanGrew,
    PlanningStarted,
    QuestionAnswered,
    Released,
    Succeeded,
)
from domain.messages import Nudge
from domain.plan import Node, Plan
from domain.plan_check import Problem
from domain.progress import run
from domain.task import Exchange, Failure, ModelAway, Result, SubtaskState, Task, TaskState
from planner.authoring import Grow
from planner.claim import Outside
from planner.request import PlanRequest
from planner.role import PlannerRole, PlannerSettings
from tests.builders import SCOPE, node, task
from tests.fakes import START, CountingEntropy, FakeClock
from tests.fakes_store import FakeStore
from tests.unit.planner.skills import SPECS
from tests.virtual_time import LoopClock, virtually

ECHO = next(spec for spec in SPECS if spec.name == "echo")
REPORT = next(spec for spec in SPECS if spec.name == "report")
PLAN = Plan(nodes=(Node(id="t1", skill="echo"),))
MOMENT_S = 0.1
QUICK = PlannerSettings(sweep_s=3600.0, look_again_s=0.0, gather_s=0.0)


class FakeNudges:
    """The nudges of a bus: those heard wake the role, those told are kept."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.told: list[Nudge] = []
        self.spoke = asyncio.Event()
        self.outages = 0

    async def nudge(self, nudges: Sequence[Nudge]) -> None:
        self.told.extend(nudges)
        self.spoke.set()

    @asynccontextmanager
    async def nudges(self, *kinds: str) -> AsyncIterator[FakeNudges]:
        assert kinds == ("received",)
        if self.outages:
            self.outages -= 1
            raise BrokerDown("error.broker_down")
        yield self

    async def batch(self, limit: int) -> Sequence[str]:
        return [await self.heard.get()]


def worker(agent: str, *skills: Any, seen: timedelta = timedelta()) -> Worker:
    return Worker(
        agent=agent,
        worker="w1",
        incarnation="1",
        slots=1,
        skills=skills,
        status="idle",
        current_task=None,
        last_seen=START + seen,
    )


class Desk:
    """A planner role with everything around it in the test's hands."""

    def __init__(self, *workers: Worker, settings: PlannerSettings = QUICK, clock: Any = None) -> None:
        self.clock = clock or FakeClock()
        self.store = FakeStore()
        self.store.registry.workers = list(workers)
        self.bus = FakeNudges()
        self.asked: list[tuple[Task, PlanRequest]] = []
        self.early: list[Sequence[Node]] = []
        self.outcome: Plan | Exception = PLAN
        self.gate = asyncio.Event()
        self.gate.set()
        self.most_at_once = self._at_once = 0
        outside = Outside(store=self.store, bus=self.bus, clock=self.clock, entropy=CountingEntropy())  # type: ignore[arg-type] # fakes hold what is used
        self.role = PlannerRole(outside, self._plan, settings)

    async def _plan(self, task: Task, request: PlanRequest, grow: Grow) -> Plan:
        self.asked.append((task, request))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            for nodes in self.early:
                await grow(nodes, "model")
            await self.gate.wait()
        finally:
            self._at_once -= 1
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def add(self, *tasks: Task) -> None:
        for one in tasks:
            self.store.tasks.add(one)

    @property
    def told(self) -> list[str]:
        return [nudge.kind for nudge in self.bus.told]

    def happen(self, *events: Any) -> None:
        """Events that others commit."""
        self.store.tasks.put(run(self.row(), events)[0])

    async def wake(self) -> None:
        self.bus.heard.put_nowait("received")
        await settle()

    def row(self, task_id: str = "AAAAAA") -> Task:
        return self.store.tasks.rows[task_id]

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self.role.run())
            await settle()
            try:
                yield
            finally:
                running.cancel()


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_received_task_is_planned_at_the_start() -> None:
    desk = Desk(worker("w", ECHO, REPORT))
    desk.add(task(request="echo hi", language="zh"))
    async with desk.working():
        assert (desk.row().state, desk.row().plan) == (TaskState.RUNNING, PLAN)
        assert desk.row().claimed_until is None
    ((asked, request),) = desk.asked
    assert (asked.scope, request.text, request.language, request.now) == (SCOPE, "echo hi", "zh", START)
    assert (request.history, request.dialogue, request.begun, request.round) == ((), (), (), 0)
    assert list(request.catalogue.skills) == ["echo", "report"]
    assert desk.told == ["planned", "changed"]


async def test_a_nudge_wakes_it() -> None:
    desk = Desk(worker("w", ECHO))
    async with desk.working():
        desk.add(task())
        await settle()
        assert desk.row().state is TaskState.RECEIVED
        desk.bus.heard.put_nowait("received")
        await settle()
        assert desk.row().plan == PLAN


async def test_a_lost_nudge_costs_a_sweep() -> None:
    desk = Desk(worker("w", ECHO), settings=replace(QUICK, sweep_s=0.0))
    async with desk.working():
        desk.add(task())
        await settle()
        assert desk.row().plan == PLAN


async def test_a_direct_reply_settles_the_task() -> None:
    desk = Desk(worker("w", ECHO))
    desk.outcome = Plan(answer="Hello!")
    desk.add(task())
    async with desk.working():
        assert desk.row().settled_at == START
    assert desk.bus.told == [Nudge(kind="settled", task_id="AAAAAA")]


@pytest.mark.parametrize(
    ("outcome", "code", "said"),
    [
        (Refused("plan.nothing_placed", skills="echo"), "no_plan", "没有技能适合"),
        (PlanRefused([Problem(kind="empty")]), "no_plan", "没有任务"),
        (RuntimeError("a bug"), "error", "0af7651916cd43dd8448eb211c80319c"),
    ],
)
async def test_why_there_is_no_plan_is_kept_in_the_language_of_the_person(
    outcome: Exception, code: str, said: str
) -> None:
    desk = Desk(worker("w", ECHO))
    desk.outcome = outcome
    desk.add(task(language="zh"))
    async with desk.working():
        failure = desk.row().failure
        assert failure
        assert failure.code == code
        assert said in failure.message
        assert "a bug" not in failure.message
        desk.outcome = PLAN  # the next request is not the worse for it
        desk.add(task("BBBBBB"))
        desk.bus.heard.put_nowait("received")
        await settle()
        assert desk.row("BBBBBB").plan == PLAN
    assert desk.bus.told[0] == Nudge(kind="settled", task_id="AAAAAA")


GONE = ModelDown("plan.nothing_placed_model_down", retry_after_s=30.0, detail="m1: HTTP 503", skills="echo")


def due(desk: Desk) -> float:
    """Seconds until the model is asked again."""
    until = desk.row().claimed_until
    assert until is not None
    return (until - desk.clock.now()).total_seconds()


async def test_while_no_model_answers_a_task_waits_held_by_nobody() -> None:
    desk = Desk(worker("w", ECHO, seen=timedelta(hours=1)))
    desk.outcome = GONE
    desk.add(task())
    async with desk.working():
        row = desk.row()
        assert (row.state, row.claimed_by, due(desk)) == (TaskState.PLANNING, None, 31)
        assert row.model_away == ModelAway(cause="m1: HTTP 503", asked=1, until=START + timedelta(seconds=240))
        assert desk.told == ["changed"]
        await desk.clock.advance(30)
        await desk.wake()
        assert len(desk.asked) == 1
        await desk.clock.advance(1)
        await desk.wake()
        assert (len(desk.asked), due(desk)) == (2, 32)
        desk.outcome = PLAN
        await desk.clock.advance(32)
        await desk.wake()
        assert (desk.row().plan, desk.row().model_away) == (PLAN, None)


async def test_at_the_end_of_its_patience_it_says_why() -> None:
    desk = Desk(worker("w", ECHO, seen=timedelta(hours=1)), settings=replace(QUICK, model_wait_s=60.0))
    desk.outcome = GONE
    desk.add(task(language="zh"))
    async with desk.working():
        await desk.clock.advance(31)
        await desk.wake()
        failure = desk.row().failure
        assert failure == Failure(code="no_plan", message=GONE.say("zh"))
        assert desk.told == ["changed", "settled"]


async def test_one_that_waits_for_a_model_is_cancelled_at_once() -> None:
    desk = Desk(worker("w", ECHO))
    desk.outcome = GONE
    desk.add(task())
    async with desk.working():
        desk.happen(CancelRequested(at=START))
        assert desk.row().settled_at == START


def test_the_next_asking_is_not_left_to_the_sweep() -> None:
    async def story() -> None:
        desk = Desk(worker("w", ECHO), clock=LoopClock())
        desk.outcome = ModelDown("error.model_down", retry_after_s=0.0, detail="m1: HTTP 429")
        desk.add(task())
        async with desk.working():
            desk.outcome = PLAN
            await asyncio.sleep(1 + MOMENT_S)
            assert (desk.row().plan, len(desk.asked)) == (PLAN, 2)

    virtually(story)


async def test_another_planner_asks_again_for_one_that_died() -> None:
    desk = Desk(worker("w", ECHO))
    desk.outcome = GONE
    desk.add(task())
    async with desk.working():
        pass
    other = Desk(worker("w", ECHO, seen=timedelta(seconds=31)), settings=replace(QUICK, name="other"))
    other.store.tasks.rows = desk.store.tasks.rows
    await other.clock.advance(31)
    async with other.working():
        assert other.row().plan == PLAN


async def test_those_that_wait_for_a_model_take_nobody_s_place() -> None:
    desk = Desk(worker("w", ECHO, seen=timedelta(hours=1)), settings=replace(QUICK, at_once=4, again_at_once=2))
    desk.outcome = GONE
    desk.add(*(task(f"AAAAA{n}") for n in range(4)))
    async with desk.working():
        assert len(desk.asked) == 4
        await desk.clock.advance(40)
        desk.gate.clear()
        desk.outcome = PLAN
        desk.most_at_once = 0
        await desk.wake()
        assert [asked.id for asked, _ in desk.asked[4:]] == ["AAAAA0", "AAAAA1"]
        desk.add(*(task(f"BBBBB{n}") for n in range(5)))
        await desk.wake()
        assert [asked.id for asked, _ in desk.asked[6:]] == [f"BBBBB{n}" for n in range(4)]
        desk.gate.set()
        await settle()
        assert all(row.plan == PLAN for row in desk.store.tasks.rows.values())


async def test_tasks_are_planned_side_by_side_but_not_too_many() -> None:
    desk = Desk(worker("w", ECHO), settings=replace(QUICK, at_once=3))
    desk.gate.clear()
    desk.add(*(task(f"AAAAA{n}") for n in range(8)))
    async with desk.working():
        assert desk.most_at_once == 3
        desk.gate.set()
        await settle()
        assert all(row.plan == PLAN for row in desk.store.tasks.rows.values())
    assert desk.most_at_once == 3


async def test_a_claim_is_renewed_while_planning_goes_on_and_runs_out_with_its_process() -> None:
    desk = Desk(worker("w", ECHO))
    desk.gate.clear()
    desk.add(task())
    async with desk.working():
        assert desk.row().claimed_until == START + timedelta(seconds=30)
        await desk.clock.advance(20)
        desk.bus.heard.put_nowait("received")
        await settle()
        assert desk.row().claimed_until == START + timedelta(seconds=50)
    other = Desk(worker("w", ECHO, seen=timedelta(seconds=49)))
    other.store.tasks.rows = desk.store.tasks.rows
    await other.clock.advance(49)
    async with other.working():
        assert other.asked == []
        await other.clock.advance(1)
        other.bus.heard.put_nowait("received")
        await settle()
        assert other.row().plan == PLAN


async def test_a_task_cancelled_meanwhile_stays_cancelled() -> None:
    desk = Desk(worker("w", ECHO))
    desk.gate.clear()
    desk.add(task())
    async with desk.working():
        desk.happen(CancelRequested(at=START))
        desk.gate.set()
        await settle()
        assert desk.row().plan is None
        del desk.store.tasks.rows["AAAAAA"]
    assert desk.bus.told == []


async def test_the_deadline_ends_planning() -> None:
    desk = Desk(worker("w", ECHO))
    desk.gate.clear()
    desk.add(task(deadline_at=START))
    async with desk.working():
        await asyncio.wait_for(desk.bus.spoke.wait(), 5)
        failure = desk.row().failure
        assert failure
        assert failure.code == "deadline"


async def test_without_agents_a_task_waits_but_not_for_ever() -> None:
    desk = Desk()
    desk.add(task())
    async with desk.working():
        assert desk.row().state is TaskState.RECEIVED
        await desk.clock.advance(59)
        await settle()
        assert desk.row().state is TaskState.RECEIVED
        await desk.clock.advance(1)
        await settle()
        failure = desk.row().failure
        assert failure
        assert (failure.code, "xingshu worker" in failure.message) == ("no_agent", True)
    assert desk.bus.told == [Nudge(kind="settled", task_id="AAAAAA")]
    assert desk.asked == []


async def test_an_agent_that_appears_in_time_is_enough() -> None:
    desk = Desk()
    desk.add(task())
    async with desk.working():
        desk.store.registry.workers = [worker("w", ECHO)]
        await settle()
        assert desk.row().plan == PLAN


async def test_silent_agents_count_with_what_the_operator_says_and_dead_ones_do_not() -> None:
    configured = (("foreign", ECHO), ("absent", REPORT))
    desk = Desk(
        worker("foreign"),
        worker("gone", REPORT, seen=timedelta(seconds=-31)),
        settings=replace(QUICK, configured=configured),
    )
    desk.add(task())
    async with desk.working():
        ((_, request),) = desk.asked
        assert dict(request.catalogue.agents) == {"echo": ("foreign",)}


async def test_right_after_the_start_configured_agents_are_awaited() -> None:
    settings = replace(QUICK, configured=(("one", ECHO), ("two", REPORT)), gather_s=3.0)
    desk = Desk(worker("one", ECHO), settings=settings)
    desk.add(task())
    async with desk.working():
        assert desk.asked == []
        desk.store.registry.workers = [worker("one", ECHO), worker("two", REPORT)]
        await settle()
        assert [list(request.catalogue.skills) for _, request in desk.asked] == [["echo", "report"]]
    late = Desk(worker("one", ECHO), settings=settings)
    late.add(task())
    async with late.working():
        await late.clock.advance(3)
        await settle()
        assert [list(request.catalogue.skills) for _, request in late.asked] == [["echo"]]


async def test_outages_are_waited_out_and_no_plan_is_lost() -> None:
    desk = Desk(worker("w", ECHO), settings=replace(QUICK, sweep_s=0.0))
    desk.bus.outages = 2
    desk.gate.clear()
    desk.add(task())
    async with desk.working():
        assert len(desk.asked) == 1
        desk.role._settings = QUICK
        await settle()
        desk.store.downs = 3
        desk.gate.set()
        for _ in range(5):
            await desk.clock.advance(1)
            await settle()
        assert desk.row().plan == PLAN
    assert len(desk.asked) == 1


async def test_an_outage_at_the_look_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.role.PAUSE_S", 0.0)
    desk = Desk(worker("w", ECHO))
    desk.store.downs = 3
    desk.add(task())
    async with desk.working():
        await settle()
        assert desk.row().plan == PLAN


# --- a plan that grows --------------------------------------------------------------------------------------------

A, B = Node(id="a", skill="echo"), Node(id="b", skill="echo", dependencies=("a",))
WHOLE = Plan(nodes=(A, B), author="m1", rounds_left=2)


async def test_what_is_certain_is_committed_and_told_while_planning_goes_on() -> None:
    desk = Desk(worker("w", ECHO))
    desk.early, desk.outcome = [[A]], WHOLE
    desk.gate.clear()
    desk.add(task())
    async with desk.working():
        row = desk.row()
        assert (row.state, row.planned_at, [*row.subtasks]) == (TaskState.PLANNING, None, ["a"])
        assert row.subtasks["a"].state is SubtaskState.READY
        assert desk.told == ["planned", "changed"]
        desk.gate.set()
        await settle()
    row = desk.row()
    assert (row.planned_at, row.plan and row.plan.nodes, row.plan and row.plan.author) == (START, (A, B), "m1")
    assert row.plan is not None
    assert row.plan.rounds_left == 2


async def test_planning_ends_at_once_when_the_task_was_ended_meanwhile() -> None:
    desk = Desk(worker("w", ECHO))
    desk.gate.clear()
    desk.add(task())
    async with desk.working():
        assert len(desk.asked) == 1
        desk.happen(CancelRequested(at=START))
    ended = Desk(worker("w", ECHO))
    ended.add(task())
    ended.early = [[A]]
    ended.gate.clear()
    before = ended.store.tasks.lock

    def cancelled_first(ids: Any) -> Any:
        if ended.asked and ended.row().cancelled_at is None:
            ended.happen(CancelRequested(at=START))
        return before(ids)

    ended.store.tasks.lock = cancelled_first  # type: ignore[method-assign] # the person is faster than the commit
    async with ended.working():
        await settle()
        assert ended.most_at_once == 1
        assert ended._at_once == 0
        assert ended.row().plan is None


async def test_what_was_committed_goes_on_when_the_rest_cannot_be_planned() -> None:
    desk = Desk(worker("w", ECHO))
    desk.early, desk.outcome = [[A]], Refused("plan.nothing_placed", skills="echo")
    desk.add(task())
    async with desk.working():
        row = desk.row()
    assert (row.failure, row.planned_at, row.settled_at, [*row.subtasks]) == (None, START, None, ["a"])


async def test_a_planner_that_was_taken_for_dead_adds_nothing() -> None:
    desk = Desk(worker("w", ECHO))
    desk.gate.clear()
    desk.add(task())
    async with desk.working():
        desk.happen(PlanningStarted(until=START + timedelta(minutes=1), by="other"))
        await desk.wake()
        assert desk.row().claimed_by == "other"
        desk.gate.set()
        await settle()
        assert desk.row().plan is None
    assert desk.told == []


async def test_what_another_planner_had_begun_is_told_and_completed() -> None:
    desk = Desk(worker("w", ECHO))
    desk.outcome = WHOLE
    begun = run(
        task(),
        [
            PlanningStarted(until=START, by="dead"),
            PlanGrew(nodes=(A,), author="model", at=START, by="dead"),
            Released(key="a", agent="w", at=START, due_at=START + timedelta(minutes=1)),
            Succeeded(key="a", attempt=1, exec_id=None, agent="w", result=Result(summary="hi", output=[1]), at=START),
        ],
    )[0]
    desk.add(begun)
    async with desk.working():
        ((_, request),) = desk.asked
        assert [(one.node.id, one.state, one.told) for one in request.begun] == [
            ("a", SubtaskState.SUCCEEDED, "hi\n[1]")
        ]
        assert [*desk.row().subtasks] == ["a", "b"]
        assert desk.row().subtasks["b"].state is SubtaskState.READY


async def test_a_map_is_told_as_one_with_its_children_inside() -> None:
    desk = Desk(worker("w", ECHO))
    mapped = Node(id="m", skill="echo", dependencies=("a",), for_each="{{a.output}}", params={"text": "{{item}}"})
    due = START + timedelta(minutes=1)
    begun = run(
        task(),
        [
            PlanningStarted(until=START, by="dead"),
            PlanGrew(nodes=(A, mapped), author="model", at=START, by="dead"),
            Released(key="a", agent="w", at=START, due_at=due),
            Succeeded(key="a", attempt=1, exec_id=None, agent="w", result=Result(summary="", output=["x"]), at=START),
            Released(key="m.1", agent="w", at=START, due_at=due),
            Succeeded(key="m.1", attempt=1, exec_id=None, agent="w", result=Result(summary="", output="y"), at=START),
        ],
    )[0]
    assert "m.1" in begun.subtasks
    desk.add(begun)
    async with desk.working():
        ((_, request),) = desk.asked
    assert [(one.node.id, one.node.dependencies, one.told) for one in request.begun] == [
        ("a", (), '["x"]'),
        ("m", ("a",), '["y"]'),
    ]


# --- questions, rounds, conversations -----------------------------------------------------------------------------


async def test_a_question_waits_for_the_person_and_the_reply_is_planned_with() -> None:
    desk = Desk(worker("w", ECHO))
    desk.outcome = Plan(question="Which one?")
    desk.add(task())
    async with desk.working():
        assert (desk.row().state, desk.row().question) == (TaskState.WAITING, "Which one?")
        assert desk.told == ["changed"]
        desk.outcome = PLAN
        desk.happen(QuestionAnswered(reply="the first", at=START))
        await desk.wake()
    assert desk.asked[1][1].dialogue == (Exchange(said="Which one?", reply="the first"),)
    assert desk.row().plan == PLAN


async def test_a_lost_critical_subtask_is_planned_anew_with_what_is_there() -> None:
    desk = Desk(worker("w", ECHO))
    lost = Node(id="a", skill="echo", critical=True, max_attempts=1)
    desk.outcome = Plan(nodes=(lost, node("x")), rounds_left=2)
    desk.add(task())
    due = START + timedelta(minutes=1)
    async with desk.working():
        desk.happen(
            Released(key="x", agent="w", at=START, due_at=due),
            Succeeded(key="x", attempt=1, exec_id=None, agent="w", result=Result(summary="fine"), at=START),
            Released(key="a", agent="w", at=START, due_at=due),
            Failed(key="a", attempt=1, exec_id=None, agent="w", failure=Failure(code="refused"), at=START, jitter=0.0),
        )
        assert desk.row().state is TaskState.PLANNING
        desk.outcome = Plan(nodes=(lost, node("x"), node("r1_a")), rounds_left=2)
        await desk.wake()
        _, request = desk.asked[1]
        assert (request.round, request.why) == (1, "")
        assert [(one.node.id, one.state) for one in request.begun] == [
            ("a", SubtaskState.FAILED),
            ("x", SubtaskState.SUCCEEDED),
        ]
        row = desk.row()
        assert row.plan is not None
        assert (row.plan.rounds_left, row.plan.by_id["r1_a"].round) == (1, 1)


async def test_why_the_result_did_not_do_is_told() -> None:
    desk = Desk(worker("w", ECHO))
    desk.outcome = Plan(nodes=(A,), rounds_left=2)
    desk.add(task())
    async with desk.working():
        desk.happen(
            Released(key="a", agent="w", at=START, due_at=START + timedelta(minutes=1)),
            Succeeded(key="a", attempt=1, exec_id=None, agent="w", result=Result(summary="fine"), at=START),
            Dissatisfied(why="March is missing", at=START),
        )
        await desk.wake()
    assert [(request.round, request.why) for _, request in desk.asked] == [(0, ""), (1, "March is missing")]


async def test_the_conversation_of_this_person_in_this_chat_is_told() -> None:
    def said(task_id: str, request: str, ago: timedelta, **more: Any) -> Task:
        answer = Answer(statements=(Statement(text=f"done: {request}"),), author=Author.RULES)
        return task(
            task_id,
            request=request,
            created_at=START - ago,
            state=TaskState.ANSWERED,
            answer=answer,
            settled_at=START,
            **more,
        )

    desk = Desk(worker("w", ECHO), settings=replace(QUICK, history_s=3600.0))
    desk.add(
        said("BBBBBB", "too old", timedelta(hours=2)),
        said("CCCCCC", "sales of February", timedelta(minutes=5)),
        said("DDDDDD", "somebody else's", timedelta(minutes=4), scope=replace(SCOPE, owner="console:bob")),
        task(request="again for March"),
    )
    async with desk.working():
        ((_, request),) = desk.asked
    assert request.history == (Exchange(said="sales of February", reply="done: sales of February"),)
