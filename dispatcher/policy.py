"""The numbers the dispatcher works by."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.plan import Node
from domain.release import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Durations in seconds.

    `dispatch_ttl_s`: how long a message may lie in an agent's queue before it comes back as a dead letter.
    `lease_s`: how long a silent worker keeps its attempt; several heartbeats of five seconds fit in.
    `grace_s`: added to every timeout, so that a worker's own timeout always speaks first.
    `sweep_s`: how long a lost nudge, or a lost process, can delay anything.
    `republish_s`: how long a publish may stay unconfirmed before it is sent again.
    `batch`: reports settled in one transaction at most.
    """

    window: Window = field(default_factory=Window)
    dispatch_ttl_s: float = 60.0
    lease_s: float = 30.0
    grace_s: float = 15.0
    sweep_s: float = 10.0
    republish_s: float = 5.0
    batch: int = 200

    def dispatch_due(self, node: Node, now: datetime, *, says_started: bool) -> datetime:
        """When an attempt without any news is taken for lost: soon after its message has expired, or, at a listener
        that never says `started`, when it could have taken the message at the last moment and used its timeout."""
        works_s = 0.0 if says_started else node.timeout_s
        return now + timedelta(seconds=self.dispatch_ttl_s + works_s + self.grace_s)

    def run_due(self, node: Node, now: datetime) -> datetime:
        """When a started attempt has used up its timeout."""
        return now + timedelta(seconds=node.timeout_s + self.grace_s)

    def lease_until(self, now: datetime) -> datetime:
        """The end of a lease given or extended now."""
        return now + timedelta(seconds=self.lease_s)
