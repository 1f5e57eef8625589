"""The machine's clock, and what is made of it when somebody sets it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from app.clock import SystemClock


class Machine:
    """Both clocks of a machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall_s, self.running_s = 1_000_000.0, 50.0
        monkeypatch.setattr(time, "time", lambda: self.wall_s)
        monkeypatch.setattr(time, "monotonic", lambda: self.running_s)

    def passes(self, seconds: float, *, set_by: float = 0.0) -> None:
        self.running_s += seconds
        self.wall_s += seconds + set_by


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(1_000_000 + seconds, UTC)


def test_it_tells_the_time_in_utc():
    assert abs(SystemClock().now().timestamp() - time.time()) < 60
    assert SystemClock().now().utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("set_by", "then"),
    [(3600.0, 3610.0), (0.5, 10.5), (-0.5, 9.5), (-3600.0, 10.0)],
    ids=["set forward: it follows", "set right", "set right, back", "set back: it goes on"],
)
def test_it_never_stands_still(monkeypatch: pytest.MonkeyPatch, set_by: float, then: float):
    machine = Machine(monkeypatch)
    clock = SystemClock()
    assert clock.now() == at(0)
    machine.passes(10, set_by=set_by)
    assert clock.now() == at(then)
    machine.passes(5)
    assert clock.now() == at(then + 5)


def test_set_back_and_right_again_it_is_as_before(monkeypatch: pytest.MonkeyPatch):
    machine = Machine(monkeypatch)
    clock = SystemClock()
    clock.now()
    machine.passes(1, set_by=-3600)
    machine.passes(1, set_by=3600)
    assert clock.now() == at(2)
