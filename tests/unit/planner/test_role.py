from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.agents import Worker
from domain.errors import BrokerDown, PlanRefused, Refused
from domain.events import CancelRequested
from domain.messages import Nudge
from domain.plan import Node, Plan
from domain.plan_check import Problem
from domain.progress import step
from domain.task import Scope, Task, TaskState
from planner.prompt import PlanRequest
from planner.role import PlannerRole, PlannerSettings
from tests.builders import SCOPE, task
from tests.fakes import START, FakeClock
from tests.fakes_store import FakeStore
from tests.unit.planner.skills import SPECS

ECHO = next(spec for spec in SPECS if spec.name == "echo")
REPORT = next(spec for spec in SPECS if spec.name == "report")
PLAN = Plan(nodes=(Node(id="t1", skill="echo"),))
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

    def __init__(self, *workers: Worker, settings: PlannerSettings = QUICK) -> None:
        self.clock = FakeClock()
        self.store = FakeStore()
        self.store.registry.workers = list(workers)
        self.bus = FakeNudges()
        self.asked: list[tuple[Scope, PlanRequest]] = []
        self.outcome: Plan | Exception = PLAN
        self.gate = asyncio.Event()
        self.gate.set()
        self.most_at_once = self._at_once = 0
        self.role = PlannerRole(self.store, self.bus, self._plan, self.clock, settings)  # type: ignore[arg-type] # fakes hold what is used

    async def _plan(self, scope: Scope, request: PlanRequest) -> Plan:
        self.asked.append((scope, request))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await self.gate.wait()
        finally:
            self._at_once -= 1
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def add(self, *tasks: Task) -> None:
        for one in tasks:
            self.store.tasks.add(one)

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
    ((scope, request),) = desk.asked
    assert (scope, request.text, request.language) == (SCOPE, "echo hi", "zh")
    assert list(request.catalogue.skills) == ["echo", "report"]
    assert desk.bus.told == [Nudge(kind="planned", task_id="AAAAAA")]


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
        desk.store.tasks.put(step(desk.row(), CancelRequested(at=START))[0])
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
