"""The few frames of AMQP 0-9-1 that every message needs, as bytes and without objects.

The codec beneath aio_pika builds an object per frame and per property, which costs more than all else that happens to
a short message. It still does the rest; tests hold what is written and read here to what it writes and reads.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from pamqp.commands import Basic
from pamqp.exceptions import PAMQPException
from pamqp.frame import marshal, unmarshal
from pamqp.header import ContentHeader

from messaging.transport import Letter

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8  # kinds of frames (4.2.3)
END = 0xCE
HEAD = struct.Struct(">BHI")  # kind, channel, size of the payload
A_HEARTBEAT = HEAD.pack(HEARTBEAT, 0, 0) + bytes([END])

DELIVER, ACK, NACK, RETURN = (struct.pack(">HH", 60, method) for method in (60, 80, 120, 50))
BLOCKED, UNBLOCKED = (struct.pack(">HH", 10, method) for method in (60, 61))

_SETTLE = struct.Struct(">BHIHHQBB")
_CONTENT = struct.Struct(">HHQH")  # class, weight, size of the body, which properties follow
_NUMBER = struct.Struct(">QB")
_SIZE = struct.Struct(">Q")
_FLAGS = struct.Struct(">H")
_LENGTH = struct.Struct(">I")
# Which properties there are, in the order they are written (4.2.6.1).
_TYPE, _ENCODING, _HEADERS, _MODE, _PRIORITY = 0x8000, 0x4000, 0x2000, 0x1000, 0x0800
_EXPIRATION, _MESSAGE_ID = 0x0100, 0x0080
_JSON = b"\x10application/json"
_DEATH = b"x-first-death-reason"


class Delivery(NamedTuple):
    """What the broker says in front of a message."""

    number: int
    is_redelivered: bool
    key: str


@lru_cache(maxsize=4096)
def publish(channel: int, exchange: str, key: str, *, is_mandatory: bool) -> bytes:
    """That a message follows, and where to."""
    return marshal(Basic.Publish(exchange=exchange, routing_key=key, mandatory=is_mandatory), channel)


def content(channel: int, letter: Letter, message_id: str, largest: int) -> Iterator[bytes]:
    """The message: its properties, then its body in frames of at most `largest` bytes."""
    properties = _properties(letter, message_id)
    body = letter.body
    yield HEAD.pack(HEADER, channel, len(properties)) + properties + b"\xce"
    for start in range(0, len(body), largest):
        part = body[start : start + largest]
        yield HEAD.pack(BODY, channel, len(part)) + part + b"\xce"


def ack(channel: int, number: int, *, multiple: bool) -> bytes:
    """Done with a delivery; with `multiple` also with all before it."""
    return _SETTLE.pack(METHOD, channel, 13, 60, 80, number, multiple, END)


def reject(channel: int, number: int, *, multiple: bool) -> bytes:
    """Refused: to the dead letters."""
    return _SETTLE.pack(METHOD, channel, 13, 60, 120, number, multiple, END)


def delivery(payload: bytes) -> Delivery:
    """Read a `DELIVER`. A key that is not UTF-8 is read somehow: nobody's name."""
    at = 5 + payload[4]  # behind the consumer's tag
    number, is_redelivered = _NUMBER.unpack_from(payload, at)
    at += 10 + payload[at + 9]  # behind the exchange
    return Delivery(number, bool(is_redelivered), payload[at + 1 : at + 1 + payload[at]].decode(errors="replace"))


def settled(payload: bytes) -> tuple[int, bool]:
    """Read an `ACK` or `NACK`: the number, and whether all before it are meant too."""
    number, flags = _NUMBER.unpack_from(payload, 4)
    return number, bool(flags & 1)


def body_size(header: bytes) -> int:
    """How many bytes of body follow a content header."""
    size: int = _SIZE.unpack_from(header, 4)[0]
    return size


def priority(header: bytes) -> int:
    """How urgent the message behind a content header is; 0 for one that says nothing, or nothing sensible."""
    try:
        (flags,) = _FLAGS.unpack_from(header, 12)
        if not flags & _PRIORITY:
            return 0
        at = 14
        for short in (_TYPE, _ENCODING):
            at += 1 + header[at] if flags & short else 0
        at += 4 + _LENGTH.unpack_from(header, at)[0] if flags & _HEADERS else 0
        return header[at + bool(flags & _MODE)]
    except (IndexError, struct.error):
        return 0


def death_reason(header: bytes) -> str | None:
    """Why the message behind a content header died, if it did."""
    if _DEATH not in header:
        return None
    properties = _read(header)
    reason = properties and (properties.headers or {}).get(_DEATH.decode())
    return None if reason is None else str(reason)


def message_id(header: bytes) -> str | None:
    """The name of the message behind a content header."""
    properties = _read(header)
    return None if properties is None else properties.message_id


def _read(header: bytes) -> Basic.Properties | None:
    """None for properties that cannot be: anybody may write them, and nobody must stumble over them."""
    framed = HEAD.pack(HEADER, 0, len(header)) + header + b"\xce"
    try:
        _, _, frame = unmarshal(framed)
    except (PAMQPException, ValueError, OverflowError):
        return None
    assert isinstance(frame, ContentHeader), "a header frame holds a header"  # noqa: S101 -- for the type
    return frame.properties


def _properties(letter: Letter, name: str) -> bytes:
    headers, ttl_ms = letter.headers, letter.ttl_ms
    flags = _TYPE | _MODE | _PRIORITY | _MESSAGE_ID | (_HEADERS if headers else 0)
    flags |= 0 if ttl_ms is None else _EXPIRATION
    return b"".join(
        (
            _CONTENT.pack(60, 0, len(letter.body), flags),
            _JSON,
            _table(letter) if headers else b"",
            bytes((2 if letter.is_persistent else 1, letter.priority)),
            b"" if ttl_ms is None else _short(str(ttl_ms)),
            _short(name),
        )
    )


def _table(letter: Letter) -> bytes:
    pairs = b"".join(_short(name) + b"S" + _long(text) for name, text in letter.headers.items())
    return _LENGTH.pack(len(pairs)) + pairs


def _short(text: str) -> bytes:
    raw = text.encode()
    return bytes((len(raw),)) + raw


def _long(text: str) -> bytes:
    raw = text.encode()
    return _LENGTH.pack(len(raw)) + raw
