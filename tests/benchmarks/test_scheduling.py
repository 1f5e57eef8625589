"""Whatever is scheduled: every node runs, no order beats the bound, and Graham's holds for each of ours."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import bench_scheduling as scheduling
from benchmarks.bench_scheduling import case, invented
from domain.ranking import Durations
from tests.builders import node, plan, planned

EXACTLY = 1 + 1e-9


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_makespans_keep_to_their_bounds(seed: int, many: int, slots: int) -> None:
    """List scheduling is never worse than twice the best (Graham, "Bounds on multiprocessing anomalies", 1969)."""
    one = case(invented("mixed", many, seed), random.Random(seed))  # noqa: S311 -- plans, not secrets
    bound_s = one.bound_s(slots)
    for way, run in scheduling.WAYS.items():
        makespan_s = run(one, slots)
        assert makespan_s * EXACTLY >= bound_s, way
        if way != "in stages":
            assert makespan_s <= (2 - 1 / slots) * bound_s * EXACTLY, way


@given(st.integers(0, 10**6), st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_with_slots_for_all_nothing_waits(seed: int, many: int) -> None:
    one = case(invented("mixed", many, seed), random.Random(seed))  # noqa: S311 -- plans, not secrets
    slots = len(one.seconds)
    assert scheduling.measured(one, slots) <= one.bound_s(slots) * EXACTLY


def test_a_long_branch_begins_first_once_it_is_measured() -> None:
    nodes = [node("a"), node("b", "a"), node("c", "b"), node("slow", skill="crawl")]
    task = planned(plan(*nodes), created_at=scheduling.BEGAN, deadline_at=scheduling.BEGAN + scheduling.LONG)
    seconds = {f"{task.id}.{one.id}": 10.0 if one.id == "slow" else 1.0 for one in nodes}
    one = scheduling.Case([task], seconds, Durations.of({"crawl": 10.0, "echo": 1.0}))
    assert scheduling.measured(one, 2) == one.bound_s(2) == 10.0
    assert scheduling.first_come(one, 1) == 13.0
