"""Flood control: how many messages and edits a bot may make, and what happens to one that does not wait.

Telegram publishes no exact numbers; these are those of its FAQ: about one message a second in one chat (short bursts
pass), 20 a minute in one group, about 30 a second over all chats.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

Key = tuple[Any, ...]
OVERALL: Key = ("overall",)
_MAX_RETRY_S = 3600


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Seconds and messages. Within `grace_s` of a refusal other calls may have been under way already."""

    private_per_s: float = 1.0
    private_burst: int = 4
    group_per_minute: int = 20
    overall_per_s: float = 30.0
    overall_burst: int = 30
    grace_s: float = 0.05
    growth: float = 2.0


UNLIMITED = Limits(private_per_s=1e9, private_burst=10**9, group_per_minute=10**9, overall_per_s=1e9)


@dataclass(slots=True)
class _Bucket:
    """Generic cell rate: `full_at` is when the bucket would be empty of messages again."""

    interval_s: float
    burst: int
    free_at: float = 0.0

    def wait(self, now: float) -> float:
        return max(0.0, self.free_at - (self.burst - 1) * self.interval_s - now)

    def take(self, now: float, cost: int) -> None:
        self.free_at = max(now, self.free_at) + self.interval_s * cost


@dataclass(slots=True)
class _Window:
    """So many within a minute."""

    most: int
    times: deque[float] = field(default_factory=deque)

    def wait(self, now: float) -> float:
        while self.times and self.times[0] <= now - 60:
            self.times.popleft()
        if len(self.times) < self.most:
            return 0.0
        return self.times[len(self.times) - self.most] + 60 - now

    def take(self, now: float, cost: int) -> None:
        self.times.extend([now] * cost)


@dataclass(slots=True)
class _Ban:
    """A refusal that is still in force. `first_s` doubles with everyone who does not wait."""

    since: float
    until: float
    first_s: float
    refused: set[int]
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Wait so long. `is_ignored`: the client had been told before and did not."""

    retry_after: int
    is_ignored: bool


class Flood:
    """The buckets of all chats, and the bans that came of them. Times are seconds."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._buckets: dict[Key, _Bucket | _Window] = {
            OVERALL: _Bucket(1 / limits.overall_per_s, limits.overall_burst),
        }
        self._bans: dict[Key, _Ban] = {}

    def ban(self, key: Key, now: float, seconds: float, fingerprint: int) -> None:
        """Refuse everything at `key` for `seconds`."""
        self._bans[key] = _Ban(now, now + seconds, seconds, {fingerprint})

    def refuse(self, key: Key, now: float, fingerprint: int) -> Refusal | None:
        """A ban at `key` that is in force; calling before its end makes it longer."""
        ban = self._bans.get(key)
        if ban is None:
            return None
        if now >= ban.until:
            del self._bans[key]
            return None
        is_under_way = now - ban.since <= self.limits.grace_s and fingerprint not in ban.refused
        ban.refused.add(fingerprint)
        if not is_under_way:
            ban.ignored += 1
            ban.until = now + min(_MAX_RETRY_S, ban.first_s * self.limits.growth**ban.ignored)
        return Refusal(max(1, math.ceil(ban.until - now)), not is_under_way)

    def spend(self, key: Key, *, is_group: bool, now: float, cost: int, fingerprint: int) -> Refusal | None:
        """Take `cost` messages out of the chat's bucket and the common one, or refuse."""
        for at in (OVERALL, key):
            if refusal := self.refuse(at, now, fingerprint):
                return refusal
        own = self._bucket(key, is_group=is_group)
        for at, bucket in ((key, own), (OVERALL, self._buckets[OVERALL])):
            wait = bucket.wait(now)
            if wait > 1e-9:
                seconds = max(1, math.ceil(wait - 1e-9))
                self.ban(at, now, seconds, fingerprint)
                return Refusal(seconds, is_ignored=False)
        own.take(now, cost)
        self._buckets[OVERALL].take(now, cost)
        return None

    def _bucket(self, key: Key, *, is_group: bool) -> _Bucket | _Window:
        bucket = self._buckets.get(key)
        if bucket is None:
            limits = self.limits
            bucket = (
                _Window(limits.group_per_minute)
                if is_group
                else _Bucket(1 / limits.private_per_s, limits.private_burst)
            )
            self._buckets[key] = bucket
        return bucket
