"""The model client against a real HTTP server that behaves, misbehaves, and goes away."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from structlog.testing import capture_logs

from domain.errors import Misconfigured, ModelDown
from domain.model import Prompt, Purpose
from llm import ModelSettings, ModelSpec, OpenAIModel, RetryLimits, read_models
from tests.fakes import START, CountingEntropy, FakeClock
from tests.fakes_model import ModelServer, Reply, in_one_piece, model_server, refused, said, scripted_server

KEY = "sk-secret-123"
PROMPT = Prompt(purpose=Purpose.PLAN, system="Answer with JSON.", user="plan this", wants_json=True)
CHAT = Prompt(purpose=Purpose.ANSWER, system="Be short.", user="hello", history=(("assistant", "?"), ("user", "!")))


class HastyClock(FakeClock):
    """Sleeping takes no real time; it moves the clock on and is remembered."""

    def __init__(self, now: datetime = START) -> None:
        super().__init__(now)
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.advance(seconds)


def model_on(server: ModelServer, clock: HastyClock | None = None, **settings: object) -> OpenAIModel:
    specs = read_models(str(settings.pop("models", "m1")), server.base_url, str(settings.pop("api_key", KEY)))
    return OpenAIModel(ModelSettings(models=specs, **settings), clock or HastyClock(), CountingEntropy())  # type: ignore[arg-type] # keywords of a test


async def test_asks_and_reads() -> None:
    async with scripted_server(said('{"tasks": []}'), said("hi")) as server:
        model = model_on(server)
        plan = await model.complete(PROMPT)
        chat = await model.complete(CHAT)
        await model.close()
    assert (plan.text, plan.model, plan.usage[-1].prompt_tokens, plan.usage[-1].completion_tokens) == (
        '{"tasks": []}',
        "m1",
        7,
        5,
    )
    assert chat.text == "hi"
    assert server.requests[0] == {
        "model": "m1",
        "messages": [{"role": "system", "content": "Answer with JSON."}, {"role": "user", "content": "plan this"}],
        "temperature": 0.1,
        "max_tokens": 4096,
        "stream": True,
        "stream_options": {"include_usage": True},
        "response_format": {"type": "json_object"},
    }
    assert [message["role"] for message in server.requests[1]["messages"]] == ["system", "user", "assistant", "user"]
    assert "response_format" not in server.requests[1]
    assert server.keys == ["sk-secret-123"] * 2


async def test_a_local_server_needs_no_key() -> None:
    async with scripted_server(said("hi")) as server:
        assert (await model_on(server, api_key="").complete(CHAT)).text == "hi"
    assert server.keys == ["none"]


BROKEN = {
    "blank": said("   \n"),
    "null content": said(None),
    "cut": said("half a pl", finish=None),
    "cut in one piece": in_one_piece(said("half a pl", finish=None)),
    "filtered": said("I", finish="content_filter"),
    "no choices": Reply(body='{"id": "x", "choices": null}'),
    "empty choices": Reply(body='{"choices": []}'),
    "odd choice": Reply(body='{"choices": ["x"]}'),
    "odd message": Reply(body='{"choices": [{"finish_reason": "stop", "message": "x"}]}'),
    "error with 200": Reply(body='{"error": {"message": "overloaded"}}'),
    "error text with 200": Reply(body='{"error": "overloaded"}'),
    "html with 200": Reply(body="<html>welcome</html>", headers={"content-type": "text/html"}),
    "broken json": Reply(body='{"choices": [{'),
    "a list": Reply(body="[]"),
    "deep json": Reply(body="[" * 100_000),
    "connection cut": Reply(body=in_one_piece(said("a whole answer")).body, cut=True),
    "event stream": Reply(body="data: [DONE]\n\n", headers={"content-type": "text/event-stream"}),
    "not text": Reply(body=b"\xff\xfe\x00"),
    "500": refused(500, "oops"),
    "502 page": Reply(code=502, body="<html>bad gateway</html>", headers={"content-type": "text/html"}),
    "429": refused(429, "slow down"),
}


@pytest.mark.parametrize("reply", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_answer_is_asked_for_again(reply: Reply) -> None:
    async with scripted_server(reply, said("fine")) as server:
        assert (await model_on(server).complete(CHAT)).text == "fine"
    assert len(server.requests) == 2


async def test_gives_up_after_the_attempts_with_growing_pauses() -> None:
    clock = HastyClock()
    async with scripted_server(*[refused(503, "down")] * 4) as server:
        with pytest.raises(ModelDown, match="m1: HTTP 503 down") as raised:
            await model_on(server, clock).complete(CHAT)
    assert raised.value.retry_after_s == 0.0
    assert len(server.requests) == 4
    assert clock.slept == [0.25, 0.5, 1.0]  # jitter 0.5 of 0.5, 1, 2


@pytest.mark.parametrize("reply", [refused(401, "bad key"), refused(404, "no model"), refused(400, "too long")])
async def test_a_refusal_is_not_repeated(reply: Reply) -> None:
    async with scripted_server(reply, said("never")) as server:
        with pytest.raises(ModelDown, match=f"m1: HTTP {reply.code}") as raised:
            await model_on(server).complete(CHAT)
    assert raised.value.retry_after_s is None  # waiting does not help
    assert len(server.requests) == 1


async def test_no_money_is_not_repeated() -> None:
    body = json.dumps({"error": {"message": "quota", "type": "insufficient_quota", "code": "insufficient_quota"}})
    async with scripted_server(Reply(code=429, body=body), said("never")) as server:
        with pytest.raises(ModelDown, match="429 quota") as raised:
            await model_on(server).complete(CHAT)
    assert raised.value.retry_after_s is None
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "2500"}, 2.5),
        ({"retry-after": format_datetime(datetime(2026, 1, 1, 12, 0, 9, tzinfo=UTC), usegmt=True)}, 9.0),
        ({"retry-after": "soon"}, 0.25),
        ({"retry-after": "-5"}, 0.25),
    ],
)
async def test_waits_as_long_as_the_server_asks(headers: dict[str, str], pause_s: float) -> None:
    clock = HastyClock()
    async with scripted_server(refused(429, "slow down", **headers), said("fine")) as server:
        assert (await model_on(server, clock).complete(CHAT)).text == "fine"
    assert clock.slept == [pause_s]


async def test_a_pause_beyond_the_budget_moves_on_at_once() -> None:
    clock = HastyClock()
    async with scripted_server(refused(429, "tomorrow", **{"retry-after": "86400"}), said("fine")) as server:
        answer = await model_on(server, clock, models="m1,m2").complete(CHAT)
    assert (answer.model, clock.slept) == ("m2", [])


async def test_falls_back_in_order_and_names_every_cause() -> None:
    replies = [refused(404, "no such model"), refused(401, "wrong key sk-abc***xyz"), refused(400, "x" * 500)]
    async with scripted_server(*replies) as server:
        with pytest.raises(ModelDown) as raised:
            await model_on(server, models="m1,m2,m3").complete(CHAT)
    assert [request["model"] for request in server.requests] == ["m1", "m2", "m3"]
    detail = raised.value.values["detail"]
    assert detail.startswith("m1: HTTP 404 no such model; m2: HTTP 401 wrong key …; m3: HTTP 400 xxx")
    assert len(detail) < 300


@pytest.mark.parametrize(
    ("refusal", "dropped"),
    [
        (refused(400, "This response_format type is unavailable now"), "response_format"),
        (refused(500, "1 validation error: body.response_format.type"), "response_format"),
        (Reply(code=422, body='{"detail": [{"loc": ["body", "response_format"]}]}'), "response_format"),
        (refused(400, "Unsupported value: 'temperature' does not support 0.1"), "temperature"),
    ],
)
async def test_a_refused_parameter_is_left_out_and_remembered(refusal: Reply, dropped: str) -> None:
    clock = HastyClock()
    async with scripted_server(refusal, said("{}"), said("{}"), said("{}")) as server:
        model = model_on(server, clock)
        await model.complete(PROMPT)
        await model.complete(PROMPT)
        await clock.advance(25 * 3600)
        await model.complete(PROMPT)
    assert [dropped in request for request in server.requests] == [True, False, False, True]
    assert clock.slept == []


async def test_the_length_limit_changes_its_name_then_goes() -> None:
    replies = [
        refused(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        refused(400, "unknown argument max_completion_tokens"),
        said("{}"),
    ]
    async with scripted_server(*replies) as server:
        await model_on(server).complete(PROMPT)
    names = [sorted(name for name in request if name.startswith("max")) for request in server.requests]
    assert names == [["max_tokens"], ["max_completion_tokens"], []]


async def test_thought_counts_as_the_answer_only_where_json_was_asked_for() -> None:
    thought = said(None, reasoning_content='{"tasks": []}')
    async with scripted_server(thought, *[thought] * 4) as server:
        model = model_on(server)
        assert (await model.complete(PROMPT)).text == '{"tasks": []}'
        with pytest.raises(ModelDown, match="blank"):
            await model.complete(CHAT)


async def test_parts_refusals_and_length() -> None:
    parts = Reply(body='{"choices":[{"finish_reason":"length","message":{"content":[{"type":"text","text":"a"}]}}]}')
    async with scripted_server(parts, said(None, refusal="I must not.")) as server:
        model = model_on(server)
        cut = await model.complete(CHAT)
        assert (cut.text, cut.is_truncated, cut.usage[-1].is_estimated) == ("a", True, True)
        assert (await model.complete(CHAT)).text == "I must not."


async def test_no_server_opens_the_breaker_and_a_probe_closes_it() -> None:
    clock = HastyClock()
    left: list[Reply] = [*[refused(500, "down")] * 5, refused(500, "still"), said("up"), said("up")]
    async with model_server(lambda _request: left.pop(0)) as server:
        model = model_on(server, clock, retries=RetryLimits(attempts=5))
        with pytest.raises(ModelDown):
            await model.complete(CHAT)
        await clock.advance(10)
        with pytest.raises(ModelDown, match="failed too often") as raised:
            await model.complete(CHAT)
        assert (len(server.requests), raised.value.retry_after_s) == (5, 20.0)
        await clock.advance(21)
        with pytest.raises(ModelDown, match="failed too often"):  # the one probe fails, the retry is not let in
            await model.complete(CHAT)
        assert len(server.requests) == 6
        await clock.advance(31)
        assert (await model.complete(CHAT)).text == "up"
        assert (await model.complete(CHAT)).text == "up"


def test_one_call_may_take_half_of_the_time_but_a_slow_model_gets_a_minute() -> None:
    settings = ModelSettings()
    assert [settings.call_limit_s(total_s) for total_s in (60, 180, 600)] == [60, 90, 300]
    assert ModelSettings(call_s=5).call_limit_s(180) == 5


async def test_a_server_that_repeats_the_key_is_not_quoted() -> None:
    async with scripted_server(refused(401, "Incorrect API key provided: tüte-geheim.")) as server:
        with pytest.raises(ModelDown) as raised:
            await model_on(server, api_key="geheim").complete(CHAT)
    assert "geheim" not in str(raised.value)
    assert "Incorrect API key provided: tüte-…" in str(raised.value)


async def test_nobody_listening_is_model_down_without_credentials_in_it() -> None:
    settings = ModelSettings(models=read_models("m1", "http://user:geheim@127.0.0.1:9/v1", KEY))
    with pytest.raises(ModelDown, match="m1: the connection failed") as raised:
        await OpenAIModel(settings, HastyClock(), CountingEntropy()).complete(CHAT)
    assert "geheim" not in str(raised.value)
    assert "secret" not in repr(settings)
    assert settings.identity == "127.0.0.1:9 m1"


def placed(**where: str) -> ModelSettings:
    return ModelSettings(models=(ModelSpec(name="m", **where),))


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (placed(base_url="http://["), "OPENAI_BASE_URL"),
        (placed(base_url="ftp//x y"), "OPENAI_BASE_URL"),
        (placed(api_key="钥匙"), "OPENAI_API_KEY"),
        (placed(api_key="a\nb"), "OPENAI_API_KEY"),
        (ModelSettings(), "XINGSHU_MODEL"),
    ],
)
def test_an_unusable_setting_is_named(settings: ModelSettings, name: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        OpenAIModel(settings, HastyClock(), CountingEntropy())


async def test_the_log_holds_causes_and_figures_but_no_words_of_anybody() -> None:
    chat = Prompt(purpose=Purpose.ANSWER, system="private system", user="private question")
    replies = [refused(400, f"temperature? {KEY}"), refused(503, "down"), said("private answer")]
    with capture_logs() as lines:
        async with scripted_server(*replies) as server:
            await model_on(server).complete(chat)
            with pytest.raises(ModelDown):
                await model_on(server).complete(chat)
    assert [line["event"] for line in lines] == [
        *("model_call_failed", "model_parameter_left_out", "model_call_failed", "model_called"),
        "model_call_failed",
    ]
    assert "private" not in str(lines)
    assert KEY not in str(lines)


@pytest.mark.parametrize(("code", "level"), [(401, "error"), (403, "error"), (404, "error"), (418, "warning")])
async def test_what_an_operator_must_mend_is_logged_as_an_error(code: int, level: str) -> None:
    with capture_logs() as lines:
        async with scripted_server(refused(code, "no")) as server:
            with pytest.raises(ModelDown):
                await model_on(server).complete(CHAT)
    assert [line["log_level"] for line in lines] == [level]


async def test_text_that_cannot_be_sent_is_not_retried() -> None:
    async with scripted_server() as server:
        with pytest.raises(ModelDown, match="not valid text"):
            await model_on(server).complete(Prompt(purpose=Purpose.ANSWER, system="s", user="\ud800"))
    assert server.requests == []
