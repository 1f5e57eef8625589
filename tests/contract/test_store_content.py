"""Whatever is put comes back: any text, big values, big plans, and whole lives of tasks."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from time import perf_counter
from typing import Any

import pytest

from domain import events as e
from domain.answer import Answer, Author
from domain.growth import children
from domain.plan import Node, Plan, When
from domain.progress import run
from domain.skill import Effect
from domain.task import IN_FLIGHT, Attempt, Failure, Lease, Result, SubtaskState, Task
from tests.builders import chain, node, planned, released
from tests.contract.stores import SHARED, Ground, ended, ground_of
from tests.fakes import START

NODES = 10_000
FAR = START + timedelta(days=1)


@pytest.fixture(params=SHARED)
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    async with ground_of(request) as ground:
        yield ground


async def reread(ground: Ground) -> Task:
    """The task as a process reads it that has never seen it."""
    found = await ground.another().transact(lambda unit: unit.tasks.peek("AAAAAA"))
    assert found is not None
    return found


async def succeed(ground: Ground, result: Result) -> Task:
    await ground.add(released(planned(chain("a")), "a"))
    done = e.Succeeded(key="a", attempt=1, exec_id=None, agent="echo", result=result, at=START)
    return await ground.happens("AAAAAA", done)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "星枢 🚀 \u202e é",
        "quotes \"' \\ and \n\t",
        "\x00",
        10**40,
        -0.0,
        1e300,
        [[[]]],
        {"": {"键": None}},
        True,
        "x" * 3_000_000,
    ],
    ids=lambda output: repr(output)[:12],
)
async def test_any_json_comes_back(ground: Ground, output: Any) -> None:
    put = await succeed(ground, Result(summary="摘要", output=output))
    assert await reread(ground) == put


async def test_what_no_database_can_hold_becomes_a_replacement_character(ground: Ground) -> None:
    """One bad character in what a stranger sent must not stop a whole batch."""
    await ground.add(released(planned(chain("a"), request="nul \x00 half \ud83d"), "a"))
    bad = Lease(exec_id="x\x00", worker="w\ud83d", until=FAR)
    await ground.happens("AAAAAA", e.Started(key="a", attempt=1, lease=bad, at=START, due_at=FAR))
    failure = Failure(code="x", message="half \ud83d", retryable=True)
    await ground.happens(
        "AAAAAA", e.Failed(key="a", attempt=1, exec_id="x\x00", agent="echo", failure=failure, at=START, jitter=0.0)
    )
    found = await reread(ground)
    assert found.request == "nul \ufffd half \ufffd"
    assert found.subtasks["a"].failure == replace(failure, message="half \ufffd")
    (attempt,) = await ground.do(lambda unit: unit.tasks.attempts("AAAAAA"))
    assert (attempt.exec_id, attempt.worker) == ("x\ufffd", "w\ufffd")


async def test_a_plan_of_ten_thousand_nodes(ground: Ground, record_property: Any) -> None:
    nodes = [Node(id=f"n{place}", skill="echo", params={"text": f"number {place}"}) for place in range(NODES)]
    big = planned(Plan(nodes=tuple(nodes)))
    began = perf_counter()
    await ground.add(big)
    stored = perf_counter()
    found = await reread(ground)
    loaded = perf_counter()
    assert found == big
    put = await ground.happens(
        "AAAAAA", *(e.Released(key=f"n{place}", agent="echo", at=START, due_at=FAR) for place in (0, 9999))
    )
    changed = perf_counter()
    assert await reread(ground) == put
    record_property("store_s", stored - began)
    record_property("load_s", loaded - stored)
    record_property("change_s", changed - loaded)


def things_that_may_happen(task_now: Task, chance: random.Random) -> Iterator[e.Event]:
    """A few events at random, some of them stale."""
    for sub in chance.sample(list(task_now.subtasks.values()), min(3, len(task_now.subtasks))):
        lease = Lease(exec_id=chance.choice("xy"), worker="w", until=FAR)
        result = Result(summary="s", output=chance.choice([chance.random(), ["x", "y"]]))
        failure = Failure(code="x", retryable=chance.random() < 0.7)
        common = {"key": sub.key, "attempt": sub.attempt, "at": START}
        if sub.state is SubtaskState.READY:
            yield e.Released(key=sub.key, agent="echo", at=FAR, due_at=FAR)
        elif sub.state in IN_FLIGHT:
            exec_id = sub.lease.exec_id if sub.lease else None
            yield chance.choice(
                [
                    e.Started(lease=lease, due_at=FAR, **common),
                    e.Succeeded(agent="echo", exec_id=exec_id, result=result, **common),
                    e.Failed(agent="echo", exec_id=exec_id, failure=failure, jitter=0.0, **common),
                    e.HandedBack(exec_id=exec_id, **common),
                    e.Divided(agent="echo", exec_id=exec_id, nodes=made_of(sub.key), result=result, **common),
                ]
            )
    yield chance.choice([e.Approved(at=START), e.Answered(answer=Answer(statements=(), author=Author.RULES), at=START)])
    yield from planned_anew(task_now, chance)


def made_of(key: str) -> tuple[Node, ...]:
    """What an agent divides a subtask into; not for ever."""
    parent = Node(id=key, skill="echo")
    return () if "." in key else children(parent, [node("x"), node("y", "x"), node("z")])


def planned_anew(task_now: Task, chance: random.Random) -> Iterator[e.Event]:
    """What a planner may say when it is its turn, and also when it is not."""
    fresh = Node(id=f"g{len(task_now.subtasks)}", skill="echo", critical=chance.random() < 0.5)
    yield chance.choice(
        [
            e.PlanningStarted(until=FAR, by="p"),
            e.PlanGrew(nodes=(fresh,), author="m", at=START, by="p"),
            e.Planned(plan=Plan(nodes=(fresh,)), at=START, by="p"),
            e.QuestionAsked(question="which?", at=START, by="p"),
            e.QuestionAnswered(reply="this", at=START),
            e.Dissatisfied(why="thin", at=START),
        ]
    )


@pytest.mark.parametrize("seed", range(8))
async def test_a_whole_life_in_two_processes_is_what_a_third_one_reads(ground: Ground, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 -- a walk that can be repeated
    keys = [f"n{place}" for place in range(8)]
    nodes = tuple(
        Node(
            id=key,
            skill="echo",
            dependencies=tuple(chance.sample(keys[:place], min(place, chance.randint(0, 2)))),
            when=chance.choice(list(When)),
            effect=chance.choice(list(Effect)),
            critical=chance.random() < 0.1,
        )
        for place, key in enumerate(keys)
    )
    nodes += (node("map", "n0", for_each="{{n0.output}}"), node("sum", "map", when=When.ALL_DONE))
    now = planned(Plan(nodes=nodes, rounds_left=2), deadline_at=FAR + timedelta(days=1))
    await ground.add(now)
    stores = [ground.store, ground.another()]
    history: list[Attempt] = []
    for _ in range(40):
        happened = list(things_that_may_happen(now, chance))
        decided, effects = run(now, happened)
        history += ended(effects)
        now = await replace(ground, store=chance.choice(stores)).happens("AAAAAA", *happened)
        assert now == replace(decided, version=now.version)
        assert await chance.choice(stores).transact(lambda unit: unit.tasks.peek("AAAAAA")) == now
    assert await reread(ground) == now
    assert await ground.do(lambda unit: unit.tasks.attempts("AAAAAA")) == history
    assert history
