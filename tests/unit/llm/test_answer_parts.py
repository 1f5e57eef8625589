"""Small parts of the client that need no server."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.breaker import Breaker
from llm.failures import CallFailed, clean
from llm.models import Price
from llm.sse import MAX_BYTES, Documents
from llm.tokens import cost, counted, estimated
from tests.fakes import START


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("word" * 100, 100), ("汉字" * 80, 100), ("한국어の" * 4, 10), ("ab汉字", 2)]
)
def test_tokens_are_estimated_by_script(text: str, tokens: int) -> None:
    assert estimated(text) == tokens


def test_a_price_that_is_not_known_costs_nothing() -> None:
    assert cost(None, 1000, 1000) == 0
    assert cost(Price(2, 10), 500_000, 100_000) == 2


@pytest.mark.parametrize("counts", [None, [], "x", {}, {"n": "3"}, {"n": -1}, {"n": 1.5}, {"n": 2**40}])
def test_a_count_without_sense_is_none(counts: object) -> None:
    assert counted(counts, "n") == 0


@given(st.integers(1, 99))
def test_however_the_bytes_of_a_stream_are_cut(size: int) -> None:
    body = b'\xef\xbb\xbf: hi\r\ndata: {"n": "\xe2\x80\xa8\xc2\x85"}\n\ndata:[2]\rdata: [DONE]\n\nevent: x\n\ndata: 3'
    documents, found = Documents(), []
    for start in range(0, len(body), size):
        found += documents.feed(body[start : start + size])
    assert [*found, *documents.end()] == [{"n": "\u2028\x85"}, [2], 3]


def test_an_endless_answer_is_no_answer() -> None:
    documents = Documents()
    list(documents.feed(b"x" * MAX_BYTES))
    with pytest.raises(CallFailed, match="far too long"):
        list(documents.feed(b"x"))


def test_a_breaker_opens_probes_and_closes() -> None:
    breaker = Breaker(failures=2, pause_s=10)
    later = START + timedelta(seconds=11)
    breaker.record(START, is_outage=True)
    assert breaker.admits(START)
    breaker.record(START, is_outage=True)
    assert breaker.is_open(START)
    assert not breaker.admits(START)
    assert not breaker.is_open(later)
    assert [breaker.admits(later), breaker.admits(later)] == [True, False]
    breaker.record(later, is_outage=False)
    assert breaker.admits(later)


def test_what_is_shown_of_a_servers_words_holds_no_credentials() -> None:
    assert clean("bad\nkey sk-abc123\x1b[0m Bearer xyz at http://u:p@h/") == "bad key …[0m Bearer … at http://…h/"
    assert len(clean("x" * 500)) == 160
