"""Real processes, a broker and a database of their own, and somebody who kills them. `make chaos` plays more of it.

All in one file, so that only one process at a time of a test run has such a crowd.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.acceptance.talking_model import step
from tests.chaos.real.load import Dag
from tests.chaos.real.run import Ground, Stage, ground, run, staged
from tests.chaos.real.scenarios import SCENARIOS, Scenario, Size
from tests.chaos.real.services import NotHere
from tests.chaos.real.verdict import Limits
from tests.conftest import IS_REQUIRED

pytestmark = [pytest.mark.process, pytest.mark.timeout(400), pytest.mark.asyncio(loop_scope="module")]

QUICK = [scenario for scenario in SCENARIOS if scenario.quick]
PATIENCE_S = 6.0  # of the broker with what is not acknowledged; half an hour by default
LONG_MS = 12_000
WITHIN_S = 90.0
LONG = Scenario(name="long", what="", faults=(), full=Size(requests=1, lasts_s=1), workers=2)
ONCE = Limits(runs_per_look=1.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[Ground]:
    try:
        async with ground(consumer_timeout_s=PATIENCE_S) as both:
            yield both
    except NotHere as missing:
        (pytest.fail if IS_REQUIRED else pytest.skip)(f"nothing to break here: {missing}")


@pytest.mark.parametrize("scenario", QUICK, ids=lambda scenario: scenario.name)
async def test_nothing_is_lost_and_nothing_done_twice(scenario: Scenario, here: Ground):
    assert scenario.quick is not None
    verdict = await run(scenario, scenario.quick, here)
    assert sum(verdict.faults.values()) > 0
    assert verdict.broken(scenario.limits) == [], verdict.details


# --- work that lasts ------------------------------------------------------------------------------------------------


def dag(ms: int, skill: str = "look") -> Dag:
    """A chain with a step in the middle that lasts."""
    steps = [
        step("first", "look", dag=0, node="first", ms=10),
        step("long", skill, "first", dag=0, node="long", ms=ms),
        step("last", "look", "long", dag=0, node="last", ms=10),
    ]
    return Dag(number=0, steps=steps)


def said(record: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []


async def begun(stage: Stage, node: str = "long") -> int:
    """Wait until a step runs, and that is known; the process that runs it."""
    states: list[tuple[str]] = []
    while states != [("running",)]:
        await asyncio.sleep(0.05)
        states = await asyncio.to_thread(stage.rows, f"SELECT state FROM subtask WHERE key = '{node}'")  # noqa: S608
    return next(int(line["pid"]) for line in said(stage.record) if line["node"] == node)


async def asked(stage: Stage, meanwhile: Callable[[Stage], Any]) -> list[Dag]:
    """The request, and what happens once its long step runs."""
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(stage.chats.ask_all(0.0, WITHIN_S))
        group.create_task(meanwhile(stage))
    return asking.result()


def runs(stage: Stage) -> Counter[str]:
    return Counter(line["node"] for line in said(stage.record) if line["event"] == "began")


async def lose_everything_else(stage: Stage) -> None:
    """All but the worker is killed, and comes back."""
    await begun(stage)
    field = stage.field
    for kind in ("dispatcher", "planner", "bot", "aggregator"):
        (place,) = await field.installation.working(kind)
        field.installation.kill(place)
    await field.broker.crash()
    await field.broker.start()
    with field.uncertain():
        await field.database.crash()
        await field.database.start()


async def test_long_work_survives_everything_but_its_worker(here: Ground):
    async with staged(LONG, [dag(LONG_MS)], here, random.Random(1)) as stage:  # noqa: S311 -- nothing hangs on it
        late = await asked(stage, lose_everything_else)
        verdict = await asyncio.to_thread(stage.judged, late)
        assert verdict.broken(ONCE) == [], verdict.details
        assert runs(stage) == {"first": 1, "long": 1, "last": 1}


async def stop_its_worker(stage: Stage) -> None:
    """A deploy: whoever runs the step is told to stop."""
    pid = await begun(stage)
    (place,) = [each for each in stage.field.installation.places.values() if each.process and each.process.pid == pid]
    await place.replaced()


@pytest.mark.parametrize(("drain_s", "times"), [("20", 1), ("1", 2)], ids=["finished", "handed back"])
async def test_a_worker_told_to_stop_finishes_or_hands_back(here: Ground, drain_s: str, times: int):
    chance = random.Random(1)  # noqa: S311 -- nothing hangs on it
    async with staged(LONG, [dag(5000)], here, chance, XINGSHU_DRAIN_S=drain_s) as stage:
        late = await asked(stage, stop_its_worker)
        verdict = await asyncio.to_thread(stage.judged, late)
        assert verdict.broken(Limits(runs_per_look=2.0)) == [], verdict.details
        assert runs(stage)["long"] == times
        assert await asyncio.to_thread(stage.rows, "SELECT sum(failures) FROM subtask") == [(0,)]
        ends = [end for place in stage.field.installation.places.values() for end in place.ends]
        assert ends == [0]
