"""How fast one chat may be written to: pure decisions over buckets of turns. Times are seconds of one clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from bot.platform import Pace

BURST = 3.0  # messages at once in a private chat: short bursts pass (core.telegram.org/bots/faq)
AT_ONCE = 0.25  # of what a minute of a group allows; the rest comes evenly, so that no 60 s see more than the minute
OVERALL_AT_ONCE = 0.2  # of what a second allows in all chats
SLOWEST = 16.0
FASTER = 0.95  # after every message that was taken
UNLEARNT_S = 3600.0  # a chat that was slow so long ago starts anew
NEARLY = 1e-6  # turns; what is missing less is there: clocks are not that exact


class Urgency(IntEnum):
    """Who goes first, in a chat and over all chats."""

    FINAL = 0  # an answer
    ASK = 1  # a question or an approval, which a person is to see
    REPLY = 2  # what somebody just asked for
    CARD = 3  # that a request was taken
    EDIT = 4  # that something has changed
    TIME = 5  # that time has passed


_LEFT = {
    Urgency.FINAL: 0.0,
    Urgency.ASK: 0.25,
    Urgency.REPLY: 0.25,
    Urgency.CARD: 0.5,
    Urgency.EDIT: 0.75,
    Urgency.TIME: 1.0,
}
"""The share of a full bucket that a turn of each urgency leaves for those more urgent: edits only take what would run
over, so that however many there are, an answer finds its turn."""


@dataclass(slots=True)
class Bucket:
    """Turns that come back evenly, `per_s`, up to `size`."""

    size: float
    per_s: float
    level: float
    at: float

    def wait_s(self, now: float, urgency: Urgency) -> float:
        """Seconds until a turn of this urgency can be taken."""
        needed = 1.0 + _LEFT[urgency] * (self.size - 1.0)
        missing = needed - self.held(now)
        return missing / self.per_s if missing > NEARLY else 0.0

    def held(self, now: float) -> float:
        """How many turns there are."""
        return min(self.size, self.level + max(0.0, now - self.at) * self.per_s)

    def change(self, now: float, by: float) -> None:
        """Take turns out, or put them back."""
        self.level, self.at = min(self.size, self.held(now) + by), max(now, self.at)

    def go_at(self, now: float, per_s: float) -> None:
        """Fill at another rate from now on."""
        self.change(now, 0.0)
        self.per_s = per_s


def bucket_of(size: float, per_s: float, now: float) -> Bucket:
    """A full one."""
    return Bucket(size=max(1.0, size), per_s=per_s, level=max(1.0, size), at=now)


def overall_bucket(pace: Pace, now: float) -> Bucket | None:
    """That of all chats together; None where there is no limit. No second sees more turns than the pace allows."""
    if not pace.overall_per_s:
        return None
    per_s = pace.overall_per_s * (1 - OVERALL_AT_ONCE)
    return bucket_of(pace.overall_per_s * OVERALL_AT_ONCE, per_s, now)


def _chat_bucket(pace: Pace, now: float, *, is_group: bool) -> Bucket | None:
    if is_group and pace.group_per_minute:
        per_s = pace.group_per_minute * (1 - AT_ONCE) / 60.0
        return bucket_of(pace.group_per_minute * AT_ONCE, per_s, now)
    spacing_s = pace.group_s if is_group else pace.private_s
    return bucket_of(BURST, 1.0 / spacing_s, now) if spacing_s else None


class Lane:
    """The pace of one chat, and what was learnt of it."""

    def __init__(self, pace: Pace, now: float, *, is_group: bool) -> None:
        self.is_group = is_group
        self._bucket = _chat_bucket(pace, now, is_group=is_group)
        self._per_s = self._bucket.per_s if self._bucket else 0.0
        self._spacing_s = pace.group_s if is_group else pace.private_s
        self._edit_from = now
        self._slowness = 1.0
        self._used_at = now
        self.rests_until = 0.0

    def wait_s(self, now: float, urgency: Urgency) -> float:
        """Seconds until this chat may be written to."""
        waits = [self.rests_until - now]
        if self._bucket is not None:
            waits.append(self._bucket.wait_s(now, urgency))
        if urgency >= Urgency.EDIT:
            waits.append(self._edit_from - now)
        return max(0.0, *waits)

    def take(self, now: float, urgency: Urgency) -> None:
        """Somebody writes."""
        self._used_at = now
        if self._bucket is not None:
            self._bucket.change(now, -1.0)
        if urgency >= Urgency.EDIT:
            self._edit_from = now + self._spacing_s * self._slowness

    def put_back(self, now: float) -> None:
        """Nobody wrote after all."""
        if self._bucket is not None:
            self._bucket.change(now, 1.0)
        self._edit_from = now

    def flooded(self, now: float, retry_after_s: float) -> None:
        """The platform wants it left alone: it rests exactly so long, and goes at half the pace afterwards."""
        is_news = now >= self.rests_until  # else somebody else was on the way as well
        self.rests_until = max(self.rests_until, now + retry_after_s)
        if is_news:
            self._go(now, min(SLOWEST, 2.0 * self._slowness))
        if self._bucket is not None:
            self._bucket.level, self._bucket.at = 1.0, self.rests_until

    def learn(self, other: Lane, now: float) -> None:
        """Take over what was learnt of the same chat by another."""
        if other.rests_until > now:
            self.flooded(now, other.rests_until - now)
        self._go(now, other._slowness)

    def went_well(self, now: float) -> None:
        """What was written was taken."""
        if self._slowness > 1.0:
            self._go(now, max(1.0, FASTER * self._slowness))

    def is_idle(self, now: float) -> bool:
        """Whether a new one would be the same."""
        is_learnt = self._slowness > 1.0 and now - self._used_at < UNLEARNT_S
        return not is_learnt and self.wait_s(now, Urgency.TIME) == 0.0

    def _go(self, now: float, slowness: float) -> None:
        self._slowness = slowness
        if self._bucket is not None:
            self._bucket.go_at(now, self._per_s / slowness)
