"""References into random values."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Refused
from domain.reference import MAX_RENDERED, Reference, references, resolve

MANY = settings(max_examples=100, deadline=None)
keys = st.sampled_from(["a", "b-c", "d_e", "0", "名", "x1"])
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
outputs: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=15,
)
steps = st.lists(keys | st.integers(0, 5), max_size=3)


def ways_in(value: Any) -> list[tuple[list[str | int], Any]]:
    """Every path into a value, and what stands there."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [([], value)] + [([step, *path], found) for step, inner in inside for path, found in ways_in(inner)]


def written(path: list[str | int]) -> str:
    tail = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return f"{{{{t1.output{tail}}}}}"


@given(outputs, st.data())
@MANY
def test_every_place_in_an_output_can_be_named(output: Any, data: st.DataObject) -> None:
    path, found = data.draw(st.sampled_from(ways_in(output)))
    text = written(path)
    assert list(references(text)) == [Reference("t1", tuple(path))]
    resolved = resolve({"p": [text]}, {"t1": output})["p"][0]
    assert resolved == found
    assert type(resolved) is type(found)


@given(outputs, st.data())
@MANY
def test_inside_a_text_a_value_is_rendered_as_text(output: Any, data: st.DataObject) -> None:
    path, found = data.draw(st.sampled_from(ways_in(output)))
    resolved = resolve(f"<{written(path)}>", {"t1": output})
    assert isinstance(resolved, str)
    assert len(resolved) <= MAX_RENDERED + 3
    inner = resolved[1:-1]
    assert inner == found if isinstance(found, str) else json.loads(inner) == found


@given(outputs, steps)
@MANY
def test_a_step_that_is_not_there_is_refused_and_nothing_else_happens(output: Any, path: list[str | int]) -> None:
    there = {tuple(map(str, way)): found for way, found in ways_in(output)}
    try:
        resolved = resolve(written(path), {"t1": output})
    except Refused:
        return
    assert resolved == there[tuple(map(str, path))]


@given(outputs)
@MANY
def test_a_value_without_references_stays_as_it_is(value: Any) -> None:
    if not any(references(value)):
        assert resolve(value, {}) == value
