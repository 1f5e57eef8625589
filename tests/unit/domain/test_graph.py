"""Graph algorithms on small graphs whose answers are known."""

from __future__ import annotations

from graphlib import CycleError

import pytest

from domain import graph

DIAMOND = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


def test_reverse() -> None:
    assert graph.reverse(DIAMOND) == {"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": ()}
    assert graph.reverse({}) == {}


def test_topological() -> None:
    order = graph.topological(DIAMOND)
    assert (order[0], order[-1], len(order)) == ("a", "d", 4)
    with pytest.raises(CycleError):
        graph.topological({"a": ("b",), "b": ("a",)})


def test_longest_paths() -> None:
    assert graph.longest_paths(graph.reverse(DIAMOND)) == {"a": 3, "b": 2, "c": 2, "d": 1}
    assert graph.longest_paths({}) == {}


def test_components_in_the_order_of_the_plan() -> None:
    edges = {"x": ("y",), "a": ("c",), "b": ("a",), "c": ("b",), "d": ("c",), "y": ("x", "d")}
    assert graph.components(edges) == [("x", "y"), ("a", "b", "c")]
    assert graph.components(DIAMOND) == []
    assert graph.components({"a": ("a",)}) == []  # a single node is not a component of several


def ring(size: int) -> dict[str, tuple[str, ...]]:
    return {f"n{number}": (f"n{(number + 1) % size}",) for number in range(size)}


@pytest.mark.parametrize("size", [2, graph.EXACT_UP_TO, graph.EXACT_UP_TO + 1, 5000])
def test_a_ring_is_opened_at_its_cheapest_arc(size: int) -> None:
    edges = ring(size)
    weights = {(node, before): 5 for node, (before,) in edges.items()}
    weights["n1", edges["n1"][0]] = 4
    assert graph.components(edges) == [tuple(edges)]
    assert graph.feedback_arcs(tuple(edges), weights) == {("n1", edges["n1"][0])}


def test_arcs_that_lead_out_of_the_component_are_not_looked_at() -> None:
    weights = {("a", "b"): 2, ("b", "a"): 1, ("a", "z"): 1, ("z", "b"): 1}
    assert graph.feedback_arcs(("a", "b"), weights) == {("b", "a")}


@pytest.mark.parametrize("size", [graph.EXACT_UP_TO, 40])
def test_precious_arcs_are_kept_whatever_the_others_cost(size: int) -> None:
    """A chain of precious arcs, and every cheap arc against it."""
    names = [f"n{number}" for number in range(size)]
    weights = {(names[place], names[place - 1]): graph.PRECIOUS for place in range(1, size)}
    cheap = {(names[low], names[high]): 103 for low in range(size) for high in range(low + 1, size)}
    assert graph.feedback_arcs(names, weights | cheap) == set(cheap)
