"""A broker that keeps no promise but one: what it confirmed it has, until it loses everything."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tests.chaos.simulation.engine import Engine

STAR = "star"  # reports
BEATS = "beats"
NUDGES = "nudges"
DEAD = "dead"
TRANSIENT = (BEATS, NUDGES)


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One message in a queue."""

    number: int
    body: Any
    expires_at: float = float("inf")
    redelivered: bool = False


@dataclass(kw_only=True)
class Broker:
    """Queues by name; what was taken and not acknowledged, by consumer; orders to workers that are there.

    `odds` are of a publish being lost, its confirm being lost, and a copy being made.
    """

    engine: Engine
    odds: tuple[float, float, float]
    queues: dict[str, list[Letter]] = field(default_factory=dict)
    held: dict[str, dict[int, tuple[str, Letter]]] = field(default_factory=dict)
    orders: dict[str, list[Any]] = field(default_factory=dict)
    up_since: float | None = 0.0
    generation: int = 0
    numbers: int = 0

    @property
    def _random(self) -> Random:
        return self.engine.random

    def publish(self, queue: str, body: Any, ttl_s: float = float("inf")) -> bool:
        """Put a message into a queue; True when the broker confirmed it."""
        lost, unconfirmed, doubled = self.odds
        if self.up_since is None or self._random.random() < lost:
            return False
        for _ in range(2 if self._random.random() < doubled else 1):
            self.numbers += 1
            letter = Letter(number=self.numbers, body=body, expires_at=self.engine.now + ttl_s)
            self.queues.setdefault(queue, []).append(letter)
        return self._random.random() >= unconfirmed

    def take(self, queue: str, consumer: str) -> Letter | None:
        """The next message, more or less; the consumer holds it until it acknowledges."""
        waiting = self.queues.get(queue)
        if self.up_since is None or not waiting:
            return None
        letter = waiting.pop(self._random.randrange(min(3, len(waiting))) if self._random.random() < 0.3 else 0)
        if letter.expires_at < self.engine.now:
            self.queues.setdefault(DEAD, []).append(replace(letter, expires_at=float("inf")))
            return None
        if queue not in TRANSIENT:
            self.held.setdefault(consumer, {})[letter.number] = (queue, letter)
        return letter

    def ack(self, consumer: str, letter: Letter) -> None:
        """Done with it. Without effect when the connection it came by is gone."""
        self.held.get(consumer, {}).pop(letter.number, None)

    def gone(self, consumer: str) -> None:
        """A consumer's connection ended: what it held comes again."""
        for queue, letter in self.held.pop(consumer, {}).values():
            self.queues.setdefault(queue, []).insert(0, replace(letter, redelivered=True))
        self.orders.pop(consumer, None)

    def listen(self, worker: str) -> None:
        """A worker opens its queue for orders."""
        self.orders[worker] = []

    def order(self, worker: str, order: Any) -> None:
        """Tell a worker something, if it is there."""
        if self.up_since is not None and worker in self.orders:
            self.orders[worker].append(order)

    def goes_down(self) -> None:
        """Stop: everybody is disconnected, what is transient is gone, any message may have been delivered."""
        workers = list(self.orders)
        for consumer in list(self.held):
            self.gone(consumer)
        for queue in TRANSIENT:
            self.queues.pop(queue, None)
        for queue, letters in self.queues.items():
            self.queues[queue] = [replace(letter, redelivered=self._random.random() < 0.7) for letter in letters]
        self.up_since = None
        for worker in workers:
            self.listen(worker)  # a living worker opens it again

    def comes_up(self, *, empty: bool) -> None:
        """Start again, perhaps from an empty disk."""
        if empty:
            self.queues.clear()
            self.held.clear()
            self.generation += 1
        self.up_since = self.engine.now
