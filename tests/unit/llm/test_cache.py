from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from domain.errors import ModelDown, StoreDown
from domain.model import Purpose
from domain.task import Scope
from llm.cache import CachePolicy, Question, ResponseCache
from tests.fakes import FakeClock
from tests.fakes_store import FakeCache, FakeStore

ANN = Scope(tenant="t", owner="console:1")
BOB = Scope(tenant="t", owner="console:2")
DOCUMENT = {"prompt": "p", "catalogue": [{"name": "echo"}], "language": "en", "day": None}
QUESTION = Question(scope=ANN, kind="plan", purpose=Purpose.PLAN, shaped_by=DOCUMENT, ttl_s=3600.0, task_id="AAAAAA")
POLICY = CachePolicy(holder="p1", identity="host m1,m2", model="m1")


class Texts:
    """Keeps texts that are good; reads back those of today."""

    def __init__(self) -> None:
        self.valid: Callable[[str], bool] = lambda _text: True

    def dump(self, value: str) -> str | None:
        return None if value.startswith("bad") else f"kept {value}"

    def load(self, text: str) -> str | None:
        return text.removeprefix("kept ") if self.valid(text) else None


@dataclass
class Asker:
    """What is behind the cache: answers by number, at once or when the gate opens."""

    word: str = "answer"
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0
    error: Exception | None = None

    async def now(self) -> str:
        self.asked += 1
        if self.error:
            raise self.error
        return f"{self.word} {self.asked}"

    async def later(self) -> str:
        said = await self.now()
        await self.gate.wait()
        return said


@dataclass
class CountingCache(FakeCache):
    looks: int = 0

    def get(self, scope: Scope, key: str, now: datetime) -> str | None:
        self.looks += 1
        return super().get(scope, key, now)


@dataclass
class Stage:
    """Caches on a shared store, as processes have one database."""

    clock: FakeClock
    rows: CountingCache
    store: FakeStore
    codec: Texts
    stack: AsyncExitStack

    async def cache(self, policy: CachePolicy = POLICY) -> ResponseCache:
        return await self.stack.enter_async_context(ResponseCache(lambda: self.store, self.clock, policy))

    @property
    def kept(self) -> list[tuple[Scope, str]]:
        return [place for place, row in self.rows.rows.items() if row.text is not None]

    @property
    def led(self) -> list[tuple[Scope, str]]:
        return [place for place, row in self.rows.rows.items() if row.holder is not None]


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    clock = FakeClock()
    rows = CountingCache(clock)
    async with AsyncExitStack() as stack:
        yield Stage(clock, rows, FakeStore(cache=rows), Texts(), stack)


async def spin() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


# --- what is kept -------------------------------------------------------------------------------------------------


async def test_the_same_question_is_answered_once(on: Stage) -> None:
    cache, asker = await on.cache(), Asker()
    assert await cache.through(QUESTION, asker.now, on.codec) == "answer 1"
    assert await cache.through(QUESTION, asker.now, on.codec) == "answer 1"
    await on.clock.advance(3601)
    assert await cache.through(QUESTION, asker.now, on.codec) == "answer 2"


async def test_a_restarted_process_knows_it_too(on: Stage) -> None:
    asker = Asker()
    await (await on.cache()).through(QUESTION, asker.now, on.codec)
    again = await on.cache(replace(POLICY, holder="p2"))
    assert await again.through(QUESTION, asker.now, on.codec) == "answer 1"


@pytest.mark.parametrize(
    "other",
    [
        replace(QUESTION, scope=BOB),
        replace(QUESTION, scope=replace(ANN, tenant="x")),
        replace(QUESTION, kind="answer"),
        *(replace(QUESTION, shaped_by=DOCUMENT | {name: "other"}) for name in (*DOCUMENT, "anything else")),
        replace(QUESTION, shaped_by=[DOCUMENT]),
    ],
)
async def test_everything_that_shapes_the_outcome_is_in_the_key(on: Stage, other: Question) -> None:
    cache, asker = await on.cache(), Asker()
    await cache.through(QUESTION, asker.now, on.codec)
    assert await cache.through(other, asker.now, on.codec) == "answer 2"


