"""What a worker says about itself, and when."""

from __future__ import annotations

from datetime import timedelta

from agents.leases import Leases
from agents.presence import MAX_HOLDING, Presence, entry
from agents.spool import MemorySpool
from agents.surroundings import Identity, Ports
from agents.worker import worker_name
from domain.messages import Holding, ResultMessage
from domain.skill import Effect, Param, ParamType, SkillSpec
from tests.fakes import CountingEntropy, FakeClock
from tests.fakes_bus import FakeAgentBus
from tests.unit.agents.stage import CALM, Scripted, settle, staged, until

SPEC = SkillSpec(
    name="file_list",
    description="lists",
    params=(Param(name="path", type=ParamType.PATH, description="where", default=".", choices=(".", "src")),),
    output_schema={"type": "object"},
    effect=Effect.IDEMPOTENT,
    timeout_s=5,
    max_attempts=2,
    keywords=("ls",),
    examples=("列出文件",),
    open_params=True,
    aliases=("dir",),
    cache_s=60,
)


def test_a_skill_is_announced_with_all_that_is_known_of_it() -> None:
    announced = entry(SPEC)
    assert announced.model_dump() == {
        "name": "file_list",
        "description": "lists",
        "params": [
            {
                "name": "path",
                "type": "path",
                "description": "where",
                "required": False,
                "default": ".",
                "choices": [".", "src"],
            }
        ],
        "output_schema": {"type": "object"},
        "effect": "idempotent",
        "timeout_s": 5.0,
        "max_attempts": 2,
        "keywords": ["ls"],
        "examples": ["列出文件"],
        "open_params": True,
        "aliases": ["dir"],
        "cache_s": 60,
    }


async def test_hello_at_the_start_and_every_minute() -> None:
    async with staged(Scripted()) as stage:
        await until(lambda: stage.bus.of("hello"))
        (hello,) = stage.bus.of("hello")
        assert (hello.agent, hello.worker, hello.slots) == ("echo", "here-echo-1", 2)
        assert [skill.name for skill in hello.skills] == ["echo"]
        assert hello.incarnation == stage.bus.beats[0].incarnation
        await stage.clock.advance(59)
        assert len(stage.bus.of("hello")) == 1
        await stage.clock.advance(2)
        assert len(stage.bus.of("hello")) == 2


async def test_hello_only_once_this_worker_has_its_own_orders() -> None:
    """Somebody who still lives under its name must not lose a lease by it."""
    bus = FakeAgentBus()
    bus.refusals["orders"] = 2
    async with staged(Scripted(), bus=bus) as stage:
        await settle()
        await stage.clock.advance(1)
        assert (stage.bus.of("hello"), bus.refusals["orders"]) == ([], 0)
        await stage.clock.advance(1)
        assert len(stage.bus.of("hello")) == 1


async def test_what_the_last_life_could_not_send_comes_before_the_hello() -> None:
    """By that hello its leases are over: a result that came later would count for nothing."""
    spool = MemorySpool()
    spool.put("x1", ResultMessage(task_id="AAAAAA.a", source="echo", status="success"))
    bus = FakeAgentBus()
    bus.refusals["result"] = 1  # the first try to send it fails
    async with staged(Scripted(), bus=bus, spool=spool) as stage:
        await settle()
        assert stage.bus.of("hello") == []
        await stage.clock.advance(1)
        assert [what for what, _ in stage.bus.happened if what in {"result", "hello"}] == ["result", "hello"]


async def test_a_result_that_nobody_takes_keeps_no_worker_silent() -> None:
    spool = MemorySpool()
    spool.put("x1", ResultMessage(task_id="AAAAAA.a", source="echo", status="success"))
    bus = FakeAgentBus()
    bus.refusals["result"] = 1000
    async with staged(Scripted(), bus=bus, spool=spool) as stage:
        await settle()
        await stage.clock.advance(6)
        assert len(stage.bus.of("hello")) == 1


async def test_a_later_life_orders_behind_the_earlier_one() -> None:
    lives = []
    clock = FakeClock()
    for _ in range(3):
        async with staged(Scripted(), clock=clock) as stage:
            await until(lambda: stage.bus.of("hello"))
            lives.append(stage.bus.of("hello")[0].incarnation)
        await clock.advance(0.001)
    assert lives == sorted(set(lives))


async def test_hello_again_after_a_reconnect() -> None:
    async with staged(Scripted()) as stage:
        await until(lambda: stage.bus.of("hello"))
        stage.bus.since += timedelta(seconds=30)
        await stage.clock.advance(1)
        assert len(stage.bus.of("hello")) == 2


async def test_a_hello_that_was_not_confirmed_is_said_again() -> None:
    async with staged(Scripted()) as stage:
        stage.bus.refusals["hello"] = 2
        await settle()
        assert stage.bus.of("hello") == []
        await stage.clock.advance(2)
        assert len(stage.bus.of("hello")) == 1


async def test_heartbeats_go_on_while_the_broker_confirms_nothing() -> None:
    async with staged(Scripted()) as stage:
        stage.bus.confirming.clear()
        await settle()
        await stage.clock.advance(20)
        assert len(stage.bus.beats) == 5
        stage.bus.confirming.set()


def test_more_leases_than_one_heartbeat_may_list_go_in_several() -> None:
    bus = FakeAgentBus()
    ports = Ports(bus=bus, spool=MemorySpool(), clock=FakeClock(), entropy=CountingEntropy())
    presence = Presence(Identity(agent="echo", worker="w", incarnation="i"), ports, CALM, [])
    holding = [Holding(task_id=f"AAAAAA.n{n}", attempt=1, exec_id=str(n)) for n in range(MAX_HOLDING + 1)]
    beats = list(presence._heartbeats(holding, ["AAAAAA.n0"]))
    assert [len(beat.holding) for beat in beats] == [MAX_HOLDING, 1]
    assert not Leases().holding()


def test_a_workers_name_is_plain_and_stays_the_same() -> None:
    assert worker_name("ann's laptop.local", "数据", "2") == "ann-s-laptop-local-数据-2"
