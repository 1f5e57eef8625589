"""All chance in a world: one seed decides what happens, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

V = TypeVar("V")


class Chance:
    """Also `domain.ports.Entropy`. Once it is calm nothing goes wrong any more."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 -- a simulation, not a secret
        self.is_calm = False

    def goes_wrong(self, odds: float) -> bool:
        """Whether a misfortune with these odds happens now."""
        return not self.is_calm and self.random.random() < odds

    def happens(self, odds: float) -> bool:
        """Whether something harmless with these odds happens now."""
        return self.random.random() < odds

    def between(self, least: float, most: float) -> float:
        return least + (most - least) * self.random.random()

    def choice(self, among: Sequence[V]) -> V:
        return among[int(self.random.random() * len(among))]

    def bits(self, count: int) -> int:
        """See the port."""
        return self.random.getrandbits(count)

    def jitter(self) -> float:
        """See the port."""
        return self.random.random()