async def test_other_models_or_another_server_answer_anew(on: Stage) -> None:
    asker = Asker()
    await (await on.cache()).through(QUESTION, asker.now, on.codec)
    other = await on.cache(replace(POLICY, identity="host m2,m1"))
    assert await other.through(QUESTION, asker.now, on.codec) == "answer 2"


async def test_the_order_of_names_shapes_nothing(on: Stage) -> None:
    cache, asker = await on.cache(), Asker()
    await cache.through(QUESTION, asker.now, on.codec)
    turned = replace(QUESTION, shaped_by=dict(reversed(DOCUMENT.items())))
    assert await cache.through(turned, asker.now, on.codec) == "answer 1"


async def test_any_text_can_shape_an_outcome(on: Stage) -> None:
    cache, asker = await on.cache(), Asker()
    for text in ("\ud800", "\x00", "é", "e\u0301", "🙂"):
        await cache.through(replace(QUESTION, shaped_by=text), asker.now, on.codec)
    assert asker.asked == 5


async def test_what_must_not_be_kept_is_not(on: Stage) -> None:
    cache, asker = await on.cache(), Asker(word="bad")
    assert await cache.through(QUESTION, asker.now, on.codec) == "bad 1"
    assert await cache.through(QUESTION, asker.now, on.codec) == "bad 2"
    assert (on.kept, on.led, on.store.calls.rows) == ([], [], [])


async def test_an_error_is_raised_and_not_kept(on: Stage) -> None:
    cache, asker = await on.cache(), Asker(error=ModelDown("error.model_down", detail="x"))
    with pytest.raises(ModelDown):
        await cache.through(QUESTION, asker.now, on.codec)
    assert (on.kept, on.led) == ([], [])
    asker.error = None
    assert await cache.through(QUESTION, asker.now, on.codec) == "answer 2"


async def test_a_life_of_zero_seconds_keeps_nothing(on: Stage) -> None:
    await (await on.cache()).through(replace(QUESTION, ttl_s=0), Asker().now, on.codec)
    assert on.kept == []


async def test_what_is_not_valid_any_more_is_asked_anew(on: Stage) -> None:
    cache, asker = await on.cache(), Asker()
    await cache.through(QUESTION, asker.now, on.codec)
    on.codec.valid = lambda text: "1" not in text
    assert await cache.through(QUESTION, asker.now, on.codec) == "answer 2"
    assert await cache.through(QUESTION, asker.now, on.codec) == "answer 2"
    assert [call.is_hit for call in on.store.calls.rows] == [True]


async def test_asking_afresh_reads_nothing_and_keeps_the_outcome(on: Stage) -> None:
    cache, asker = await on.cache(), Asker()
    await cache.through(QUESTION, asker.now, on.codec)
    assert await cache.through(replace(QUESTION, is_bypassed=True), asker.now, on.codec) == "answer 2"
    assert await cache.through(QUESTION, asker.now, on.codec) == "answer 2"


async def test_asking_afresh_does_not_join_a_flight_that_may_read(on: Stage) -> None:
    cache, asker = await on.cache(), Asker()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(cache.through(QUESTION, asker.later, on.codec))
        await spin()
        fresh = group.create_task(cache.through(replace(QUESTION, is_bypassed=True), asker.now, on.codec))
        await spin()
        assert on.led == []  # what is kept ends the lease
        asker.gate.set()
    assert (first.result(), fresh.result()) == ("answer 1", "answer 2")


async def test_hits_are_booked_and_logged_without_a_word_of_them(on: Stage) -> None:
    cache, asker = await on.cache(), Asker(word="secret answer")
    await cache.through(QUESTION, asker.now, on.codec)
    await on.clock.advance(5)
    with capture_logs() as logs:
        await cache.through(replace(QUESTION, task_id="BBBBBB"), asker.now, on.codec)
    call, usage = on.store.calls.rows[0], on.store.calls.rows[0].usage
    assert (call.scope, call.task_id, call.purpose, call.is_hit) == (ANN, "BBBBBB", Purpose.PLAN, True)
    assert (call.at, usage.model, usage.prompt_tokens, usage.cost) == (on.clock.now(), "m1", 0, 0.0)
    assert [(entry["event"], entry["kind"], entry["task"]) for entry in logs] == [("cache_hit", "plan", "BBBBBB")]
    assert "secret" not in str(logs)


