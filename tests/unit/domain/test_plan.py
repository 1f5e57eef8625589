"""A plan's derived views."""

from __future__ import annotations

import pytest

from domain.plan import Node, Plan
from domain.ranking import UNMEASURED, Durations
from tests.unit.domain import build as b

DIAMOND = Plan(nodes=(b.node("a"), b.node("b", "a"), b.node("c", "a"), b.node("d", "b", "c"), b.external("e")))


def test_views_of_a_plan() -> None:
    assert list(DIAMOND.by_id) == ["a", "b", "c", "d", "e"]
    assert DIAMOND.edges == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ()}
    assert DIAMOND.children == {"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": (), "e": ()}
    ranking = DIAMOND.ranking(UNMEASURED)
    assert ranking.remaining_s == {"a": 3, "b": 2, "c": 2, "d": 1, "e": 1}
    assert ranking.urgency == {"a": "high", "b": "high", "c": "high", "d": "high", "e": "low"}
    assert DIAMOND.ranking(UNMEASURED) is ranking
    slow = Durations.of({"look": 4.0})
    assert DIAMOND.ranking(slow).remaining_s == {"a": 12, "b": 8, "c": 8, "d": 4, "e": 4}
    assert DIAMOND.needs_approval
    assert not Plan(nodes=(b.node("a"),)).needs_approval


@pytest.mark.parametrize(
    ("node", "title"),
    [
        (Node(id="a", skill="look"), "look"),
        (Node(id="a", skill="look", description="Look around"), "Look around"),
        (Node(id="a", skill="look", name="Look", description="Look around"), "Look"),
    ],
)
def test_the_title_of_a_node(node: Node, title: str) -> None:
    assert node.title == title
