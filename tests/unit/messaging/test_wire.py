"""The stream beneath a connection: what is tapped never reaches aiormq, everything else does, however it arrives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BrokerDown
from messaging.rabbit.frames import A_HEARTBEAT, BLOCKED, HEAD, METHOD, UNBLOCKED
from messaging.rabbit.wire import TappedReader, Wire

TAPPED = 7


def framed(channel: int, payload: bytes) -> bytes:
    return HEAD.pack(METHOD, channel, len(payload)) + payload + b"\xce"


class Loop:
    """As much of an event loop as a reader needs."""

    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return self.now

    def get_debug(self) -> bool:
        return False


class Bench:
    def __init__(self) -> None:
        self.wire, self.loop = Wire(), Loop()
        self.taken: list[bytes] = []
        loop: Any = self.loop
        self.reader = TappedReader(self.wire.taps, loop)
        self.wire.taps[TAPPED] = self._take

    def _take(self, kind: int, payload: bytes) -> bool:
        if payload.startswith(b"not mine"):
            return False
        self.taken.append(payload)
        return True

    @property
    def passed_on(self) -> bytes:
        return bytes(self.reader._buffer)  # type: ignore[attr-defined] # what aiormq would read


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, TAPPED]), st.binary(max_size=20)), max_size=20),
    st.lists(st.integers(1, 40), min_size=1),
)
@settings(max_examples=100, deadline=None)
def test_frames_go_where_they_belong_in_whatever_pieces_they_come(
    sent: list[tuple[int, bytes]], pieces: list[int]
) -> None:
    bench = Bench()
    bench.loop.now = 0.0
    stream = b"".join(framed(channel, payload) for channel, payload in sent)
    at = turn = 0
    while at < len(stream):
        step = pieces[turn % len(pieces)]
        bench.reader.feed_data(stream[at : at + step])
        at, turn = at + step, turn + 1
    assert bench.taken == [payload for channel, payload in sent if channel == TAPPED]
    assert bench.passed_on == b"".join(framed(*one) for one in sent if one[0] != TAPPED)


def test_what_a_tap_does_not_take_is_passed_on() -> None:
    bench = Bench()
    bench.reader.feed_data(framed(TAPPED, b"not mine"))
    assert (bench.taken, bench.passed_on) == ([], framed(TAPPED, b"not mine"))


def test_a_frame_without_its_end_is_left_to_aiormq_to_refuse() -> None:
    bench = Bench()
    broken = framed(TAPPED, b"abc")[:-1] + b"\x00"
    bench.reader.feed_data(broken)
    assert (bench.taken, bench.passed_on) == ([], broken)


def test_the_greeting_of_another_protocol_is_passed_on_as_it_is() -> None:
    bench = Bench()
    bench.reader.feed_data(b"AMQP\x00\x00\x09\x01")
    assert bench.passed_on == b"AMQP\x00\x00\x09\x01"


def test_the_beginning_of_a_frame_that_never_ends_is_passed_on_at_the_end() -> None:
    bench = Bench()
    bench.reader.feed_data(framed(TAPPED, b"abc")[:5])
    bench.reader.feed_eof()
    assert (bench.passed_on, bench.reader.at_eof()) == (framed(TAPPED, b"abc")[:5], False)


def test_aiormq_sees_a_busy_peer_live() -> None:
    bench = Bench()
    bench.reader.feed_data(framed(1, b"x"))
    before = bench.passed_on
    bench.reader.feed_data(framed(TAPPED, b"abc"))
    assert bench.passed_on == before
    bench.loop.now += 2.0
    bench.reader.feed_data(framed(TAPPED, b"abc"))
    bench.reader.feed_data(framed(TAPPED, b"abc"))
    assert bench.passed_on == before + A_HEARTBEAT


def test_the_broker_may_ask_publishers_to_wait() -> None:
    bench = Bench()
    bench.reader.feed_data(framed(0, BLOCKED + b"\x00"))
    assert bench.wire.is_blocked
    bench.reader.feed_data(framed(0, UNBLOCKED))
    assert not bench.wire.is_blocked
    assert bench.passed_on == framed(0, BLOCKED + b"\x00") + framed(0, UNBLOCKED)


def test_nothing_is_written_to_nobody() -> None:
    with pytest.raises(BrokerDown):
        Wire().write(b"x")
