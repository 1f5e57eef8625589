"""Virtual time, and processes that can be killed between any two of their steps."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Generator
from random import Random

Program = Generator[float, None, None]
"""A loop of a process. It yields the seconds it waits."""

BUSY_S = 1.0  # a shorter wait is in the middle of something, where a crash is worth most


class Killed(Exception):
    """A program ends the process it runs in."""


class Engine:
    """Runs programs in the order of virtual time.

    Args:
        random: all chance in the world.
        risk: by how often a process is killed at one step, by its name.
    """

    def __init__(self, random: Random, risk: Callable[[str], float]) -> None:
        self.now = 0.0
        self.random = random
        self.deaths: Counter[str] = Counter()
        self._risk = risk
        self._starts: dict[str, Callable[[], list[Program]]] = {}
        self._on_death: dict[str, Callable[[], None]] = {}
        self._life: Counter[str] = Counter()
        self._queue: list[tuple[float, int, str, int, float, Program]] = []
        self._count = 0

    def process(self, name: str, start: Callable[[], list[Program]], on_death: Callable[[], None]) -> None:
        """Start a process, and again whenever it was killed."""
        self._starts[name], self._on_death[name] = start, on_death
        self._start(name)

    def kill(self, name: str) -> None:
        """End a process here and now; it comes back some seconds later."""
        self.deaths[name] += 1
        self._life[name] += 1
        self._on_death[name]()
        self._put(name, self.random.uniform(0.5, 8.0), self._reborn(name))

    def run(self, until: Callable[[], bool]) -> None:
        """Let everything happen up to `until`."""
        while self._queue and not until():
            self.now, _, name, life, waited_s, program = heapq.heappop(self._queue)
            if life != self._life[name]:
                continue
            risk = self._risk(name) * (1.0 if waited_s < BUSY_S else 0.1)
            if risk and self.random.random() < risk:
                self.kill(name)
                continue
            try:
                self._put(name, next(program), program)
            except StopIteration:
                continue
            except Killed:
                self.kill(name)

    def _start(self, name: str) -> None:
        for program in self._starts[name]():
            self._put(name, self.random.random() * 0.1, program)

    def _reborn(self, name: str) -> Program:
        self._start(name)
        yield from ()

    def _put(self, name: str, wait_s: float, program: Program) -> None:
        self._count += 1
        entry = (self.now + wait_s, self._count, name, self._life[name], wait_s, program)
        heapq.heappush(self._queue, entry)
