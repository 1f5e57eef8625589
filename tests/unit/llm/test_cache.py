from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from domain.errors import ModelDown
from domain.model import Completion, Prompt, Purpose
from domain.task import Scope
from llm.cache import CachePolicy, ResponseCache
from tests.fakes import FakeClock
from tests.fakes_model import FunctionModel, scripted
from tests.fakes_store import FakeStore

ANN = Scope(tenant="t", owner="console:1")
BOB = Scope(tenant="t", owner="console:2")
PROMPT = Prompt(purpose=Purpose.PLAN, system="s", user="u")
POLICY = CachePolicy(identity="host m1")


def counting() -> FunctionModel:
    count = iter(range(1, 1000))
    return FunctionModel(lambda _prompt: f"answer {next(count)}")


class SlowModel:
    """Answers when told; counts who asked and who gave up."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = asyncio.Event()

    async def complete(self, prompt: Prompt) -> Completion:
        self.asked += 1
        await self.gate.wait()
        return Completion(text=f"slow {prompt.user}", model="m")


async def spin() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_same_question_of_the_same_owner_is_answered_once() -> None:
    model, clock = counting(), FakeClock()
    cache = ResponseCache(model, FakeStore(), clock, POLICY)
    first = await cache.of(ANN).complete(PROMPT)
    again = await cache.of(ANN).complete(PROMPT)
    assert (first.text, first.is_cached) == ("answer 1", False)
    assert (again.text, again.is_cached, again.model) == ("answer 1", True, "fake")
    await clock.advance(6 * 3600 + 1)
    assert (await cache.of(ANN).complete(PROMPT)).text == "answer 2"


@pytest.mark.parametrize(
    "other",
    [
        replace(PROMPT, user="U"),
        replace(PROMPT, system="S"),
        replace(PROMPT, purpose=Purpose.ANSWER),
        replace(PROMPT, history=(("assistant", "x"),)),
        replace(PROMPT, wants_json=True),
        replace(PROMPT, max_tokens=1),
        replace(PROMPT, temperature=0.2),
    ],
)
async def test_everything_that_shapes_the_answer_is_in_the_key(other: Prompt) -> None:
    cache = ResponseCache(counting(), FakeStore(), FakeClock(), POLICY)
    assert (await cache.of(ANN).complete(PROMPT)).text == "answer 1"
    assert (await cache.of(ANN).complete(other)).text == "answer 2"


async def test_nobody_sees_another_owners_answer() -> None:
    store, model = FakeStore(), counting()
    cache = ResponseCache(model, store, FakeClock(), POLICY)
    await cache.of(ANN).complete(PROMPT)
    assert (await cache.of(BOB).complete(PROMPT)).text == "answer 2"
    assert (await cache.of(replace(ANN, tenant="x")).complete(PROMPT)).text == "answer 3"
    other_model = ResponseCache(model, store, FakeClock(), CachePolicy(identity="host m2"))
    assert (await other_model.of(ANN).complete(PROMPT)).text == "answer 4"


@pytest.mark.parametrize("prompt", [replace(PROMPT, purpose=Purpose.AGENT), replace(PROMPT, temperature=0.7)])
async def test_what_should_vary_is_not_kept(prompt: Prompt) -> None:
    store = FakeStore()
    cache = ResponseCache(counting(), store, FakeClock(), POLICY)
    await cache.of(ANN).complete(prompt)
    assert (await cache.of(ANN).complete(prompt)).text == "answer 2"
    assert store.cache.rows == {}


async def test_truncated_and_blank_answers_and_errors_are_not_kept() -> None:
    down = ModelDown("error.model_down", detail="x")
    model = scripted(Completion(text="cut", model="m", is_truncated=True), Completion(text=" ", model="m"), down, "ok")
    store = FakeStore()
    cache = ResponseCache(model, store, FakeClock(), POLICY)
    await cache.of(ANN).complete(PROMPT)
    await cache.of(ANN).complete(PROMPT)
    with pytest.raises(ModelDown):
        await cache.of(ANN).complete(PROMPT)
    assert store.cache.rows == {}
    assert (await cache.of(ANN).complete(PROMPT)).text == "ok"
    assert len(store.cache.rows) == 1


async def test_without_the_database_the_model_is_asked() -> None:
    store = FakeStore(downs=2)
    cache = ResponseCache(counting(), store, FakeClock(), POLICY)
    assert (await cache.of(ANN).complete(PROMPT)).text == "answer 1"
    assert (await cache.of(ANN).complete(PROMPT)).text == "answer 2"


@pytest.mark.parametrize("text", ["", "no json", "[]", "null", "{}", '{"text": "x"}'])
async def test_an_unreadable_row_is_a_miss(text: str) -> None:
    store, clock = FakeStore(), FakeClock()
    cache = ResponseCache(counting(), store, clock, POLICY)
    await cache.of(ANN).complete(PROMPT)
    store.cache.rows = {key: (text, expires_at) for key, (_, expires_at) in store.cache.rows.items()}
    assert (await cache.of(ANN).complete(PROMPT)).text == "answer 2"


async def test_equal_questions_at_the_same_time_make_one_call() -> None:
    model = SlowModel()
    cache = ResponseCache(model, FakeStore(), FakeClock(), POLICY)
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(cache.of(ANN).complete(PROMPT)) for _ in range(50)]
        other = group.create_task(cache.of(BOB).complete(PROMPT))
        await spin()
        model.gate.set()
    assert {task.result().text for task in asking} == {"slow u"}
    assert other.result().text == "slow u"
    assert model.asked == 2


async def test_cancelling_the_first_does_not_cancel_the_others() -> None:
    model = SlowModel()
    cache = ResponseCache(model, FakeStore(), FakeClock(), POLICY)
    async with asyncio.TaskGroup() as group:
        first, *others = [group.create_task(cache.of(ANN).complete(PROMPT)) for _ in range(10)]
        await spin()
        first.cancel()
        others[0].cancel()
        await spin()
        model.gate.set()
    assert first.cancelled()
    assert others[0].cancelled()
    assert [task.result().text for task in others[1:]] == ["slow u"] * 8
    assert model.asked == 2  # the second call belongs to whoever took over


async def test_those_who_wait_get_the_same_error() -> None:
    class Down(SlowModel):
        async def complete(self, prompt: Prompt) -> Completion:
            await super().complete(prompt)
            raise ModelDown("error.model_down", detail="x")

    model = Down()
    cache = ResponseCache(model, FakeStore(), FakeClock(), POLICY)
    failed = []

    async def ask() -> None:
        with pytest.raises(ModelDown):
            await cache.of(ANN).complete(PROMPT)
        failed.append(1)

    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(ask())
        await spin()
        model.gate.set()
    assert (len(failed), model.asked) == (5, 1)
