"""Whatever servers do, in whatever order: an answer or ModelDown, in time, and a listener hears answers only."""

from __future__ import annotations

import asyncio
from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Interrupted, ModelDown
from domain.model import Completion, Prompt, Purpose
from llm import ModelSettings, OpenAIModel, read_models
from llm.thoughts import aloud
from tests.fakes import CountingEntropy
from tests.fakes_model import (
    DONE,
    Fault,
    Piece,
    Reply,
    chunk,
    event,
    in_one_piece,
    model_server,
    refused,
    said,
    streamed,
)
from tests.integration.llm_answers import BAD, GOOD, Ear
from tests.integration.test_llm_forms import SCHEMA
from tests.virtual_time import LoopClock, virtually

PLAN = Prompt(purpose=Purpose.PLAN, system="Answer with JSON.", user="plan", wants_json=True, schema=SCHEMA)
CHAT = Prompt(purpose=Purpose.ANSWER, system="Be short.", user="hello")
AGENT = Prompt(purpose=Purpose.AGENT, system="Be exact.", user="explain")

TEXTS = st.sampled_from(
    ["", " ", "{", '{"tasks": []}', "[", "<think>", "</think>", "<", "so ", "汉字", "\ufeff", "```", "\x00"]
)
WORDS = ["temperature", "response_format", "strict", "tool_choice", "stream", "max_tokens", "context length", "schema"]
CODES = st.sampled_from([400, 401, 402, 403, 404, 408, 409, 418, 422, 425, 429, 500, 502, 503, 529])

ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 600) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "message", "content", "finish_reason", "error", "usage", "tool_calls"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
CHUNKS = st.builds(
    lambda text, name, finish: chunk(finish=finish, **{name: text}),
    TEXTS,
    st.sampled_from(["content", "reasoning", "reasoning_content", "refusal", "tool_calls"]),
    st.sampled_from([None, None, None, "stop", "length", "tool_calls", "content_filter", "error"]),
)
PIECES: st.SearchStrategy[Piece] = st.one_of(
    CHUNKS,
    CHUNKS,
    ODD.map(event),
    st.binary(min_size=1, max_size=9),
    st.sampled_from(list(Fault)),
    st.sampled_from([0.5, 20.0, 40.0, 90.0]),
    st.sampled_from([DONE, b": keep-alive\n\n", b"\n\n", b"data: ", b"data: {garbage\n\n"]),
)
REPLIES = st.one_of(
    st.lists(PIECES, min_size=1, max_size=12).map(lambda pieces: streamed(*pieces)),
    st.sampled_from([*GOOD.values(), *(reply for reply, _ in BAD.values())]),
    st.builds(said, TEXTS, st.sampled_from(["stop", "length", None])),
    TEXTS.map(lambda text: in_one_piece(said(text))),
    st.builds(refused, CODES, st.sampled_from(WORDS)),
    st.builds(
        lambda code, pause: refused(code, "wait", **{"retry-after": pause}),
        CODES,
        st.sampled_from(["0", "9", "999", "x"]),
    ),
    st.builds(lambda code, body: Reply(code=code, body=body), CODES | st.just(200), st.binary(max_size=40)),
)


@pytest.mark.timeout(300)
@settings(max_examples=80)
@given(
    script=st.lists(REPLIES, min_size=1, max_size=8),
    models=st.integers(1, 3),
    prompt=st.sampled_from([PLAN, CHAT, AGENT]),
    acts_after=st.sampled_from([None, None, 1, 3]),
)
def test_any_faults_come_to_an_answer_or_to_model_down(
    script: list[Reply], models: int, prompt: Prompt, acts_after: int | None
) -> None:
    async def main() -> None:
        replies, ear = cycle(script), Ear(acts_after)
        async with model_server(lambda _request: next(replies)) as server:
            names = ",".join(f"m{number}" for number in range(models))
            settings = ModelSettings(models=read_models(names, server.base_url))
            model = OpenAIModel(settings, LoopClock(), CountingEntropy())
            outcome: Completion | ModelDown
            try:
                outcome = await model.complete(prompt, ear)
            except ModelDown as down:
                outcome = down
            await model.close()
        judge(outcome, ear, len(server.requests))
        assert asyncio.get_running_loop().time() <= 182

    virtually(main)


def judge(outcome: Completion | ModelDown, ear: Ear, calls: int) -> None:
    assert len(outcome.usage) == calls
    if isinstance(outcome, Completion):
        assert outcome.text.strip()
        assert ear.text == aloud(outcome.text)
        assert [usage.failed != "" for usage in outcome.usage] == [True] * (calls - 1) + [False]
    else:
        assert isinstance(outcome, Interrupted) == ear.has_acted
        assert ear.has_acted or ear.text == ""
        assert all(usage.failed for usage in outcome.usage)
