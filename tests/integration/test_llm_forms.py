"""How JSON is got out of servers that refuse one thing or another, or take it and answer rubbish."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from domain.model import Prompt, Purpose
from llm import ModelSettings, OpenAIModel, read_models
from tests.fakes import CountingEntropy
from tests.fakes_model import ModelServer, Reply, called, in_one_piece, model_server, refused, said, scripted_server
from tests.integration.test_llm_server import HastyClock

SCHEMA = {
    "type": "object",
    "properties": {"tasks": {"type": "array", "items": {"type": "string"}}},
    "required": ["tasks"],
    "additionalProperties": False,
}
PLAN = Prompt(purpose=Purpose.PLAN, system="Answer with JSON.", user="plan this", wants_json=True, schema=SCHEMA)
LOOSE = Prompt(purpose=Purpose.PLAN, system="Answer with JSON.", user="plan this", wants_json=True)
CHAT = Prompt(purpose=Purpose.ANSWER, system="Be short.", user="hello")
JSON = '{"tasks": ["a"]}'


def model_on(server: ModelServer, clock: HastyClock | None = None, text: str = "m1") -> OpenAIModel:
    settings = ModelSettings(models=read_models(text, server.base_url))
    return OpenAIModel(settings, clock or HastyClock(), CountingEntropy())


def form(request: dict[str, Any]) -> str:
    """How a request asks for JSON."""
    if "tools" in request:
        return "tool"
    wanted = request.get("response_format", {"type": "plain"})
    is_strict = wanted.get("json_schema", {}).get("strict")
    return "strict" if is_strict else str(wanted["type"])


EVERY = ["strict", "json_schema", "tool", "json_object", "plain"]


def refusing(*forms: str, reply: Reply) -> Callable[[dict[str, Any]], Reply]:
    def answer(request: dict[str, Any]) -> Reply:
        if form(request) not in forms:
            return said(JSON) if form(request) != "tool" else called(JSON)
        return reply

    return answer


async def asked(server: ModelServer, model: OpenAIModel, prompt: Prompt = PLAN) -> list[str]:
    before = len(server.requests)
    completion = await model.complete(prompt)
    assert completion.text == JSON
    assert len(completion.usage) == len(server.requests) - before
    return [form(request) for request in server.requests[before:]]


REFUSALS = {
    "DeepSeek": refused(400, "This response_format type is unavailable now"),
    "llama-cpp-python": refused(500, "[{'type': 'literal_error', 'loc': ('body', 'response_format', 'type')}]"),
    "FastAPI": Reply(code=422, body='{"detail": [{"loc": ["body", "response_format"], "msg": "Extra inputs"}]}'),
    "vLLM": Reply(code=400, body='{"object": "error", "message": "Failed to compile grammar", "code": 400}'),
    "Ollama": Reply(code=400, body='{"error": "invalid schema"}'),
    "in a stream": Reply(body='{"error": {"message": "1 validation error for body"}}'),
    "named by param": Reply(code=400, body='{"error": {"message": "not supported", "param": "response_format"}}'),
    "tools": refused(400, "Thinking mode does not support this tool_choice"),
}


@pytest.mark.parametrize("reply", REFUSALS.values(), ids=REFUSALS.keys())
@pytest.mark.parametrize("steps", range(5))
async def test_each_form_is_tried_once_and_the_one_that_works_is_remembered_for_a_day(reply: Reply, steps: int) -> None:
    clock = HastyClock()
    async with model_server(refusing(*EVERY[:steps], reply=reply)) as server:
        model = model_on(server, clock)
        assert await asked(server, model) == EVERY[: steps + 1]
        await clock.advance(20 * 3600)
        assert await asked(server, model) == [EVERY[steps]]
        await clock.advance(5 * 3600)  # a day after it was learned, not after it was last used
        assert await asked(server, model) == EVERY[: steps + 1]
    assert clock.slept == []


async def test_the_schema_is_passed_on_and_the_tool_named_after_the_purpose() -> None:
    async with model_server(refusing("strict", "json_schema", reply=REFUSALS["DeepSeek"])) as server:
        await model_on(server).complete(PLAN)
    strict, loose, tool = server.requests
    assert strict["response_format"]["json_schema"] == {"name": "plan", "schema": SCHEMA, "strict": True}
    assert loose["response_format"]["json_schema"] == {"name": "plan", "schema": SCHEMA}
    assert tool["tools"][0]["function"]["parameters"] == SCHEMA
    assert tool["tool_choice"] == {"type": "function", "function": {"name": "submit_plan"}}


async def test_what_was_learned_without_a_schema_does_not_spoil_schemas() -> None:
    """LM Studio takes json_schema and refuses json_object."""
    async with model_server(refusing("json_object", reply=REFUSALS["DeepSeek"])) as server:
        model = model_on(server)
        assert await asked(server, model, LOOSE) == ["json_object", "plain"]
        assert await asked(server, model, PLAN) == ["strict"]


async def test_each_model_learns_for_itself() -> None:
    async with model_server(refusing("strict", reply=REFUSALS["DeepSeek"])) as server:
        one, other = model_on(server, text="m1"), model_on(server, text="m2")
        assert await asked(server, one) == ["strict", "json_schema"]
        assert await asked(server, other) == ["strict", "json_schema"]


@pytest.mark.parametrize("rubbish", [said("   "), said(None), said(None, reasoning="Let me think.")])
async def test_a_form_that_brings_nothing_twice_costs_a_step(rubbish: Reply) -> None:
    clock = HastyClock()
    async with model_server(refusing("strict", "json_schema", reply=rubbish)) as server:
        model = model_on(server, clock)
        assert await asked(server, model) == ["strict", "strict", "json_schema", "tool"]
        assert await asked(server, model) == ["tool"]
    assert len(clock.slept) == 3


async def test_one_rubbish_answer_costs_no_step() -> None:
    async with scripted_server(said(""), said(JSON), said(JSON)) as server:
        model = model_on(server)
        assert await asked(server, model) == ["strict", "strict"]
        assert await asked(server, model) == ["strict"]


async def test_prose_is_for_the_asker_to_judge_but_costs_a_step_when_it_comes_twice() -> None:
    """Naming the defect mends more than asking again."""
    async with model_server(refusing(*EVERY[:2], reply=said("I am a poet."))) as server:
        model = model_on(server)
        texts = [(await model.complete(PLAN)).text for _ in range(5)]
    assert texts == ["I am a poet."] * 3 + [JSON] * 2
    assert [form(request) for request in server.requests] == ["strict", "strict", "json_schema", "tool", "tool"]


async def test_llama_servers_silent_auto_choice_is_no_loss() -> None:
    async with scripted_server(*[REFUSALS["DeepSeek"]] * 2, said(JSON)) as server:
        assert await asked(server, model_on(server)) == ["strict", "json_schema", "tool"]


SINGLE = {
    "stream_options": refused(400, "Unrecognized request argument supplied: stream_options"),
    "temperature": refused(400, "Unsupported value: 'temperature' does not support 0.1 with this model."),
    "stream": refused(400, "Streaming is not supported"),
}


@pytest.mark.parametrize(("name", "reply"), SINGLE.items())
async def test_a_single_parameter_is_left_out_and_nothing_else(name: str, reply: Reply) -> None:
    async with model_server(lambda request: reply if name in request else said(JSON)) as server:
        model = model_on(server)
        assert await asked(server, model) == ["strict", "strict"]
        assert await asked(server, model) == ["strict"]
    gone = set(server.requests[0]) - set(server.requests[1])
    assert gone == ({name, "stream_options"} if name == "stream" else {name})
    assert server.requests[1:2] == server.requests[2:]


async def test_everything_refused_at_once_is_left_out_one_by_one() -> None:
    def answer(request: dict[str, Any]) -> Reply:
        extra = sorted(set(request) - {"model", "messages"})
        return refused(400, f"Unrecognized request arguments supplied: {', '.join(extra)}") if extra else said(JSON)

    clock = HastyClock()
    async with model_server(answer) as server:
        model = model_on(server, clock)
        calls = await asked(server, model)
        assert len(calls) == 10  # five forms, stream_options, temperature, both lengths, stream: the last one works
        assert await asked(server, model) == ["plain"]
    assert clock.slept == []


async def test_a_stream_that_holds_nothing_twice_is_asked_for_in_one_piece() -> None:
    def answer(request: dict[str, Any]) -> Reply:
        return Reply(body=" ") if "stream" in request else in_one_piece(said(JSON))

    async with model_server(answer) as server:
        assert len(await asked(server, model_on(server))) == 3


async def test_thoughts_that_use_up_the_length_lift_the_limit() -> None:
    def answer(request: dict[str, Any]) -> Reply:
        thinking = said("<think>well", finish="length")
        return said(JSON) if "max_completion_tokens" in request else thinking

    async with model_server(answer) as server:
        assert await asked(server, model_on(server)) == ["strict", "strict"]


@pytest.mark.parametrize(
    "reply",
    [
        refused(404, "The model `m-strict-schema` does not exist"),
        refused(400, "This model's maximum context length is 10 tokens; max_tokens is 4096"),
        Reply(code=400, body='{"error": {"message": "max_tokens?", "code": "context_length_exceeded"}}'),
        refused(400, "the request exceeds the available context size, try increasing it; tools"),
        refused(402, "Insufficient Balance"),
        refused(403, "no access to response_format"),
        refused(429, "You exceeded your current quota", kind="insufficient_quota"),
        Reply(body='{"error": {"message": "quota", "code": "insufficient_quota"}}'),
    ],
)
async def test_what_no_other_form_mends_moves_to_the_next_model_at_once(reply: Reply) -> None:
    clock = HastyClock()
    async with scripted_server(reply, said(JSON)) as server:
        completion = await model_on(server, clock, "m-strict-schema,m2").complete(PLAN)
    assert [request["model"] for request in server.requests] == ["m-strict-schema", "m2"]
    assert (completion.model, completion.is_fallback, clock.slept) == ("m2", True, [])


async def test_refusals_on_the_way_down_do_not_open_the_breaker() -> None:
    answer = refusing(*EVERY[:4], reply=refused(500, "1 validation error: response_format"))
    async with model_server(answer) as server:
        model = model_on(server)
        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(model.complete(PLAN)) for _ in range(3)]
        assert [task.result().text for task in asking] == [JSON] * 3
    assert len(server.requests) == 15


async def test_keys_go_to_their_own_servers_only() -> None:
    async with model_server(lambda _request: refused(404, "no")) as one, scripted_server(said("hi")) as other:
        host = other.base_url.split("/")[2]
        specs = read_models(f"m1,m2@{other.base_url}", one.base_url, "sk-one", {host: "sk-other"})
        await OpenAIModel(ModelSettings(models=specs), HastyClock(), CountingEntropy()).complete(CHAT)
    assert (one.keys, other.keys) == (["sk-one"], ["sk-other"])
