"""Rate limits: buckets per route, 50 a second overall, and what calling too early costs. Source: topics/rate-limits.

The sizes of the buckets are not documented, so that no bot relies on them; these are near what was observed."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from tests.discord_server.transcript import Call, Transcript
from tests.discord_server.world import Clock

_MESSAGES = "/channels/{channel_id}/messages"
_WEBHOOK = "/webhooks/{application_id}/{token}"
_COMMANDS = "/applications/{application_id}/commands"


@dataclass(slots=True, frozen=True)
class Bucket:
    name: str
    limit: int
    seconds: float


def usual_buckets() -> dict[str, Bucket]:
    """By route, as in `POST /channels/{channel_id}/messages`."""
    edits = Bucket("webhook-edit", 5, 5.0)
    sync = Bucket("commands", 5, 20.0)
    return {
        f"POST {_MESSAGES}": Bucket("message-create", 5, 5.0),
        f"PATCH {_MESSAGES}/{{message_id}}": Bucket("message-edit", 5, 5.0),
        f"DELETE {_MESSAGES}/{{message_id}}": Bucket("message-delete", 5, 1.0),
        f"GET {_MESSAGES}": Bucket("message-list", 5, 5.0),
        "POST /channels/{channel_id}/typing": Bucket("typing", 5, 5.0),
        "PUT " + _MESSAGES + "/{message_id}/reactions/{emoji}/@me": Bucket("reaction", 1, 0.25),
        "PATCH /channels/{channel_id}": Bucket("channel-edit", 5, 15.0),
        "POST /users/@me/channels": Bucket("dm-open", 10, 10.0),
        f"POST {_WEBHOOK}": Bucket("webhook-create", 5, 2.0),
        f"PATCH {_WEBHOOK}/messages/{{message_id}}": edits,
        f"PUT {_COMMANDS}": sync,
        f"POST {_COMMANDS}": sync,
    }


@dataclass(slots=True)
class _Window:
    ends: float
    used: int = 0


@dataclass(slots=True)
class _Block:
    """Until when a key answers 429, and when that was said first."""

    until: float
    since: float


@dataclass(slots=True, frozen=True)
class Verdict:
    """`retry_after` is set when the call is refused."""

    headers: dict[str, str] = field(default_factory=dict)
    retry_after: float | None = None
    is_global: bool = False
    is_banned: bool = False


class RateLimits:
    """`is_on` False: nothing is limited and no headers are sent. `grace_s`: requests that were already on their way
    when the 429 left are not held against the bot."""

    def __init__(self, clock: Clock, transcript: Transcript) -> None:
        self._clock = clock
        self._transcript = transcript
        self.is_on = True
        self.buckets = usual_buckets()
        self.global_per_second = 50
        self.max_invalid = 10_000
        self.grace_s = 0.25
        self._windows: dict[tuple[str, str], _Window] = {}
        self._blocks: dict[tuple[str, str], _Block] = {}
        self._global = _Window(0.0)
        self._invalid: deque[float] = deque()
        self._has_warned = False

    def admit(self, call: Call, major: str, *, counts_globally: bool) -> Verdict:
        """Whether a call may pass, and the headers its answer carries."""
        if not self.is_on:
            return self._while_off(call, major)
        now = self._now()
        if self._count_invalid(now) >= self.max_invalid:
            return Verdict(retry_after=600.0, is_banned=True)
        bucket = self.buckets.get(call.name)
        key = (call.name if bucket is None else bucket.name, major)
        for blocked, is_global in ((key, False), (("global", ""), True)):
            if is_global and not counts_globally:
                continue
            refused = self._still_blocked(call, blocked, now)
            if refused is not None:
                return Verdict(self._headers(bucket, key, now), refused, is_global)
        if counts_globally and not self._pass_globally(now):
            return Verdict({}, self._block(("global", ""), self._global.ends, now), is_global=True)
        if bucket is None:
            return Verdict()
        return self._take(bucket, key, now)

    def block(self, call: Call, major: str, retry_after: float, *, is_global: bool) -> None:
        """A 429 was made up for this call: calling again before `retry_after` is held against the bot."""
        bucket = self.buckets.get(call.name)
        key = ("global", "") if is_global else (call.name if bucket is None else bucket.name, major)
        self._block(key, self._now() + retry_after, self._now())

    def answered(self, status: int) -> None:
        """Count what Cloudflare counts: 401, 403 and 429; 10,000 in ten minutes bring a ban."""
        if status not in {401, 403, 429}:
            return
        now = self._now()
        self._invalid.append(now)
        if self._count_invalid(now) >= self.max_invalid * 0.9 and not self._has_warned:
            self._has_warned = True
            self._transcript.violated("invalid_requests", f"{len(self._invalid)} invalid requests in ten minutes")

    def _while_off(self, call: Call, major: str) -> Verdict:
        """Made-up 429s hold even then."""
        bucket = self.buckets.get(call.name)
        for key in ((call.name if bucket is None else bucket.name, major), ("global", "")):
            refused = self._still_blocked(call, key, self._now())
            if refused is not None:
                return Verdict({}, refused, key[0] == "global")
        return Verdict()

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _count_invalid(self, now: float) -> int:
        while self._invalid and self._invalid[0] <= now - 600:
            self._invalid.popleft()
        return len(self._invalid)

    def _still_blocked(self, call: Call, key: tuple[str, str], now: float) -> float | None:
        block = self._blocks.get(key)
        if block is None:
            return None
        if now >= block.until:
            del self._blocks[key]
            return None
        if now > block.since + self.grace_s:
            self._transcript.violated("called_during_429", f"{call.name} {block.until - now:.2f} s too early", call)
        return block.until - now

    def _block(self, key: tuple[str, str], until: float, now: float) -> float:
        self._blocks[key] = _Block(until, now)
        return until - now

    def _pass_globally(self, now: float) -> bool:
        if now >= self._global.ends:
            self._global = _Window(now + 1.0)
        self._global.used += 1
        return self._global.used <= self.global_per_second

    def _take(self, bucket: Bucket, key: tuple[str, str], now: float) -> Verdict:
        window = self._windows.get(key)
        if window is None or now >= window.ends:
            if len(self._windows) > 10_000:
                self._windows = {k: w for k, w in self._windows.items() if now < w.ends}
            window = self._windows[key] = _Window(now + bucket.seconds)
        window.used += 1
        refused = None if window.used <= bucket.limit else self._block(key, window.ends, now)
        return Verdict(self._headers(bucket, key, now), refused)

    def _headers(self, bucket: Bucket | None, key: tuple[str, str], now: float) -> dict[str, str]:
        window = self._windows.get(key)
        if bucket is None or window is None:
            return {}
        return {
            "X-RateLimit-Limit": str(bucket.limit),
            "X-RateLimit-Remaining": str(max(0, bucket.limit - window.used)),
            "X-RateLimit-Reset": f"{window.ends:.3f}",
            "X-RateLimit-Reset-After": rounded_up(window.ends - now),
            "X-RateLimit-Bucket": bucket.name,
        }


def rounded_up(seconds: float) -> str:
    """To the millisecond, never too short."""
    return f"{math.ceil(max(0.0, seconds) * 1000) / 1000:.3f}"
