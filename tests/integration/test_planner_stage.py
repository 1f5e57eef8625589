"""The planner stage with what stands around it in a deployment: a database, a broker, a model over HTTP, and the skills
that agents really announce."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agents.roster import BUNDLES, catalogue_of
from app.clock import SystemClock, SystemEntropy
from domain.agents import Worker
from domain.errors import Refused
from domain.events import Event, QuestionAnswered
from domain.messages import Nudge
from domain.plan import Plan
from domain.plan_check import Limits, problems
from domain.ports import ControlBus, Store, Subscription, UnitOfWork
from domain.progress import run
from domain.skill import Catalogue
from domain.task import SubtaskState, Task, TaskState
from domain.texts import language_of
from llm import ModelSettings, OpenAIModel, read_models
from messaging import TransportControlBus, memory_transport
from planner.authoring import Grow
from planner.claim import Outside
from planner.offline import plan_offline
from planner.planner import Planner
from planner.request import PlanRequest
from planner.role import PlannerRole, PlannerSettings
from storage import migrate, open_store
from tests.builders import task
from tests.fakes_model import Fault, Gate, ModelServer, Reply, chunk, in_pieces, model_server, refused, said, streamed

CLOCK = SystemClock()


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """Everything the default agents announce."""
    return Catalogue.of(catalogue_of({name: (name,) for name in BUNDLES}))


def announced(catalogue: Catalogue) -> Worker:
    return Worker(
        agent="all",
        worker="w1",
        incarnation="1",
        slots=1,
        skills=tuple(catalogue),
        status="idle",
        current_task=None,
        last_seen=CLOCK.now(),
    )


class Stage:
    """The stage at work; `plan` sends it a request and waits for what it makes of it."""

    def __init__(self, store: Store, bus: ControlBus) -> None:
        self.store = store
        self._bus = bus

    async def plan(self, task_id: str, request: str, *until: str) -> Task:
        """The task once one of these nudges came; by default those that say that planning is over."""
        async with asyncio.timeout(20), self.nudged(*(until or ("planned", "settled"))) as ends:
            await self.receive(task_id, request)
            await ends.batch(1)
        return await self.row(task_id)

    async def receive(self, task_id: str, request: str) -> None:
        now = CLOCK.now()
        received = task(task_id, request=request, created_at=now, deadline_at=now + timedelta(minutes=5))
        await self.store.transact(lambda uow: uow.tasks.add(received))
        await self.wake(task_id)

    async def wake(self, task_id: str) -> None:
        await self._bus.nudge([Nudge(kind="received", task_id=task_id)])

    def nudged(self, *kinds: str) -> AbstractAsyncContextManager[Subscription[Nudge]]:
        return self._bus.nudges(*kinds)

    async def row(self, task_id: str) -> Task:
        row = await self.store.transact(lambda uow: uow.tasks.peek(task_id))
        assert row is not None
        return row

    async def happen(self, task_id: str, *events: Event) -> None:
        def work(uow: UnitOfWork) -> None:
            uow.tasks.put(run(uow.tasks.lock([task_id])[task_id], events)[0])

        await self.store.transact(work)


@asynccontextmanager
async def stage(folder: Path, server: ModelServer, catalogue: Catalogue) -> AsyncIterator[Stage]:
    url = f"sqlite:///{folder}/x.db"
    migrate(url)
    store = open_store(url, CLOCK)
    bus = TransportControlBus(memory_transport(CLOCK))
    settings = ModelSettings(models=read_models("m1", server.base_url))
    model = OpenAIModel(settings, CLOCK, SystemEntropy())

    async def plan_with(_task: Task, request: PlanRequest, grow: Grow) -> Plan:
        return (await Planner(model, Limits()).plan(request, grow)).plan

    await store.transact(partial(_hello, worker=announced(catalogue)))
    outside = Outside(store=store, bus=bus, clock=CLOCK, entropy=SystemEntropy())
    role = PlannerRole(outside, plan_with, PlannerSettings(name="p1"))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(role.run())
        try:
            yield Stage(store, bus)
        finally:
            running.cancel()
    await model.close()
    await bus.close()
    await store.close()


def _hello(uow: UnitOfWork, worker: Worker) -> None:
    uow.registry.hello(worker)


def entry(name: str, skill: str, *dependencies: str, **params: str) -> dict[str, Any]:
    pairs = [{"name": key, "value": value} for key, value in params.items()]
    return {"id": name, "skill": skill, "params": pairs, "dependencies": list(dependencies)}


LOOK, SAY = entry("look", "file_list", path="examples"), entry("say", "echo", text="hi")
SUM = entry("sum", "report", "look", "say")
PLAN = json.dumps({"tasks": [LOOK, SAY, SUM]})


def told(request: dict[str, Any]) -> str:
    """All that a request to the model says."""
    return json.dumps([message["content"] for message in request["messages"]], ensure_ascii=False)


async def test_a_models_plan_is_mended(tmp_path: Path, catalogue: Catalogue) -> None:
    plan = {"tasks": [{"id": "say", "skill": "Echo", "params": {"text": "hi"}, "dependencies": ["ghost"]}]}
    answer = said("```json\n" + json.dumps(plan) + "\n```")
    async with model_server(lambda _request: answer) as server, stage(tmp_path, server, catalogue) as at_work:
        row = await at_work.plan("AAAAAA", "greet me")
    assert row.plan is not None
    assert [(node.id, node.skill, dict(node.params), node.dependencies) for node in row.plan.nodes] == [
        ("say", "echo", {"text": "hi"}, ())
    ]
    assert {repair.kind for repair in row.plan.repairs} == {"text_fence", "skill", "dangling_dependency"}
    assert (row.plan.author, row.plan.rounds_left) == ("m1", 2)
    assert len(server.requests) == 1


async def test_subtasks_are_there_while_the_model_still_writes(tmp_path: Path, catalogue: Catalogue) -> None:
    gate = Gate()
    async with (
        model_server(lambda _request: said(PLAN), gate=gate) as server,
        stage(tmp_path, server, catalogue) as at_work,
        at_work.nudged("planned") as planned,
    ):
        gate.let(len(PLAN[: PLAN.index('"sum"')]) // 4)
        async with asyncio.timeout(20):
            await at_work.receive("AAAAAA", "look and say hi, then sum up")
            while len((row := await at_work.row("AAAAAA")).subtasks) < 2:
                await planned.batch(1)
            assert (row.state, row.planned_at, [*row.subtasks]) == (TaskState.PLANNING, None, ["look", "say"])
            assert {sub.state for sub in row.subtasks.values()} == {SubtaskState.READY}
            gate.let(10_000)
            while (row := await at_work.row("AAAAAA")).planned_at is None:
                await planned.batch(1)
    assert [*row.subtasks] == ["look", "say", "sum"]
    assert row.plan is not None
    assert (row.plan.author, row.plan.repairs) == ("m1", ())


async def test_a_stream_that_breaks_is_asked_for_the_rest_and_nothing_is_planned_twice(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    begun = [chunk(piece) for piece in in_pieces(PLAN[: PLAN.index('"sum"')])]
    rest = json.dumps({"tasks": [entry("hello", "echo", text="hi"), entry("sum", "report", "look", "hello")]})
    replies = [streamed(*begun, Fault.CUT), said(rest)]
    async with (
        model_server(lambda _request: replies.pop(0)) as server,
        stage(tmp_path, server, catalogue) as at_work,
        at_work.nudged("planned") as planned,
    ):
        async with asyncio.timeout(20):
            await at_work.receive("AAAAAA", "look and say hi, then sum up")
            while (row := await at_work.row("AAAAAA")).planned_at is None:
                await planned.batch(1)
    assert row.plan is not None
    assert [(node.id, node.dependencies) for node in row.plan.nodes] == [
        ("look", ()),
        ("say", ()),
        ("sum", ("look", "say")),
    ]
    assert len(server.requests) == 2
    assert "Plan only the rest" not in told(server.requests[0])
    assert "Plan only the rest" in told(server.requests[1])


async def test_a_question_waits_and_its_reply_is_planned_with(tmp_path: Path, catalogue: Catalogue) -> None:
    replies = [said(json.dumps({"tasks": [], "question": "Which folder?"})), said(PLAN)]
    async with model_server(lambda _request: replies.pop(0)) as server, stage(tmp_path, server, catalogue) as at_work:
        asked = await at_work.plan("AAAAAA", "list the files", "changed")
        assert (asked.state, asked.question) == (TaskState.WAITING, "Which folder?")
        await at_work.happen("AAAAAA", QuestionAnswered(reply="examples, please", at=CLOCK.now()))
        async with asyncio.timeout(20), at_work.nudged("planned") as planned:
            await at_work.wake("AAAAAA")
            await planned.batch(1)
    assert "Which folder?" in told(server.requests[1])
    assert "examples, please" in told(server.requests[1])


async def test_without_the_model_rules_plan_and_say_so(tmp_path: Path, catalogue: Catalogue) -> None:
    def unwilling(_request: object) -> Reply:
        return refused(401, "Incorrect API key provided: sk-abc***")

    async with model_server(unwilling) as server, stage(tmp_path, server, catalogue) as at_work:
        planned = await at_work.plan("AAAAAA", "echo hello world")
        failed = await at_work.plan("BBBBBB", "book me a flight to Mars")
    assert planned.plan is not None
    assert (planned.plan.author, planned.plan.repairs[0].kind) == ("offline", "model_down")
    assert "sk-abc" not in planned.plan.repairs[0].before
    assert failed.failure is not None
    assert failed.failure.code == "no_plan"
    assert "HTTP 401" in failed.failure.message


REQUESTS: list[tuple[str, list[tuple[str, tuple[int, ...]]]]] = [
    (
        "review the code in examples/shop, profile examples/sales.csv, then write a report",
        [("code_review", ()), ("data_profile", ()), ("report", (1, 2))],
    ),
    (
        "审查 examples/shop 的代码,分析 examples/sales.csv,然后写一份报告",
        [("code_review", ()), ("data_profile", ()), ("report", (1, 2))],
    ),
    ("1. list the files in examples 2. read examples/README.md", [("file_list", ()), ("file_read", (1,))]),
    ("echo hello world", [("echo", ())]),
    ("搜索 TODO 在 examples/shop 里,同时 列出 examples 的文件", [("file_search", ()), ("file_list", ())]),
    ("draw a bar chart of total by region from examples/sales.csv", [("data_chart", ())]),
    ("query examples/sales.csv with SQL: select count(*) from data", [("data_query", ())]),
]


@pytest.mark.parametrize(("request_text", "expected"), REQUESTS, ids=[text[:50] for text, _ in REQUESTS])
def test_rules_find_the_skills_agents_really_announce(
    request_text: str, expected: list[tuple[str, tuple[int, ...]]], catalogue: Catalogue
) -> None:
    plan = plan_offline(request_text, catalogue, language_of(request_text))
    number = {node.id: place for place, node in enumerate(plan.nodes, start=1)}
    found = [(node.skill, tuple(number[other] for other in node.dependencies)) for node in plan.nodes]
    assert found == expected
    assert plan.unplaced == ()
    assert problems(plan, catalogue, Limits()) == ()


def test_most_examples_of_real_skills_lead_to_their_skill(catalogue: Catalogue) -> None:
    found = [(spec.name, text, _skills(text, catalogue)) for spec in catalogue for text in spec.examples]
    assert [(name, text) for name, text, skills in found if skills - {name}] == []
    assert sum(skills == {name} for name, _, skills in found) >= 0.9 * len(found)


def _skills(request: str, catalogue: Catalogue) -> set[str]:
    try:
        return {node.skill for node in plan_offline(request, catalogue, language_of(request)).nodes}
    except Refused:
        return set()
