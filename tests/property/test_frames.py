"""The frames written and read by hand against the codec that does all the others."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.frame import marshal, unmarshal
from pamqp.header import ContentHeader

from messaging.rabbit import frames
from messaging.transport import Letter

MANY = settings(max_examples=100, deadline=None)
channels = st.integers(1, 65_535)
numbers = st.integers(1, 2**63 - 1)
short = st.text(max_size=60)
letters = st.builds(
    Letter,
    exchange=short,
    key=short,
    body=st.binary(max_size=50),
    priority=st.integers(0, 9),
    ttl_ms=st.none() | st.integers(0, 2**32 - 1),
    is_persistent=st.booleans(),
    headers=st.dictionaries(short.filter(bool), short, max_size=3),
)


def read(framed: bytes) -> tuple[int, int, Any]:
    return unmarshal(framed)


def payload(framed: bytes) -> bytes:
    return framed[frames.HEAD.size : -1]


@given(channels, letters, short, st.integers(1, 20))
@MANY
def test_a_letter_is_written_so_that_it_is_read_as_it_was(
    channel: int, letter: Letter, name: str, largest: int
) -> None:
    header, *bodies = frames.content(channel, letter, name, largest)
    size, number, said = read(header)
    assert (size, number, said.body_size) == (len(header), channel, len(letter.body))
    properties = said.properties
    assert (properties.content_type, properties.message_id) == ("application/json", name)
    assert (properties.delivery_mode, properties.priority) == (2 if letter.is_persistent else 1, letter.priority)
    assert properties.expiration == (None if letter.ttl_ms is None else str(letter.ttl_ms))
    assert dict(properties.headers or {}) == letter.headers
    parts = [read(body) for body in bodies]
    assert b"".join(part[2].value for part in parts) == letter.body
    assert all(part[1] == channel and len(part[2].value) <= largest for part in parts)


@given(channels, numbers, st.booleans())
@MANY
def test_what_is_settled_is_written_as_the_codec_does(channel: int, number: int, multiple: bool) -> None:  # noqa: FBT001 -- hypothesis draws it
    assert frames.ack(channel, number, multiple=multiple) == marshal(Basic.Ack(number, multiple), channel)
    nack = Basic.Nack(number, multiple, requeue=False)
    assert frames.reject(channel, number, multiple=multiple) == marshal(nack, channel)
    assert frames.settled(payload(marshal(nack, channel))) == (number, multiple)
    assert frames.settled(payload(marshal(Basic.Ack(number, multiple), channel))) == (number, multiple)


@given(short, numbers, st.booleans(), st.sampled_from(["", "result_exchange", "x" * 100]), short)
@MANY
def test_a_delivery_is_read_as_the_codec_wrote_it(
    tag: str,
    number: int,
    redelivered: bool,  # noqa: FBT001 -- hypothesis draws it
    exchange: str,
    key: str,
) -> None:
    written = payload(marshal(Basic.Deliver(tag, number, redelivered, exchange, key), 1))
    assert written[:4] == frames.DELIVER
    assert frames.delivery(written) == (number, redelivered, key)


@given(st.binary(max_size=60))
@MANY
def test_whatever_the_properties_are_reading_them_raises_nothing(properties: bytes) -> None:
    header = b"\x00\x3c\x00\x00" + bytes(8) + properties
    frames.death_reason(header + b"x-first-death-reason")
    frames.message_id(header)
    frames.priority(header)


@given(channels, letters, short, st.none() | st.text(max_size=20))
@MANY
def test_how_urgent_a_message_is(channel: int, letter: Letter, name: str, encoding: str | None) -> None:
    header, *_ = frames.content(channel, letter, name, 1000)
    assert frames.priority(payload(header)) == letter.priority
    others = Basic.Properties("text/plain", encoding, dict(letter.headers), priority=letter.priority, app_id=name)
    assert frames.priority(payload(marshal(ContentHeader(properties=others), channel))) == letter.priority
    without = Basic.Properties("text/plain", encoding, dict(letter.headers), 2, message_id=name)
    assert frames.priority(payload(marshal(ContentHeader(properties=without), channel))) == 0


def test_why_a_message_died_and_which_it_is() -> None:
    properties = Basic.Properties(message_id="ABC123.a.1", headers={"x-first-death-reason": "expired"})
    header = payload(marshal(ContentHeader(body_size=7, properties=properties), 1))
    assert (frames.body_size(header), frames.message_id(header)) == (7, "ABC123.a.1")
    assert frames.death_reason(header) == "expired"
    assert frames.death_reason(payload(marshal(ContentHeader(properties=Basic.Properties()), 1))) is None
    assert payload(marshal(ContentBody(b"abc"), 1)) == b"abc"
