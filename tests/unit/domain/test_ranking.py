"""How much waits for each node of a plan, in measured seconds."""

from __future__ import annotations

import pytest

from domain.ranking import SHORTEST_S, UNMEASURED, Durations, Ranking

Edges = dict[str, tuple[str, ...]]
DIAMOND: Edges = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


def ranked(edges: Edges, **seconds: float) -> Ranking:
    return Ranking.of(edges, {node: seconds.get(node, 1.0) for node in edges})


def test_the_longest_path_is_measured_in_seconds() -> None:
    assert ranked(DIAMOND).remaining_s == {"a": 3, "b": 2, "c": 2, "d": 1}
    assert ranked(DIAMOND, c=5).remaining_s == {"a": 7, "b": 2, "c": 6, "d": 1}
    assert ranked({}).remaining_s == {}


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({}, {}),
        ({"a": ()}, {"a": "normal"}),
        ({"a": (), "b": ("a",)}, {"a": "normal", "b": "normal"}),
        ({"a": (), "b": ()}, {"a": "normal", "b": "normal"}),
        (DIAMOND, dict.fromkeys("abcd", "normal")),
        (
            {"a": (), "b": ("a",), "c": ("b",), "d": ("c",), "e": ("a",), "f": (), "g": ("a", "f")},
            {"a": "high", "b": "high", "c": "high", "d": "high", "e": "low", "f": "low", "g": "low"},
        ),
        (
            {"a": (), "b": ("a",), "c": ("b",), "x": ("a",), "y": ()},
            {"a": "high", "b": "high", "c": "high", "x": "normal", "y": "low"},
        ),
    ],
)
def test_urgency_by_slack_where_every_node_counts_the_same(edges: Edges, expected: dict[str, str]) -> None:
    assert ranked(edges).urgency == expected


def test_urgency_follows_the_measured_path() -> None:
    assert ranked(DIAMOND, b=9).urgency == {"a": "high", "b": "high", "c": "low", "d": "high"}
    assert ranked(DIAMOND, b=0.3, c=0.1 + 0.2).urgency == dict.fromkeys("abcd", "normal")


def test_a_skill_without_history_counts_the_mean_of_the_others() -> None:
    durations = Durations.of({"slow": 3.0, "quick": 1.0})
    assert [durations.seconds(skill) for skill in ("slow", "quick", "new")] == [3.0, 1.0, 2.0]
    assert [UNMEASURED.seconds(skill) for skill in ("slow", "new")] == [1.0, 1.0]
    assert Durations.of({}) is UNMEASURED


def test_what_hardly_changes_changes_no_rank() -> None:
    assert Durations.of({"a": 1.23, "b": 0.0456}) == Durations.of({"a": 1.21, "b": 0.0463})
    assert Durations.of({"a": 0.0}).seconds("a") == SHORTEST_S