async def test_without_the_database_the_model_is_asked(on: Stage) -> None:
    cache, asker = await on.cache(), Asker()
    on.store.downs = 1000
    assert await cache.through(QUESTION, asker.now, on.codec) == "answer 1"
    assert await cache.through(QUESTION, asker.now, on.codec) == "answer 2"
    on.store.downs = 0
    assert await cache.through(QUESTION, asker.now, on.codec) == "answer 3"


async def test_the_database_may_fall_and_come_back_while_the_model_writes(on: Stage) -> None:
    cache, asker = await on.cache(), Asker()
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(cache.through(QUESTION, asker.later, on.codec))
        await spin()
        on.store.downs = 1000
        await on.clock.advance(60)
        on.store.downs = 0
        asker.gate.set()
    assert asking.result() == "answer 1"
    assert await cache.through(QUESTION, asker.now, on.codec) == "answer 1"


# --- one flight for equal questions -------------------------------------------------------------------------------


async def test_fifty_at_once_make_one_call(on: Stage) -> None:
    cache, asker = await on.cache(), Asker()
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(cache.through(QUESTION, asker.later, on.codec)) for _ in range(50)]
        other = group.create_task(cache.through(replace(QUESTION, scope=BOB), asker.later, on.codec))
        await spin()
        asker.gate.set()
    assert {task.result() for task in asking} == {"answer 1"}
    assert other.result() == "answer 2"
    assert [(call.scope, call.is_hit) for call in on.store.calls.rows] == [(ANN, True)] * 49


async def test_what_must_not_be_kept_is_shared_with_those_who_wait(on: Stage) -> None:
    cache, asker = await on.cache(), Asker(word="bad")
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(cache.through(QUESTION, asker.later, on.codec)) for _ in range(5)]
        await spin()
        asker.gate.set()
    assert ({task.result() for task in asking}, on.kept) == ({"bad 1"}, [])


async def test_whoever_asked_first_may_give_up(on: Stage) -> None:
    cache, asker = await on.cache(), Asker()
    async with asyncio.TaskGroup() as group:
        first, *others = [group.create_task(cache.through(QUESTION, asker.later, on.codec)) for _ in range(50)]
        await spin()
        first.cancel()
        others[0].cancel()
        await spin()
        asker.gate.set()
    assert first.cancelled()
    assert others[0].cancelled()
    assert {task.result() for task in others[1:]} == {"answer 1"}
    assert asker.asked == 1


async def test_what_nobody_waits_for_any_more_is_kept(on: Stage) -> None:
    cache, asker = await on.cache(), Asker()
    async with asyncio.TaskGroup() as group:
        only = group.create_task(cache.through(QUESTION, asker.later, on.codec))
        await spin()
        only.cancel()
    asker.gate.set()
    await spin()
    assert await cache.through(QUESTION, asker.now, on.codec) == "answer 1"


async def test_those_who_wait_get_the_same_error(on: Stage) -> None:
    cache, asker = await on.cache(), Asker()
    failed = []

    async def down() -> str:
        await asker.later()
        raise ModelDown("error.model_down", detail="x")

    async def ask() -> None:
        with pytest.raises(ModelDown):
            await cache.through(QUESTION, down, on.codec)
        failed.append(1)

    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(ask())
        await spin()
        asker.gate.set()
    assert (len(failed), asker.asked) == (5, 1)
    assert await cache.through(QUESTION, asker.now, on.codec) == "answer 2"


