"""What arrived for a consumer and was not taken yet."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Waiting(Generic[T]):
    """The most urgent first, then by arrival: a broker orders what it still has, not what a consumer already holds."""

    def __init__(self) -> None:
        self._levels: dict[int, deque[T]] = {}  # the most urgent first; there are few priorities

    def __bool__(self) -> bool:
        return any(self._levels.values())

    def add(self, priority: int, one: T) -> None:
        """One more."""
        level = self._levels.get(priority)
        if level is None:
            level = deque()
            self._levels = dict(sorted([*self._levels.items(), (priority, level)], reverse=True))
        level.append(one)

    def take(self, limit: int) -> list[T]:
        """Those whose turn it is, at most so many."""
        taken: list[T] = []
        for level in self._levels.values():
            taken += [level.popleft() for _ in range(min(limit - len(taken), len(level)))]
        return taken

    def clear(self) -> None:
        """Forget them."""
        self._levels.clear()
