"""Who is alive: `Registry`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain import events as e
from domain.agents import Worker
from domain.backlog import Backlog
from domain.skill import Effect, Param, ParamType, SkillSpec
from domain.task import Lease, Scope
from tests.builders import chain, node, plan, planned, released
from tests.contract.stores import Ground
from tests.fakes import START

LATER = START + timedelta(seconds=5)
MOMENT = timedelta(microseconds=1)
SKILL = SkillSpec(
    name="review",
    description="审查",
    params=(Param(name="path", type=ParamType.PATH, description="d", required=True, default=[1], choices=("a",)),),
    output_schema={"type": "object"},
    effect=Effect.IDEMPOTENT,
    timeout_s=5.5,
    max_attempts=2,
    keywords=("k",),
    examples=("e",),
    open_params=True,
)
WORKER = Worker(
    agent="yunce",
    worker="w1",
    incarnation="i1",
    slots=4,
    skills=(SKILL, SkillSpec(name="echo", description="")),
    status="idle",
    current_task=None,
    last_seen=START,
)
ANN, BOB = Scope(tenant="main", owner="console:ann"), Scope(tenant="main", owner="console:bob")


async def alive(ground: Ground, since: Any = START) -> list[Worker]:
    return await ground.do(lambda unit: unit.registry.alive(since))


async def hello(ground: Ground, worker: Worker) -> None:
    await ground.do(lambda unit: unit.registry.hello(worker))


async def beat(ground: Ground, *workers: Worker) -> None:
    await ground.do(lambda unit: unit.registry.beat(workers))


async def test_a_worker_is_known_by_what_it_said(ground: Ground) -> None:
    await hello(ground, WORKER)
    assert await alive(ground) == [WORKER]
    assert await alive(ground, START + MOMENT) == []


async def test_a_new_hello_replaces_all_that_was_known(ground: Ground) -> None:
    await hello(ground, WORKER)
    reborn = replace(WORKER, incarnation="i2", slots=1, skills=(), status="busy", current_task="A.a", last_seen=LATER)
    await hello(ground, reborn)
    assert await alive(ground) == [reborn]


async def test_a_beat_keeps_what_only_a_hello_says(ground: Ground) -> None:
    await hello(ground, WORKER)
    said = replace(WORKER, incarnation="", slots=1, skills=(), status="busy", current_task="A.a", last_seen=LATER)
    await beat(ground, said, said)
    assert await alive(ground) == [replace(WORKER, status="busy", current_task="A.a", last_seen=LATER)]


async def test_a_worker_never_heard_of_is_added_by_its_beat(ground: Ground) -> None:
    stranger = replace(WORKER, agent="foreign", worker="", incarnation="", skills=())
    await beat(ground)
    await beat(ground, stranger)
    assert await alive(ground) == [stranger]


async def test_workers_come_by_agent_and_worker_and_go_with_a_good_bye(ground: Ground) -> None:
    second, other = replace(WORKER, worker="w2"), replace(WORKER, agent="tianji")
    await beat(ground, second, WORKER, other)
    assert await alive(ground) == [other, WORKER, second]
    await ground.do(lambda unit: unit.registry.gone("yunce", "w1"))
    await ground.do(lambda unit: unit.registry.gone("yunce", "nobody"))
    assert await alive(ground) == [other, second]


async def test_a_later_life_finds_what_the_last_one_held(ground: Ground) -> None:
    task = released(planned(chain("a")), "a", agent="yunce")
    lease = Lease(exec_id="x", worker="w1", until=START)
    await ground.add(task)
    await hello(ground, WORKER)
    await ground.happens("AAAAAA", e.Started(key="a", attempt=1, lease=lease, at=START, due_at=LATER))

    async def left_by(**changes: str) -> list[str]:
        return await ground.do(lambda unit: unit.registry.left_by(replace(WORKER, **changes)))

    assert await left_by(incarnation="i2") == ["AAAAAA"]
    assert await left_by() == []  # the same life says hello again
    assert await left_by(incarnation="i0") == []  # an earlier one, late
    assert await left_by(incarnation="i2", worker="w2") == []
    assert await left_by(incarnation="i2", agent="tianji") == []
    await ground.do(lambda unit: unit.registry.gone("yunce", "w1"))
    assert await left_by() == ["AAAAAA"]  # of a life that nobody remembers
    await ground.happens("AAAAAA", e.HandedBack(key="a", attempt=1, exec_id="x", at=START))
    assert await left_by() == []


async def test_what_every_agent_has_before_it_is_counted(ground: Ground) -> None:
    assert await ground.do(lambda unit: unit.registry.backlogs()) == []
    keys = ("a", "b", "c")
    of_yunce = released(planned(plan(*map(node, keys))), "a", "b", agent="yunce")
    lease = Lease(exec_id="x", worker="w1", until=LATER)
    await ground.add(of_yunce, released(planned(chain("a"), "BBBBBB"), "a", agent="tianji"))
    await ground.happens("AAAAAA", e.Started(key="a", attempt=1, lease=lease, at=START, due_at=LATER))
    await ground.happens("BBBBBB", e.Started(key="a", attempt=1, lease=lease, at=START, due_at=LATER))
    assert await ground.do(lambda unit: unit.registry.backlogs()) == [
        Backlog(agent="tianji", running=1),
        Backlog(agent="yunce", sent=1, running=1, oldest_at=START),
    ]


async def test_a_boastful_worker_does_not_break_the_row(ground: Ground) -> None:
    await hello(ground, replace(WORKER, slots=10**30, status="\x00", current_task="\ud83d"))
    (kept,) = await alive(ground)
    assert (kept.slots, kept.status, kept.current_task) == (2**31 - 1, "\ufffd", "\ufffd")


async def test_roles_live_while_some_process_performs_them(ground: Ground) -> None:
    def seen(unit: Any) -> None:
        unit.registry.process_seen("bot", "p1", START)
        unit.registry.process_seen("planner", "p1", START)
        unit.registry.process_seen("bot", "p2", START)
        unit.registry.process_seen("bot", "p2", LATER)

    await ground.do(seen)
    assert await ground.do(lambda unit: unit.registry.roles_alive(START)) == {"bot", "planner"}
    assert await ground.do(lambda unit: unit.registry.roles_alive(START + MOMENT)) == {"bot"}
    await ground.do(lambda unit: unit.registry.process_gone("p2"))
    assert await ground.do(lambda unit: unit.registry.roles_alive(START + MOMENT)) == set()
    assert await ground.do(lambda unit: unit.registry.roles_alive(START)) == {"bot", "planner"}


async def test_what_was_killed_and_never_said_goodbye_is_forgotten_after_a_day(ground: Ground) -> None:
    day = timedelta(days=1)
    await hello(ground, replace(WORKER, worker="killed"))
    await ground.do(lambda unit: unit.registry.process_seen("planner", "killed", START))
    await hello(ground, replace(WORKER, worker="new", last_seen=START + day))
    await ground.do(lambda unit: unit.registry.process_seen("bot", "new", START + day))
    assert {worker.worker for worker in await alive(ground)} == {"killed", "new"}
    await hello(ground, replace(WORKER, worker="newer", last_seen=START + day + MOMENT))
    await ground.do(lambda unit: unit.registry.process_seen("bot", "new", START + day + MOMENT))
    assert {worker.worker for worker in await alive(ground)} == {"new", "newer"}
    assert await ground.do(lambda unit: unit.registry.roles_alive(START)) == {"bot"}
