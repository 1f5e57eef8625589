"""What waits for an agent, and when somebody should be told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.backlog import Backlog, Depth, Trouble, trouble, with_depths
from tests.fakes import START

NOW = START + timedelta(seconds=100)
FRESH, OLD = NOW - timedelta(seconds=1), NOW - timedelta(seconds=61)
NOBODYS, TAKEN, EMPTY = (Depth(messages=m, consumers=c) for m, c in ((2, 0), (2, 1), (0, 0)))


@pytest.mark.parametrize(
    ("backlog", "alive", "expected"),
    [
        (Backlog(agent="a"), (), None),
        (Backlog(agent="a", depth=EMPTY), (), None),
        (Backlog(agent="a", sent=1, oldest_at=FRESH), (), Trouble.NOBODY),
        (Backlog(agent="a", depth=NOBODYS), (), Trouble.NOBODY),
        (Backlog(agent="a", sent=1, oldest_at=OLD, depth=NOBODYS), (), Trouble.NOBODY),
        (Backlog(agent="a", sent=1, oldest_at=FRESH), ("a",), None),
        (Backlog(agent="a", sent=1, oldest_at=FRESH), ("b",), Trouble.NOBODY),
        (Backlog(agent="a", depth=NOBODYS), ("a",), None),  # every slot taken: it comes back for more
        (Backlog(agent="a", sent=1, oldest_at=FRESH, depth=TAKEN), (), None),  # a listener that gives no sign of life
        (Backlog(agent="a", sent=1, oldest_at=OLD), ("a",), Trouble.LATE),
        (Backlog(agent="a", running=9), (), None),
    ],
)
def test_when_somebody_should_be_told(backlog: Backlog, alive: tuple[str, ...], expected: Trouble | None) -> None:
    assert trouble(backlog, alive, NOW, 60) is expected


def test_the_broker_may_know_of_agents_that_the_rows_do_not() -> None:
    found = with_depths([Backlog(agent="b", sent=1), Backlog(agent="c")], {"a": NOBODYS, "b": TAKEN})
    assert [(one.agent, one.sent, one.depth) for one in found] == [("a", 0, NOBODYS), ("b", 1, TAKEN), ("c", 0, None)]


def test_a_clock_that_was_set_back_makes_no_wait_negative() -> None:
    assert Backlog(agent="a", oldest_at=NOW).waited_s(START) == 0
