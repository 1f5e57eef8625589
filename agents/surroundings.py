"""What a worker is given when it starts: who it is, what it reaches the world through, its limits."""

from __future__ import annotations

from dataclasses import dataclass

from agents.spool import Spool
from domain.ports import AgentBus, Clock, Entropy


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a worker is. `worker` stays the same over restarts, `incarnation` never does."""

    agent: str
    worker: str
    incarnation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What a worker reaches the world through."""

    bus: AgentBus
    spool: Spool
    clock: Clock
    entropy: Entropy


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How a worker paces itself; durations in seconds.

    Args:
        slots: skills that run at the same time.
        prefetch: messages held while work is over in milliseconds; `slots` when it is not.
        quick_s: work that takes longer says `started` and holds a lease.
        grant_s: how long to wait for the go-ahead of an external effect.
        grace_s: how long running work may go on after `drain`.
        farewell_s: how long handing back may take after that.
        beat_s: between two heartbeats.
        hello_s: between two announcements.
        sweep_s: how long to look for messages that came but were not taken when a subscription is left.
        max_result_bytes: the largest result that is sent.
    """

    slots: int = 4
    prefetch: int = 64
    quick_s: float = 1.0
    grant_s: float = 10.0
    grace_s: float = 20.0
    farewell_s: float = 5.0
    beat_s: float = 5.0
    hello_s: float = 60.0
    sweep_s: float = 0.02
    max_result_bytes: int = 256 * 1024
