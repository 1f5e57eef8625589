"""JSON from outside."""

from __future__ import annotations

import json

import pytest

from domain.errors import Malformed
from domain.strict_json import MAX_DEPTH, MAX_DIGITS, loads


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "null",
        "true",
        "-0",
        "1.5e3",
        '"\\u00e9\\ud83d\\ude00"',
        '{"a":{"a":1},"b":[1,"x",null]}',
        " [1 ] \n",
    ],
)
def test_what_is_json_is_read_as_json_reads_it(text: str) -> None:
    assert loads(text) == json.loads(text)
    assert loads(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[1,]", "line 1"),
        ("{'a':1}", "Expecting property name"),
        ("[1] 2", "Extra data"),
        ("NaN", "NaN is not JSON"),
        ('{"a":[Infinity]}', "Infinity is not JSON"),
        ("-Infinity", "-Infinity is not JSON"),
        ("1e400", "out of range"),
        ("[-1e999]", "out of range"),
        ('{"a":1,"b":2,"a":3}', "the key 'a' stands twice"),
        ('{"a":1,"a":1}', "the key 'a' stands twice"),
        ('[{"x":{"k":1,"\\u006b":2}}]', "the key 'k' stands twice"),
        (b'"\xff"', "not UTF-8 text"),
        (b"\xef\xbb\xbf{}", "Expecting value"),
        ('"\\ud800"', "not UTF-8 text"),
        ('{"\\uDFFF":1}', "not UTF-8 text"),
        ('["\ud800"]', "not UTF-8 text"),
    ],
)
def test_everything_else_is_refused_with_a_reason(text: str | bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        loads(text)
    assert reason in str(caught.value)
    assert str(caught.value).startswith("This is not a valid message: ")


def nested(depth: int, left: str = "[", middle: str = "", right: str = "]") -> str:
    return left * depth + middle + right * depth


@pytest.mark.parametrize(
    ("left", "middle", "right"), [("[", "", "]"), ("[", "1", "]"), ('{"a":', "1", "}"), ('{"a":', "{}", "}")]
)
def test_depth_is_counted_exactly(left: str, middle: str, right: str) -> None:
    more = middle == "{}"
    for limit in (1, 2, 3, MAX_DEPTH):
        text = nested(limit - more, left, middle, right)
        assert loads(text, max_depth=limit) == json.loads(text)
        with pytest.raises(Malformed, match=f"nested deeper than {limit}"):
            loads(nested(limit + 1 - more, left, middle, right), max_depth=limit)


@pytest.mark.parametrize("left", ["[", '{"a":'])
def test_a_very_deep_document_is_refused_without_harm(left: str) -> None:
    with pytest.raises(Malformed, match="nested deeper than 32"):
        loads(nested(100_000, left, "1", "]" if left == "[" else "}"))


def test_digits_are_counted_exactly() -> None:
    for sign in ("", "-"):
        assert loads(sign + "9" * MAX_DIGITS) == int(sign + "9" * MAX_DIGITS)
        with pytest.raises(Malformed, match="more than 400 digits"):
            loads(sign + "9" * (MAX_DIGITS + 1))
    with pytest.raises(Malformed, match="more than 400 digits"):
        loads("[" + "1" * 1_000_000 + "]")
