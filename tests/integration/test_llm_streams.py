"""Answers that come in pieces, and everything that can happen to them on the way; in virtual time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

import pytest

from domain.errors import Interrupted, ModelDown
from domain.model import Completion, Prompt, Purpose
from llm import ModelSettings, OpenAIModel, RetryLimits, read_models, read_prices
from tests.fakes import CountingEntropy
from tests.fakes_model import (
    DONE,
    Fault,
    Gate,
    ModelServer,
    Reply,
    chunk,
    model_server,
    refused,
    said,
    scripted_server,
    streamed,
)
from tests.integration.llm_answers import BAD, GOOD, JSON, Ear
from tests.virtual_time import LoopClock, virtually

CHAT = Prompt(purpose=Purpose.ANSWER, system="Be short.", user="hello")
PLAN = Prompt(purpose=Purpose.PLAN, system="Answer with JSON.", user="plan this", wants_json=True)


def in_virtual_time(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: object, **named: object) -> None:
        virtually(lambda: test(*args, **named))  # type: ignore[arg-type,return-value] # any coroutine will do

    return run


def model_on(*servers: ModelServer, **settings: object) -> OpenAIModel:
    text = ",".join(f"m{number}@{server.base_url}" for number, server in enumerate(servers, 1))
    specs = read_models(text, prices=read_prices("m1=2/10,m2=1/1"))
    return OpenAIModel(ModelSettings(models=specs, **settings), LoopClock(), CountingEntropy())  # type: ignore[arg-type] # keywords of a test


def now() -> float:
    return asyncio.get_running_loop().time()


async def answer_to(prompt: Prompt, *replies: Reply) -> tuple[Completion, Ear, ModelServer]:
    """What comes of it when a server gives these replies; all of them must be asked for."""
    ear = Ear()
    async with scripted_server(*replies) as server:
        completion = await model_on(server).complete(prompt, ear)
    assert len(server.requests) == len(replies)
    assert len(completion.usage) == len(replies)
    return completion, ear, server


@in_virtual_time
async def test_an_answer_is_heard_while_it_is_written() -> None:
    gate, ear = Gate(), Ear()
    async with (
        scripted_server(streamed(chunk("one "), chunk("two"), chunk(finish="stop"), DONE), gate=gate) as server,
        asyncio.TaskGroup() as group,
    ):
        asking = group.create_task(model_on(server).complete(CHAT, ear))
        gate.let()
        await ear.hears("one ")
        assert not asking.done()
        gate.let()
        await ear.hears("one two")
        assert not asking.done()
        gate.let(2)
    assert asking.result().text == "one two"
    assert ear.log == ["one ", "two"]
    assert server.requests[0]["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("reply", GOOD.values(), ids=GOOD.keys())
@in_virtual_time
async def test_a_usable_answer_is_used_whatever_its_way(reply: Reply) -> None:
    completion, ear, _ = await answer_to(PLAN, reply)
    assert ear.text.replace("ä", "a") == JSON
    assert completion.text.replace("ä", "a").lstrip("\ufeff").endswith(JSON)
    assert completion.is_truncated == (reply == GOOD["length"])
    assert now() < 5


@pytest.mark.parametrize(("reply", "cause"), BAD.values(), ids=BAD.keys())
@in_virtual_time
async def test_an_unusable_answer_is_asked_for_again_and_forgotten(reply: Reply, cause: str) -> None:
    completion, ear, _ = await answer_to(CHAT, reply, said("fine"))
    assert (completion.text, ear.text) == ("fine", "fine")
    assert cause in completion.usage[0].failed
    assert completion.usage[1].failed == ""
    assert ear.restarts == (ear.log[0] != "fine")
    assert now() < 100


@in_virtual_time
async def test_a_prose_answer_may_speak_of_marks_and_braces() -> None:
    text = "Use {a} or <b>, 1 < 2 <"
    completion, ear, _ = await answer_to(CHAT, said(text))
    assert (completion.text, ear.text) == (text, text)


@in_virtual_time
async def test_marks_inside_json_belong_to_it() -> None:
    text = '{"a": "<think>x</think>"}'
    completion, ear, _ = await answer_to(PLAN, said(text))
    assert (completion.text, ear.text, ear.restarts) == (text, text, 0)


@in_virtual_time
async def test_a_refusal_is_an_answer() -> None:
    completion, ear, _ = await answer_to(PLAN, said(None, refusal="I must not."))
    assert (completion.text, ear.text) == ("I must not.", "I must not.")


@pytest.mark.parametrize("broken", ["silent end", "reset", "garbage", "silence", "error inside"])
@in_virtual_time
async def test_what_was_acted_on_is_not_asked_for_again(broken: str) -> None:
    ear = Ear(acts_after=1)
    async with scripted_server(BAD[broken][0], said("never")) as server, scripted_server(said("never")) as other:
        with pytest.raises(Interrupted) as raised:
            await model_on(server, other).complete(CHAT, ear)
    assert ear.log == ["half"]
    assert (len(server.requests), len(other.requests)) == (1, 0)
    (usage,) = raised.value.usage
    assert BAD[broken][1] in usage.failed
    assert usage.is_estimated
    assert usage.completion_tokens == 1


@in_virtual_time
async def test_an_answer_that_takes_back_what_was_acted_on_is_interrupted() -> None:
    ear = Ear(acts_after=1)
    async with scripted_server(said("let me think</think>no"), said("never")) as server:
        with pytest.raises(Interrupted):
            await model_on(server).complete(CHAT, ear)
    assert len(server.requests) == 1


@in_virtual_time
async def test_every_model_is_tried_within_the_time_when_servers_hang() -> None:
    async with model_server(lambda _request: Reply(hang=True)) as server, scripted_server(said("hi")) as other:
        completion = await model_on(server, other).complete(CHAT)
        assert (completion.text, completion.model, completion.is_fallback) == ("hi", "m2", True)
        assert now() <= 180
        with pytest.raises(ModelDown) as raised:
            await model_on(server, server, server).complete(CHAT)
        assert now() <= 360
    assert [usage.failed for usage in raised.value.usage] == ["no answer within 60 s"] * 3


@in_virtual_time
async def test_an_answer_in_one_piece_may_take_as_long_as_a_call() -> None:
    def answer(request: dict[str, object]) -> Reply:
        return refused(400, "no streaming") if "stream" in request else Reply(hang=True)

    async with model_server(answer) as server:
        with pytest.raises(ModelDown, match="no answer within 90 s"):
            await model_on(server).complete(CHAT)
    assert now() <= 181


@in_virtual_time
async def test_a_server_that_drips_everywhere_ends_in_time() -> None:
    drip = streamed(*(20.0, chunk("drop ")) * 500)
    async with model_server(lambda _request: drip) as server:
        with pytest.raises(ModelDown, match="took too long"):
            await model_on(server, server).complete(CHAT)
    assert now() <= 181


@in_virtual_time
async def test_only_so_many_calls_are_in_flight_and_waiting_counts() -> None:
    gate = Gate()
    async with model_server(lambda _request: said("x" * 40), gate=gate) as server:
        model = model_on(server, slots=2, total_s=20.0)
        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(outcome(model)) for _ in range(5)]
            await asyncio.sleep(10)
            assert (server.peak, len(server.requests)) == (2, 2)
            gate.let(1000)
        assert [task.result() for task in asking] == ["x" * 40] * 5
        assert server.peak == 2


async def outcome(model: OpenAIModel) -> str:
    try:
        return (await model.complete(CHAT)).text
    except ModelDown as down:
        return str(down)


@in_virtual_time
async def test_no_slot_is_waited_for_beyond_the_time() -> None:
    async with model_server(lambda _request: Reply(hang=True)) as server:
        model = model_on(server, slots=1, total_s=50.0, retries=RetryLimits(attempts=1))
        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(outcome(model)) for _ in range(2)]
        assert [("busy" in task.result(), "no answer" in task.result()) for task in asking] == [
            (False, True),
            (True, False),
        ]
        assert now() <= 51


@in_virtual_time
async def test_a_dead_server_costs_nothing_while_its_breaker_is_open() -> None:
    async with (
        model_server(lambda _request: refused(503, "down")) as dead,
        model_server(lambda _request: said("hi")) as other,
    ):
        model = model_on(dead, other)
        for _ in range(2):
            assert (await model.complete(CHAT)).model == "m2"
        assert len(dead.requests) == 5
        began_at = now()
        answers = [await model.complete(CHAT) for _ in range(20)]
        assert {(answer.model, answer.is_fallback, len(answer.usage)) for answer in answers} == {("m2", True, 1)}
        assert (len(dead.requests), now() - began_at) == (5, 0)
        await asyncio.sleep(31)
        await model.complete(CHAT)
        assert len(dead.requests) == 6


@in_virtual_time
async def test_those_who_wait_for_a_slot_of_a_server_that_dies_go_on_at_once() -> None:
    async with (
        model_server(lambda _request: Reply(hang=True)) as dead,
        model_server(lambda _request: said("hi")) as other,
    ):
        model = model_on(dead, other, slots=5, retries=RetryLimits(attempts=1))
        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(outcome(model)) for _ in range(20)]
        assert {task.result() for task in asking} == {"hi"}
        assert (len(dead.requests), now() < 61) == (5, True)


@in_virtual_time
async def test_what_calls_took_is_counted_or_estimated() -> None:
    counts = {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 800}}
    deepseek = {"prompt_tokens": 10, "completion_tokens": 1, "prompt_cache_hit_tokens": 9}
    async with scripted_server(
        said("a", usage=counts),
        said("你好世界" * 4, usage=None),
        said("b", usage=deepseek),
        said("c", usage={"prompt_tokens": "x"}),
    ) as server:
        model = model_on(server)
        usages = [(await model.complete(CHAT)).usage[0] for _ in range(4)]
    assert [(usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) for usage in usages] == [
        (1000, 100, 800),
        (3, 10, 0),
        (10, 1, 9),
        (3, 0, 0),
    ]
    assert [usage.is_estimated for usage in usages] == [False, True, False, True]
    assert usages[0].cost == pytest.approx(1000 * 2e-6 + 100 * 10e-6)
    assert usages[0].model == "m1"


@in_virtual_time
async def test_failed_calls_are_in_the_books_of_the_answer_and_of_the_error() -> None:
    replies = [refused(429, "slow", **{"retry-after": "3"}), streamed(chunk("half", reasoning="think")), said("fine")]
    completion, ear, _ = await answer_to(CHAT, *replies)
    assert [(usage.failed != "", usage.is_estimated) for usage in completion.usage] == [
        (True, False),
        (True, True),
        (False, False),
    ]
    assert (completion.usage[0].prompt_tokens, completion.usage[0].cost) == (0, 0.0)
    assert completion.usage[1].completion_tokens == 2
    assert ear.text == "fine"
    async with scripted_server(refused(401, "no")) as server:
        with pytest.raises(ModelDown) as raised:
            await model_on(server).complete(CHAT)
    assert [usage.failed for usage in raised.value.usage] == ["HTTP 401 no"]


@in_virtual_time
async def test_cancelling_a_question_frees_its_slot_and_its_connection() -> None:
    async with model_server(lambda _request: streamed(chunk("x"), Fault.HANG)) as server:
        model = model_on(server, slots=1)
        ear = Ear()
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(model.complete(CHAT, ear))
            await ear.hears("x")
            asking.cancel()
        server.answer = lambda _request: said("hi")
        assert (await model.complete(CHAT)).text == "hi"
        assert now() < 1