async def test_a_bug_reaches_those_who_wait_and_nobody_else(on: Stage) -> None:
    cache, asker = await on.cache(), Asker(error=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await cache.through(QUESTION, asker.now, on.codec)
    assert on.led == []
    asker.error = None
    assert await cache.through(QUESTION, asker.now, on.codec) == "answer 2"


async def test_closing_ends_the_flights_and_gives_the_leases_back(on: Stage) -> None:
    asker = Asker()
    async with asyncio.TaskGroup() as group, ResponseCache(lambda: on.store, on.clock, POLICY) as cache:
        asking = group.create_task(cache.through(QUESTION, asker.later, on.codec))
        await spin()
        assert on.led
    assert asking.cancelled()
    assert (asker.asked, on.led) == (1, [])


async def test_the_error_of_the_block_passes_through_as_it_is(on: Stage) -> None:
    with pytest.raises(StoreDown):
        async with ResponseCache(lambda: on.store, on.clock, POLICY):
            raise StoreDown("error.store_down")


# --- between processes --------------------------------------------------------------------------------------------


async def two(on: Stage) -> tuple[ResponseCache, ResponseCache]:
    return await on.cache(), await on.cache(replace(POLICY, holder="p2"))


async def test_another_process_waits_for_the_flight(on: Stage) -> None:
    one, other = await two(on)
    asker = Asker()
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(cache.through(QUESTION, asker.later, on.codec)) for cache in (one, other) * 25]
        await spin()
        await on.clock.advance(120)  # however long it takes: the lease is extended
        asker.gate.set()
        await spin()
        await on.clock.advance(0.25)
    assert ({task.result() for task in asking}, asker.asked) == ({"answer 1"}, 1)
    assert len(on.store.calls.rows) == 49
    assert on.led == []


async def test_looks_at_the_others_flight_begin_at_once_and_grow_rare(on: Stage) -> None:
    one, other = await two(on)
    asker = Asker()
    async with asyncio.TaskGroup() as group:
        group.create_task(one.through(QUESTION, asker.later, on.codec))
        await spin()
        group.create_task(other.through(QUESTION, asker.later, on.codec))
        await spin()
        on.rows.looks = 0
        await on.clock.advance(0.02)
        assert on.rows.looks == 1
        await on.clock.advance(100)
        assert 390 < on.rows.looks < 410
        asker.gate.set()
        await spin()
        await on.clock.advance(0.25)


async def test_a_flight_that_brought_nothing_is_taken_over(on: Stage) -> None:
    one, other = await two(on)
    down, asker = Asker(), Asker()

    async def fail() -> str:
        await down.later()
        raise ModelDown("error.model_down", detail="x")

    async def first() -> None:
        with pytest.raises(ModelDown):
            await one.through(QUESTION, fail, on.codec)

    async with asyncio.TaskGroup() as group:
        group.create_task(first())
        await spin()
        asking = group.create_task(other.through(QUESTION, asker.now, on.codec))
        await spin()
        assert asker.asked == 0
        down.gate.set()
        await spin()
        await on.clock.advance(0.02)
    assert asking.result() == "answer 1"


async def test_a_process_that_died_is_taken_over_when_its_lease_ends(on: Stage) -> None:
    other, asker = await on.cache(replace(POLICY, holder="p2")), Asker()
    dead = ResponseCache(lambda: on.store, on.clock, POLICY)
    async with dead, asyncio.TaskGroup() as group:
        group.create_task(dead.through(QUESTION, asker.later, on.codec))
        await spin()
        led = dict(on.rows.rows)
        asker.gate.set()
    on.rows.rows = led  # as if it had died before the end
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(other.through(QUESTION, asker.now, on.codec))
        await on.clock.advance(POLICY.lease_s - 0.5)
        assert asker.asked == 1
        await on.clock.advance(1)
    assert asking.result() == "answer 2"


# --- nobody else's ------------------------------------------------------------------------------------------------


async def test_a_thousand_cross_reads_show_nobody_anothers_text(on: Stage) -> None:
    chance = random.Random(8)  # noqa: S311 -- the same in every run
    caches = await two(on)
    owners = [Scope(tenant=f"t{tenant}", owner=f"console:{user}") for tenant in range(2) for user in range(10)]
    asked = 0
    for _ in range(1000):
        scope, words = chance.choice(owners), chance.randrange(10)

        async def answer(scope: Scope = scope, words: int = words) -> str:
            nonlocal asked
            asked += 1
            return f"{scope} {words}"

        question = replace(QUESTION, scope=scope, shaped_by=words)
        said = await chance.choice(caches).through(question, answer, on.codec)
        assert said == f"{scope} {words}"
    assert asked == len(on.kept) <= 200
    assert len({key for _, key in on.kept}) == len(on.kept)  # even the key alone names one owner
