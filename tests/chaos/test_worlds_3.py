"""A quarter of the worlds: whatever dies in them, every promise holds."""

from __future__ import annotations

from tests.chaos.worlds import play, share_of


@share_of(3)
def test_every_promise_holds(first: int) -> None:
    play(first)
