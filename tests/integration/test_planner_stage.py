"""The planner stage with what stands around it in a deployment: a database, a broker, a model over HTTP, and the skills
that agents really announce."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from agents.roster import BUNDLES, catalogue_of
from app.clock import SystemClock, SystemEntropy
from domain.agents import Worker
from domain.errors import Refused
from domain.messages import Nudge
from domain.plan import Plan
from domain.plan_check import Limits, problems
from domain.ports import ControlBus, Model, Store
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
from tests.builders import SCOPE, task
from tests.fakes_model import model_server, refused, said

CLOCK = SystemClock()


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.of(catalogue_of({name: (name,) for name in BUNDLES}))


async def run_until(store: Store, bus: ControlBus, cache: ResponseCache | None, waiting: Task) -> Task:
    """Run the stage until it has said that the task is planned or settled; the row as it stands then."""

    async def plan_with(scope: Scope, request: PlanRequest) -> Plan:
        model: Model | None = cache.of(scope) if cache else None
        return await Planner(model, Limits()).plan(request)

    role = PlannerRole(store, bus, plan_with, CLOCK, PlannerSettings())
    async with asyncio.timeout(20), asyncio.TaskGroup() as group, bus.nudges("planned", "settled") as ends:
        running = group.create_task(role.run())
        await bus.nudge([Nudge(kind="received", task_id=waiting.id)])
        arrivals = await ends.batch(1)
        assert [arrival.message.task_id for arrival in arrivals] == [waiting.id]  # type: ignore[union-attr] # no malformed nudge was sent
        running.cancel()
    row = await store.transact(lambda uow: uow.tasks.peek(waiting.id))
    assert row is not None
    return row


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


def received(task_id: str, request: str) -> Task:
    now = CLOCK.now()
    return task(task_id, request=request, created_at=now, deadline_at=now + timedelta(minutes=5))


async def test_a_request_becomes_a_row_with_a_plan(tmp_path: Path, catalogue: Catalogue) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    migrate(url)
    store = open_store(url, CLOCK)
    bus = TransportControlBus(memory_transport(CLOCK))
    plan = {"tasks": [{"id": "say", "skill": "echo", "params": {"text": "hi"}, "dependencies": ["ghost"]}]}
    async with model_server(lambda _request: said("```json\n" + json.dumps(plan) + "\n```")) as server:
        model = OpenAIModel(ModelSettings(base_url=server.base_url, models=("m1",)), CLOCK, SystemEntropy())
        cache = ResponseCache(model, store, CLOCK, CachePolicy(identity="here m1"))
        tasks = [received("AAAAAA", "say hi nicely"), received("BBBBBB", "say hi nicely"), received("CCCCCC", "echo bye")]
        await store.transact(lambda uow: uow.registry.hello(announced(catalogue)))
        for one in tasks:
            await store.transact(lambda uow, one=one: uow.tasks.add(one))  # type: ignore[misc] # bound early on purpose
        rows = [await run_until(store, bus, cache, one) for one in tasks[:1]]
        second = await store.transact(lambda uow: uow.tasks.peek("BBBBBB"))
        await model.close()
    assert rows[0].plan is not None
    assert [(node.id, node.skill, dict(node.params)) for node in rows[0].plan.nodes] == [("say", "echo", {"text": "hi"})]
    assert [repair.kind for repair in rows[0].plan.repairs] == ["text", "dangling_dependency"]
    assert second is not None
    await bus.close()
    await store.close()
