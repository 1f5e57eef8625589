from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.estimate import Estimate, estimate, estimate_document
from domain.plan import Plan
from domain.ports import Measured
from tests.builders import chain, node, plan


def took(seconds: float, cost: float = 0.0) -> Measured:
    return Measured(attempts=3, seconds=seconds, cost=cost)


HISTORY = {"read": took(2.0), "write": took(6.0, 0.01), "echo": took(1.0)}


def test_the_longest_path_decides_and_every_cost_counts() -> None:
    diamond = plan(
        node("a", skill="read"),
        node("b", "a", skill="write"),
        node("c", "a", skill="read"),
        node("d", "b", "c", skill="write"),
    )
    estimated = estimate(diamond, HISTORY)
    assert (estimated.seconds, estimated.known) == (14.0, 1.0)
    assert estimated.cost == pytest.approx(0.02)


@pytest.mark.parametrize(("slots", "seconds"), [(None, 1.0), (10, 1.0), (3, 10 / 3), (1, 10.0)])
def test_few_slots_take_longer_than_the_longest_path(slots: int | None, seconds: float) -> None:
    wide = plan(*(node(f"n{number}") for number in range(10)))
    assert estimate(wide, HISTORY, slots).seconds == pytest.approx(seconds)


def test_a_skill_without_history_counts_like_the_mean_of_the_others() -> None:
    partly = plan(node("a", skill="read"), node("b", "a", skill="new"), node("c", "b", skill="write"))
    estimated = estimate(partly, HISTORY)
    assert estimated.seconds == pytest.approx(2 + 4 + 6)
    assert estimated.cost == pytest.approx(0.015)
    assert estimated.known == pytest.approx(2 / 3)


@pytest.mark.parametrize("unknown", [Plan(), Plan(answer="hello"), plan(node("a", skill="new"))])
def test_without_history_there_is_no_estimate(unknown: Plan) -> None:
    assert estimate(unknown, HISTORY) == Estimate()
    assert estimate_document(Estimate()) is None


def test_for_programs() -> None:
    document = estimate_document(Estimate(seconds=12.34567, cost=0.00312345678, known=2 / 3))
    assert document == {"seconds": 12.346, "cost_usd": 0.003123, "known": 0.667}


def test_a_plan_of_ten_thousand_in_a_row() -> None:
    assert estimate(chain(*(f"n{number}" for number in range(10_000))), HISTORY).seconds == 10_000


SECONDS = st.floats(0, 1000)
STEPS = st.tuples(st.sampled_from(["read", "write", "new"]), st.sets(st.integers(0, 20)))


@given(
    st.lists(
        st.tuples(st.sampled_from(["read", "write", "new"]), st.sets(st.integers(0, 20))), min_size=1, max_size=20
    ),
    st.dictionaries(st.sampled_from(["read", "write"]), SECONDS.map(took), min_size=1),
    st.integers(1, 5),
)
def test_between_the_work_shared_by_all_slots_and_one_after_the_other(
    steps: list[tuple[str, set[int]]], history: Mapping[str, Measured], slots: int
) -> None:
    nodes = [
        node(f"n{place}", *(f"n{before}" for before in sorted(befores) if before < place), skill=skill)
        for place, (skill, befores) in enumerate(steps)
    ]
    estimated, alone = estimate(plan(*nodes), history, slots), estimate(plan(*nodes), history, 1)
    assert 0 <= estimated.known <= 1
    assert alone.seconds / slots - 1e-6 <= estimated.seconds <= alone.seconds + 1e-6
