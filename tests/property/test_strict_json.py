"""Strict JSON against the standard library's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Malformed
from domain.strict_json import loads

MANY = settings(max_examples=200, deadline=None)
text = st.text(max_size=20)  # of Unicode scalar values: no lone surrogates
documents: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)
scraps = st.lists(
    st.sampled_from([*'{}[]:,"\\ 01.e-+\n', "NaN", "Infinity", "true", "null", '"a"', "\\ud83d", "\\ude00", "1e999"])
).map("".join)


@given(documents, st.booleans(), st.sampled_from([None, 1]))
@MANY
def test_valid_documents_are_read_the_same(document: Any, ascii_only: bool, indent: int | None) -> None:  # noqa: FBT001 -- hypothesis draws it
    written = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    assert loads(written) == document
    assert loads(written.encode()) == document


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth, inner), default=0) if isinstance(value, dict | list) else 0


@given(documents, st.integers(1, 4))
@MANY
def test_depth_is_refused_exactly_beyond_the_limit(document: Any, limit: int) -> None:
    written = json.dumps(document)
    if depth(document) <= limit:
        assert loads(written, max_depth=limit) == document
    else:
        with pytest.raises(Malformed, match="nested deeper"):
            loads(written, max_depth=limit)


@given(scraps | st.text() | st.binary())
@MANY
def test_whatever_comes_is_read_like_json_or_refused(scrap: str | bytes) -> None:
    try:
        value = loads(scrap)
    except Malformed:
        return
    assert value == json.loads(scrap)
    assert loads(json.dumps(value, allow_nan=False)) == value
    json.dumps(value, ensure_ascii=False).encode()


@given(st.dictionaries(text, st.integers(), min_size=1, max_size=4), st.integers(), st.data())
@MANY
def test_a_key_that_stands_twice_is_refused_wherever_it_is(
    pairs: dict[str, int], more: int, data: st.DataObject
) -> None:
    again = data.draw(st.sampled_from(sorted(pairs)))
    entries = [*pairs.items(), (again, more)]
    written = "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in entries) + "}"
    with pytest.raises(Malformed, match="stands twice"):
        loads(f'[{{"x":{written}}}]')
