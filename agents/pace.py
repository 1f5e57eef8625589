"""How much a worker takes on: slots for what runs, and how many messages to hold behind them."""

from __future__ import annotations

import asyncio

_WEIGHT = 0.2  # of the newest duration in the running mean
_SHORT_S = 0.02  # below this mean a slot would mostly wait for the next message
_LONG_S = 0.5  # above it messages held here could be run elsewhere sooner; far from the other, so that it never flaps
_CAP_S = 1.0  # what one long run counts at most, so that it is forgotten after a dozen short ones


class Pace:
    """How many messages to hold: one per slot, more while work is over in milliseconds.

    Args:
        slots: skills that run at the same time.
        prefetch: how many to hold of short work.
    """

    def __init__(self, slots: int, prefetch: int) -> None:
        self._narrow = slots
        self._wide = max(slots, prefetch)
        self.start_over()

    def start_over(self) -> None:
        """Take the work for long until it proves short."""
        self._mean_s = _CAP_S
        self.prefetch = self._narrow

    def took(self, duration_s: float) -> None:
        """A skill ran for so long."""
        self._mean_s += _WEIGHT * (min(duration_s, _CAP_S) - self._mean_s)
        if self._mean_s < _SHORT_S:
            self.prefetch = self._wide
        elif self._mean_s > _LONG_S:
            self.prefetch = self._narrow


class Slots:
    """Places for running skills. A lasting one holds a lease instead of a message.

    Args:
        count: how many.
        pace: is told how long each was occupied.
    """

    def __init__(self, count: int, pace: Pace) -> None:
        self.free = count
        self._count = count
        self._pace = pace
        self._lasting = 0
        self._changed = asyncio.Event()

    @property
    def is_crowded(self) -> bool:
        """Whether lasting work holds every slot: then no message can be run soon."""
        return self._lasting == self._count

    def take(self) -> Slot:
        """Occupy a slot."""
        self.free -= 1
        return Slot(self)

    async def until_free(self) -> None:
        """Wait until a slot is free."""
        while self.free < 1:
            await self._change()

    async def until_free_or_crowded(self) -> None:
        """Wait until a slot is free, or until it is plain that none will be soon."""
        while self.free < 1 and not self.is_crowded:
            await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def lasts(self) -> None:
        """A slot became lasting."""
        self._lasting += 1
        if self.is_crowded:
            self._pace.start_over()
        self._changed.set()

    def left(self, duration_s: float, *, was_lasting: bool) -> None:
        """A slot was given back after `duration_s` seconds."""
        self.free += 1
        self._lasting -= was_lasting
        self._pace.took(duration_s)
        self._changed.set()


class Slot:
    """One occupied place."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._taken_at = asyncio.get_running_loop().time()
        self._is_lasting = False
        self._is_free = False

    def lasts(self) -> None:
        """Its work holds a lease now."""
        if not self._is_lasting and not self._is_free:
            self._is_lasting = True
            self._slots.lasts()

    def leave(self) -> None:
        """Give it back; the second time does nothing."""
        if not self._is_free:
            self._is_free = True
            taken_s = asyncio.get_running_loop().time() - self._taken_at
            self._slots.left(taken_s, was_lasting=self._is_lasting)
