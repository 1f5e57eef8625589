"""What a dispatcher takes over from one turn to the next instead of asking the rows: never relied on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from dispatcher.directory import LONG_AGO
from dispatcher.turn import Arrived, Decided, Published
from domain.task import Scope

COUNTED_FOR = timedelta(seconds=0.25)


class Hints:
    """Whether something ready had to stay behind, and what is in flight.

    Every sweep looks around, whatever the first says. The second misses what other dispatchers did for up to
    `COUNTED_FOR`: so long they may send more than everybody's window, which guards the broker and is no promise.
    """

    def __init__(self) -> None:
        self._has_backlog = True
        self._in_flight: Mapping[Scope, int] | None = None
        self._counted_at = LONG_AGO

    def given(self, arrived: Arrived, confirmed: Collection[Published], now: datetime) -> Arrived:
        """What arrived, with what need not be asked, and with attempts the broker confirmed."""
        if now - self._counted_at > COUNTED_FOR:
            self._counted_at, self._in_flight = now, None
        return replace(arrived, confirmed=confirmed, has_backlog=self._has_backlog, in_flight=self._in_flight)

    def take(self, decided: Decided) -> None:
        """Remember what a turn, now committed, found."""
        self._has_backlog, self._in_flight = decided.has_backlog, decided.in_flight
