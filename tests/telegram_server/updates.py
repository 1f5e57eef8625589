"""The queue of updates with the semantics of getUpdates: what is not confirmed comes again, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.telegram_server.model import Json
from tests.telegram_server.violations import ApiError

KEPT = timedelta(hours=24)
DEFAULT_TYPES = frozenset(
    [
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "business_connection",
        "business_message",
        "edited_business_message",
        "deleted_business_messages",
        "inline_query",
        "chosen_inline_result",
        "callback_query",
        "shipping_query",
        "pre_checkout_query",
        "purchased_paid_media",
        "poll",
        "poll_answer",
        "my_chat_member",
        "chat_join_request",
        "chat_boost",
        "removed_chat_boost",
        "managed_bot",
    ]
)
ALL_TYPES = DEFAULT_TYPES | {"chat_member", "message_reaction", "message_reaction_count"}
_OTHER_POLLER = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
_FUTURE = 10  # an offset that far behind the last update is taken for nonsense, as TDLib's queue does


@dataclass(slots=True, kw_only=True, eq=False)
class Update:
    """Something the bot shall hear of. It was handed out `deliveries` times, the last time at `delivered_at`."""

    id: int
    kind: str
    body: Json
    at: datetime
    queue: int = 0
    deliveries: int = 0
    delivered_at: datetime | None = None

    def deliver(self, at: datetime) -> Json:
        """Hand it out."""
        self.deliveries += 1
        self.delivered_at = at
        return self.json()

    def json(self) -> Json:
        return {"update_id": self.id, self.kind: self.body}


@dataclass(slots=True, kw_only=True, eq=False)
class Poll:
    """One getUpdates. `is_gone`: its client hung up; `on_conflict` is called when it ends somebody else's."""

    offset: int
    limit: int
    timeout_s: float
    is_gone: Callable[[], bool]
    on_conflict: Callable[[], None]
    woken: asyncio.Future[None] | None = None


@dataclass(eq=False)
class UpdateQueue:
    """Updates that are not confirmed, in order. `on_change` is called when there are more of them."""

    now: Callable[[], datetime]
    on_change: Callable[[], None]
    next_id: int = 100_000_001
    types: frozenset[str] = DEFAULT_TYPES
    pending: deque[Update] = field(default_factory=deque)
    recent: deque[Update] = field(default_factory=lambda: deque(maxlen=1000))
    _again: list[Update] = field(default_factory=list)
    _held: list[Update] | None = None
    _delays: deque[float] = field(default_factory=deque)
    _poll: Poll | None = None

    # --- what people and tests do -------------------------------------------------------------------------------

    def put(self, kind: str, body: Json, *, queue: int) -> Update | None:
        """A new update, if the bot wants its kind."""
        if kind not in self.types:
            return None
        update = Update(id=self.next_id, kind=kind, body=body, at=self.now(), queue=queue)
        self.next_id += 1
        self.recent.append(update)
        if self._delays:
            asyncio.get_running_loop().call_later(self._delays.popleft(), self._append, [update])
        elif self._held is not None:
            self._held.append(update)
        else:
            self._append([update])
        return update

    def repeat(self, last: int = 1, *, update_id: int | None = None) -> None:
        """Deliver the last so many updates, or one with that id, once more, even though they were confirmed."""
        chosen = [update for update in self.recent if update_id in (None, update.id)][-last:]
        self._again.extend(chosen)
        self.wake()

    def hold(self) -> None:
        """Keep new updates back until `release`."""
        self._held = self._held or []

    def release(self, order: Iterable[int] | None = None) -> None:
        """Let go what was held, in the `order` of these positions (None: as it came)."""
        held, self._held = self._held or [], None
        self._append([held[position] for position in order] if order is not None else held)

    def delay(self, seconds: float, times: int = 1) -> None:
        """The next `times` updates come that much later."""
        self._delays.extend([seconds] * times)

    # --- what the bot does --------------------------------------------------------------------------------------

    async def poll(self, poll: Poll) -> list[Json]:
        """getUpdates."""
        found = self.take(poll.offset, poll.limit)
        if found or not poll.timeout_s:
            return found
        if self.abort(_OTHER_POLLER):
            poll.on_conflict()
        poll.woken = asyncio.get_running_loop().create_future()
        self._poll = poll
        self.on_change()
        try:
            async with asyncio.timeout(poll.timeout_s):
                await poll.woken
        except TimeoutError:
            return []
        finally:
            if self._poll is poll:
                self._poll = None
        return [] if poll.is_gone() else self.take(poll.offset, poll.limit)

    def take(self, offset: int, limit: int) -> list[Json]:
        """Confirm what is below `offset`, hand out the rest."""
        self._expire()
        self.confirm(offset)
        again, self._again = self._again, []
        chosen = (again + [update for update in self.pending if update not in again])[:limit]
        return [update.deliver(self.now()) for update in chosen]

    def confirm(self, offset: int) -> None:
        if offset < 0:
            while len(self.pending) > -offset:
                self.pending.popleft()
        elif offset and offset <= self.next_id + _FUTURE and self.pending:
            self.pending = deque(update for update in self.pending if update.id >= offset)

    def clear(self) -> None:
        """Forget everything that waits."""
        self.pending.clear()
        self._again.clear()

    def abort(self, reason: str) -> bool:
        """End the call that waits, as a conflict; true if its client is still there."""
        poll, self._poll = self._poll, None
        if poll is None or poll.woken is None or poll.woken.done():
            return False
        poll.woken.set_exception(ApiError(409, reason))
        return not poll.is_gone()

    def wake(self) -> None:
        """Let the waiting call look again."""
        if self._poll and self._poll.woken and not self._poll.woken.done():
            self._poll.woken.set_result(None)
        self.on_change()

    @property
    def is_polled(self) -> bool:
        """Somebody waits in getUpdates, alive."""
        return self._poll is not None and not self._poll.is_gone()

    def take_again(self) -> list[Update]:
        """Those that are to be repeated, for a webhook."""
        again, self._again = self._again, []
        return again

    def _append(self, updates: list[Update]) -> None:
        self.pending.extend(updates)
        if updates:
            self.wake()

    def _expire(self) -> None:
        oldest = self.now() - KEPT
        while self.pending and self.pending[0].at < oldest:
            self.pending.popleft()
