"""The planner stage with what stands around it in a deployment: a database, a broker, a model over HTTP, and the skills
that agents really announce."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from agents.roster import BUNDLES, catalogue_of
from app.clock import SystemClock, SystemEntropy
from domain.agents import Worker
from domain.errors import Refused
from domain.messages import Nudge
from domain.plan import Plan
from domain.plan_check import Limits, problems
from domain.ports import ControlBus, Store, UnitOfWork
from domain.skill import Catalogue
from domain.task import Scope, Task
from domain.texts import language_of
from llm import CachePolicy, ModelSettings, OpenAIModel, ResponseCache
from messaging import TransportControlBus, memory_transport
from planner.offline import plan_offline
from planner.planner import Planner
from planner.prompt import PlanRequest
from planner.role import PlannerRole, PlannerSettings
from storage import migrate, open_store
from tests.builders import task
from tests.fakes_model import ModelServer, Reply, model_server, refused, said

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
        self._store = store
        self._bus = bus

    async def plan(self, task_id: str, request: str) -> Task:
        now = CLOCK.now()
        received = task(task_id, request=request, created_at=now, deadline_at=now + timedelta(minutes=5))
        await self._store.transact(lambda uow: uow.tasks.add(received))
        async with asyncio.timeout(20), self._bus.nudges("planned", "settled") as ends:
            await self._bus.nudge([Nudge(kind="received", task_id=task_id)])
            await ends.batch(1)
        row = await self._store.transact(lambda uow: uow.tasks.peek(task_id))
        assert row is not None
        return row


@asynccontextmanager
async def stage(folder: Path, server: ModelServer, catalogue: Catalogue) -> AsyncIterator[Stage]:
    url = f"sqlite:///{folder}/x.db"
    migrate(url)
    store = open_store(url, CLOCK)
    bus = TransportControlBus(memory_transport(CLOCK))
    settings = ModelSettings(base_url=server.base_url, models=("m1",))
    model = OpenAIModel(settings, CLOCK, SystemEntropy())
    cache = ResponseCache(model, store, CLOCK, CachePolicy(identity=settings.identity))

    async def plan_with(scope: Scope, request: PlanRequest) -> Plan:
        return await Planner(cache.of(scope), Limits()).plan(request)

    await store.transact(partial(_hello, worker=announced(catalogue)))
    role = PlannerRole(store, bus, plan_with, CLOCK, PlannerSettings())
    async with asyncio.TaskGroup() as group:
        running = group.create_task(role.run())
        yield Stage(store, bus)
        running.cancel()
    await model.close()
    await bus.close()
    await store.close()


def _hello(uow: UnitOfWork, worker: Worker) -> None:
    uow.registry.hello(worker)


async def test_a_models_plan_is_mended_kept_and_used_again(tmp_path: Path, catalogue: Catalogue) -> None:
    plan = {"tasks": [{"id": "say", "skill": "Echo", "params": {"text": "hi"}, "dependencies": ["ghost"]}]}
    answer = said("```json\n" + json.dumps(plan) + "\n```")
    async with model_server(lambda _request: answer) as server, stage(tmp_path, server, catalogue) as at_work:
        first = await at_work.plan("AAAAAA", "greet me")
        again = await at_work.plan("BBBBBB", "greet me")
    assert first.plan is not None
    assert again.plan == first.plan
    assert [(node.id, node.skill, dict(node.params), node.dependencies) for node in first.plan.nodes] == [
        ("say", "echo", {"text": "hi"}, ())
    ]
    assert [repair.kind for repair in first.plan.repairs] == ["text", "skill", "dangling_dependency"]
    assert first.plan.author == "m1"
    assert len(server.requests) == 1


async def test_without_the_model_rules_plan_and_say_so(tmp_path: Path, catalogue: Catalogue) -> None:
    def unwilling(_request: object) -> Reply:
        return refused(401, "Incorrect API key provided: sk-abc***")

    async with model_server(unwilling) as server, stage(tmp_path, server, catalogue) as at_work:
        planned = await at_work.plan("AAAAAA", "echo hello world")
        failed = await at_work.plan("BBBBBB", "book me a flight to Mars")
    assert planned.plan is not None
    assert (planned.plan.author, planned.plan.repairs[0].kind) == ("offline", "model_down")
    assert "sk-abc" not in planned.plan.repairs[0].other
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
