"""Graph algorithms against slow ones that are plainly right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import graph
from domain.ranking import Ranking

Edges = dict[str, tuple[str, ...]]
FEW = settings(max_examples=100, deadline=None)


@st.composite
def graphs(draw: st.DrawFn, *, smallest: int = 0, largest: int = 8, acyclic: bool = False) -> Edges:
    count = draw(st.integers(smallest, largest))
    names = [f"n{number}" for number in range(count)]
    return {
        name: tuple(draw(st.lists(st.sampled_from(before), max_size=3, unique=True)) if before else ())
        for place, name in enumerate(names)
        for before in [names[:place] if acyclic else [other for other in names if other != name]]
    }


def reachable(edges: Edges) -> dict[str, set[str]]:
    """Warshall's closure: what each node waits for, directly or not."""
    reached = {node: set(others) for node, others in edges.items()}
    for middle in edges:
        for node in edges:
            if middle in reached[node]:
                reached[node] |= reached[middle]
    return reached


def is_acyclic(edges: Edges) -> bool:
    return all(node not in reached for node, reached in reachable(edges).items())


def without(edges: Edges, cuts: frozenset[graph.Arc]) -> Edges:
    return {node: tuple(other for other in others if (node, other) not in cuts) for node, others in edges.items()}


@given(graphs())
@FEW
def test_components_are_what_can_reach_itself_and_back(edges: Edges) -> None:
    reached = reachable(edges)
    expected = {
        tuple(other for other in edges if other == node or (other in reached[node] and node in reached[other]))
        for node in edges
    }
    found = graph.components(edges)
    assert set(found) == {component for component in expected if len(component) > 1}
    assert found == sorted(found, key=lambda component: list(edges).index(component[0]))


@given(graphs())
@FEW
def test_topological_order_exists_exactly_without_components(edges: Edges) -> None:
    try:
        order = graph.topological(edges)
    except CycleError:
        assert graph.components(edges)
    else:
        assert not graph.components(edges)
        assert sorted(order) == sorted(edges)
        assert all(order.index(other) < order.index(node) for node, others in edges.items() for other in others)


@given(graphs())
@FEW
def test_reversing_twice_gives_the_same_arcs(edges: Edges) -> None:
    again = graph.reverse(graph.reverse(edges))
    assert {node: set(others) for node, others in again.items()} == {node: set(o) for node, o in edges.items()}


@given(graphs(acyclic=True))
@FEW
def test_longest_paths(edges: Edges) -> None:
    def length(node: str) -> int:
        return 1 + max((length(other) for other in edges[node]), default=0)

    assert graph.longest_paths(edges) == {node: length(node) for node in edges}


@given(graphs(acyclic=True, smallest=1), st.data())
@FEW
def test_ranking_prefers_critical_paths(edges: Edges, data: st.DataObject) -> None:
    seconds = {node: data.draw(st.sampled_from([0.1, 0.2, 1.0, 3.0, 60.0])) for node in edges}
    children = graph.reverse(edges)

    def longest(node: str, others: Mapping[str, Sequence[str]]) -> float:
        return seconds[node] + max((longest(other, others) for other in others[node]), default=0.0)

    ranking = Ranking.of(edges, seconds)
    assert ranking.remaining_s == pytest.approx({node: longest(node, children) for node in edges})
    assert all(ranking.remaining_s[node] > ranking.remaining_s[child] for node in edges for child in children[node])
    critical = max(ranking.remaining_s.values())
    through = {node: longest(node, edges) + ranking.remaining_s[node] - seconds[node] for node in edges}
    on_critical_path = {node for node, path_s in through.items() if path_s == pytest.approx(critical)}
    high = {node for node, word in ranking.urgency.items() if word == "high"}
    assert high == (on_critical_path if len(on_critical_path) < len(edges) else set())
    assert {node for node, word in ranking.urgency.items() if word == "low"} == {
        node for node, path_s in through.items() if path_s < critical / 2 or path_s == pytest.approx(critical / 2)
    }


@given(graphs(smallest=2, largest=6), st.data())
@FEW
def test_small_cycles_are_opened_at_least_cost(edges: Edges, data: st.DataObject) -> None:
    arcs = [(node, other) for node, others in edges.items() for other in others]
    weights = {arc: data.draw(st.integers(1, 5)) for arc in arcs}

    def cost(order: tuple[str, ...]) -> int:
        place = {node: position for position, node in enumerate(order)}
        return sum(weight for (node, before), weight in weights.items() if place[before] > place[node])

    for component in graph.components(edges):
        inside = {arc: weight for arc, weight in weights.items() if set(arc) <= set(component)}
        cuts = graph.feedback_arcs(component, weights)
        assert cuts <= set(inside)
        least = min(cost(order) for order in permutations(edges))
        if len(graph.components(edges)) == 1:
            assert sum(weights[cut] for cut in cuts) == least
        assert not {component} & set(graph.components(without(edges, cuts)))
    everything = frozenset().union(*(graph.feedback_arcs(part, weights) for part in graph.components(edges)))
    assert is_acyclic(without(edges, everything))


@given(graphs(smallest=graph.EXACT_UP_TO + 1, largest=24), st.randoms(use_true_random=False))
@FEW
def test_large_cycles_are_opened_without_cutting_what_is_precious(edges: Edges, random) -> None:
    """The arcs along a random order are precious: they have no cycle among them, so none need be cut."""
    order = list(edges)
    random.shuffle(order)
    place = {node: position for position, node in enumerate(order)}
    weights = {
        (node, other): graph.PRECIOUS if place[other] < place[node] and random.random() < 0.5 else 101
        for node, others in edges.items()
        for other in others
    }
    cuts = frozenset().union(*(graph.feedback_arcs(part, weights) for part in graph.components(edges)))
    assert is_acyclic(without(edges, cuts))
    assert all(weights[cut] < graph.PRECIOUS for cut in cuts)
