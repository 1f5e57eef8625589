"""What waits for each agent, and when somebody should be told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """What the broker says of a queue: messages that wait in it, and who consumes it."""

    messages: int
    consumers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What one agent has before it.

    Args:
        agent: whose.
        sent: attempts that were sent to it and that nobody said to have begun; quick work never says so.
        running: attempts under a lease.
        oldest_at: when the oldest of those sent was sent.
        depth: its queue, if the broker was asked and has it.
    """

    agent: str
    sent: int = 0
    running: int = 0
    oldest_at: datetime | None = None
    depth: Depth | None = None

    def waited_s(self, now: datetime) -> float:
        """How long the oldest has waited, in seconds."""
        return 0.0 if self.oldest_at is None else max(0.0, (now - self.oldest_at).total_seconds())


class Trouble(StrEnum):
    """What is wrong with a backlog."""

    NOBODY = "nobody"  # something waits and nobody takes it
    LATE = "late"  # the oldest waits longer than it should


def with_depths(backlogs: Iterable[Backlog], depths: Mapping[str, Depth]) -> list[Backlog]:
    """Backlogs with what the broker says, also of agents for which only it has something; by agent."""
    known = {backlog.agent: backlog for backlog in backlogs}
    for agent, depth in depths.items():
        known[agent] = replace(known.get(agent, Backlog(agent=agent)), depth=depth)
    return [known[agent] for agent in sorted(known)]


def trouble(backlog: Backlog, alive: Collection[str], now: datetime, limit_s: float) -> Trouble | None:
    """Whether somebody should be told.

    A worker whose every slot is taken consumes nothing for a while; so nobody is there only when no sign of life came
    either.

    Args:
        backlog: what waits.
        alive: agents of which a worker gave a sign of life lately.
        now: the time.
        limit_s: how long the oldest may wait, in seconds.
    """
    waits = backlog.sent or (backlog.depth is not None and backlog.depth.messages)
    is_consumed = backlog.agent in alive or (backlog.depth is not None and backlog.depth.consumers > 0)
    if waits and not is_consumed:
        return Trouble.NOBODY
    return Trouble.LATE if backlog.waited_s(now) > limit_s else None
