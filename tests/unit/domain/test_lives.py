"""Lives of a worker order as text, and executions tell which they began in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.lives import exec_id, incarnation, is_earlier
from tests.fakes import START

FIRST, SECOND, THIRD = (incarnation(START + timedelta(microseconds=n), 2**16 - n) for n in range(3))


def test_a_later_life_orders_behind() -> None:
    assert sorted({FIRST, SECOND, THIRD}) == [FIRST, SECOND, THIRD]
    centuries = [incarnation(START.replace(year=year), 0) for year in (1999, 2026, 2300)]
    assert centuries == sorted(centuries)


@pytest.mark.parametrize(("of", "is_over"), [(FIRST, True), (SECOND, False), (THIRD, False)])
def test_only_what_began_in_an_earlier_life_is_over(of: str, is_over: bool) -> None:  # noqa: FBT001 -- a table
    """A hello may arrive behind what a life after it has begun already."""
    assert is_earlier(exec_id(of, 7), SECOND) is is_over


def test_an_execution_that_names_no_life_counts_as_earlier() -> None:
    assert is_earlier("9f3a", SECOND)
    assert is_earlier("", SECOND)


def test_executions_of_one_life_differ() -> None:
    assert exec_id(FIRST, 1) != exec_id(FIRST, 2)
