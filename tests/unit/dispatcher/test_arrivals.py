"""In which order what arrived together is dealt with."""

from __future__ import annotations

import pytest

from dispatcher.arrivals import MUCH, smaller_first


def brought(**counts: int) -> dict[str, list[object]]:
    return {task_id: [object()] * count for task_id, count in counts.items()}


@pytest.mark.parametrize(
    ("counts", "parts"),
    [
        ({}, []),
        ({"a": 1, "b": MUCH - 1}, [{"a", "b"}]),
        ({"a": MUCH, "b": 200}, [{"a", "b"}]),
        ({"wide": 30, "a": 1, "wider": 60, "b": 2}, [{"a", "b"}, {"wide", "wider"}]),
    ],
)
def test_tasks_that_brought_little_are_settled_before_those_that_brought_much(
    counts: dict[str, int], parts: list[set[str]]
):
    readers = brought(**counts)
    found = list(smaller_first(readers))  # type: ignore[arg-type] # what is read does not matter here
    assert [set(part) for part in found] == parts
    assert {task_id: one for part in found for task_id, one in part.items()} == readers
