"""Whose turn it is to write, so that a bot never writes faster than its platform lets it.

Two buckets decide: the chat's own and that of all chats. A less urgent turn leaves a reserve in both for more urgent
ones, and among those that wait the most urgent goes first. What a flooded chat has to wait, it waits alone.
"""

from __future__ import annotations

import asyncio
import math
from bisect import insort
from collections import OrderedDict
from datetime import UTC, datetime
from itertools import islice
from types import TracebackType

from bot.lane import Lane, Urgency, overall_bucket
from bot.pause import pause
from bot.platform import Pace
from domain.errors import Flooded
from domain.ports import Clock
from domain.task import Place

__all__ = ["Governor", "Turn", "Urgency"]

AT_ONCE = 64  # calls under way in all chats
PATIENCE_S = 2.0  # what a person waits for has waited long enough then, and goes like an answer
_WAITED_FOR = frozenset({Urgency.ASK, Urgency.REPLY, Urgency.CARD})

_Chat = tuple[str, str, str]


class _Queue:
    """Turns that wait, the most urgent first, then the longest waiting."""

    def __init__(self) -> None:
        self._turns: list[Turn] = []

    def __len__(self) -> int:
        return len(self._turns)

    def __contains__(self, turn: object) -> bool:
        return turn in self._turns

    @property
    def first(self) -> Turn | None:
        return self._turns[0] if self._turns else None

    def join(self, turn: Turn) -> None:
        if turn not in self._turns:
            insort(self._turns, turn, key=_order)

    def leave(self, turn: Turn) -> None:
        """Let go; if others stood behind it, the next one is called."""
        if turn in self._turns:
            was_first = self._turns[0] is turn
            self._turns.remove(turn)
            if was_first:
                self.call()

    def call(self) -> None:
        """Have the first one look whether it may go."""
        if self._turns:
            self._turns[0].woken.set()


class _Chatting:
    """One chat with who waits and who writes there."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.waiting = _Queue()
        self.is_taken = False

    def join(self, turn: Turn) -> None:
        """Wait here; whoever was first has a look whether that still is so."""
        self.waiting.call()
        self.waiting.join(turn)

    def is_idle(self, now: float) -> bool:
        return not self.is_taken and not self.waiting and self.lane.is_idle(now)


class Turn:
    """A turn to write in one chat: `async with` waits for it, and has the chat alone until the block ends.

    A Flooded that leaves the block is noted, and makes the chat rest. Made by `Governor.sending`. `rank` is how urgent
    it has become by waiting.
    """

    def __init__(self, governor: Governor, where: tuple[Place, bool], urgency: Urgency, number: int) -> None:
        self.urgency = self.rank = urgency
        self.number = number
        self.where = where
        self.woken = asyncio.Event()
        self.is_used = True
        self._governor = governor
        self._chat: _Chatting | None = None

    async def __aenter__(self) -> Turn:
        self._chat = await self._governor.begin(self)
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        if self._chat is not None:
            self._governor.end(self, self._chat, error)

    def hurry(self, urgency: Urgency) -> None:
        """What is to be written has become more urgent, or less. Counts while the turn is waited for."""
        if urgency != self.urgency:
            self._governor.move(self, urgency)

    def unused(self) -> None:
        """Nothing was written after all: the next one need not wait for it."""
        self.is_used = False


class Governor:
    """The pace of one bot; shared by all who write for it.

    Args:
        pace: how fast its platform lets it write.
        clock: the time.
    """

    def __init__(self, pace: Pace, clock: Clock) -> None:
        self._pace = pace
        self._clock = clock
        self._overall = overall_bucket(pace, self._now())
        self._chats: OrderedDict[_Chat, _Chatting] = OrderedDict()  # the least recently used first
        self._line = _Queue()  # those whose chat is ready
        self._rests: dict[Place, datetime] = {}
        self._under_way = 0
        self._count = 0

    @property
    def known(self) -> int:
        """How many chats it keeps something about."""
        return len(self._chats)

    def sending(self, place: Place, urgency: Urgency, *, is_group: bool) -> Turn:
        """A turn to write there. Threads of a chat share its pace, as they do on the platforms."""
        self._count += 1
        return Turn(self, (place, is_group), urgency, self._count)

    async def turn(self, place: Place, urgency: Urgency, *, is_group: bool) -> None:
        """Wait for a turn, and let go of it at once: for whoever reports by `flooded` how it ended."""
        self._free(await self.begin(self.sending(place, urgency, is_group=is_group)))

    def flooded(self, place: Place, retry_after_s: float) -> None:
        """The platform refused to be written to there: nothing is, before so many seconds are over."""
        chat = self._chats.get(_key(place)) or self._chat(place, is_group=False)
        self._rest(place, chat, retry_after_s)

    def unkept(self) -> list[tuple[Place, datetime]]:
        """Which chats rest until when, as far as that is news: for whoever remembers it beyond this process."""
        told, self._rests = self._rests, {}
        return list(told.items())

    def spare(self, place: Place, *, is_group: bool) -> bool:
        """Whether something that nobody misses and that is no message may go there right now."""
        chat, now = self._chat(place, is_group=is_group), self._now()
        is_free = not (chat.is_taken or chat.waiting or self._line) and now >= chat.lane.rests_until
        if is_free and self._overall is not None:
            is_free = self._overall.wait_s(now, Urgency.TIME) == 0.0
            self._overall.change(now, -1.0 if is_free else 0.0)
        return is_free

    # --- for Turn -----------------------------------------------------------------------------------------------------

    async def begin(self, turn: Turn) -> _Chatting:
        """Wait until it is this one's turn; the chat is taken then."""
        place, is_group = turn.where
        chat = self._chat(place, is_group=is_group)
        chat.join(turn)
        patient_until = self._now() + PATIENCE_S
        try:
            while (wait_s := self._left_s(turn, chat)) > 0.0:
                turn.woken.clear()
                await pause(self._clock, min(wait_s, self._patience_s(turn, patient_until)), turn.woken)
                if turn.urgency in _WAITED_FOR and self._now() >= patient_until:
                    self._resort(turn, Urgency.FINAL)
            self._take(chat, turn.urgency)
        finally:
            chat.waiting.leave(turn)
            self._line.leave(turn)
        return chat

    def end(self, turn: Turn, chat: _Chatting, error: BaseException | None) -> None:
        """Note how it went, and let others go on."""
        if isinstance(error, Flooded):
            self._rest(turn.where[0], chat, error.retry_after_s)
        elif not turn.is_used:
            self._put_back(chat)
        elif error is None:
            chat.lane.went_well(self._now())
        self._free(chat)

    def move(self, turn: Turn, urgency: Urgency) -> None:
        """Change how urgent a turn is, as long as it is waited for."""
        chat = self._chats.get(_key(turn.where[0]))
        if chat is not None and turn in chat.waiting:
            turn.urgency = urgency
            self._resort(turn, urgency)
            turn.woken.set()

    def _resort(self, turn: Turn, rank: Urgency) -> None:
        """Stand where one of this rank stands."""
        if turn.rank is rank:
            return
        waiting = self._chats[_key(turn.where[0])].waiting
        waiting.leave(turn)
        self._line.leave(turn)
        turn.rank = rank
        waiting.call()
        waiting.join(turn)

    def _patience_s(self, turn: Turn, until: float) -> float:
        is_counted = turn.urgency in _WAITED_FOR and turn.rank is not Urgency.FINAL
        return max(0.001, until - self._now()) if is_counted else math.inf

    # --- deciding -----------------------------------------------------------------------------------------------------

    def _left_s(self, turn: Turn, chat: _Chatting) -> float:
        """Seconds until this turn may be taken; `inf`: others have to go first, who will say when they did."""
        now = self._now()
        is_first = not chat.is_taken and chat.waiting.first is turn
        own_s = chat.lane.wait_s(now, turn.rank) if is_first else math.inf
        if own_s > 0.0:
            self._line.leave(turn)
            return own_s
        self._line.join(turn)
        if self._line.first is not turn or self._under_way >= AT_ONCE:
            return math.inf
        return self._overall.wait_s(now, turn.rank) if self._overall else 0.0

    def _take(self, chat: _Chatting, urgency: Urgency) -> None:
        now = self._now()
        chat.lane.take(now, urgency)
        chat.is_taken = True
        self._under_way += 1
        if self._overall is not None:
            self._overall.change(now, -1.0)

    def _put_back(self, chat: _Chatting) -> None:
        now = self._now()
        chat.lane.put_back(now)
        if self._overall is not None:
            self._overall.change(now, 1.0)

    def _rest(self, place: Place, chat: _Chatting, retry_after_s: float) -> None:
        chat.lane.flooded(self._now(), retry_after_s)
        self._rests[place] = datetime.fromtimestamp(chat.lane.rests_until, UTC)
        chat.waiting.call()

    def _free(self, chat: _Chatting) -> None:
        chat.is_taken = False
        self._under_way -= 1
        chat.waiting.call()
        self._line.call()
        self._forget(2)  # one more than can have come since the last time

    # --- chats --------------------------------------------------------------------------------------------------------

    def _chat(self, place: Place, *, is_group: bool) -> _Chatting:
        key, now = _key(place), self._now()
        chat = self._chats.get(key)
        if chat is None:
            self._chats[key] = chat = _Chatting(Lane(self._pace, now, is_group=is_group))
        elif chat.lane.is_group != is_group:  # it was heard of without saying what it is
            known, chat.lane = chat.lane, Lane(self._pace, now, is_group=is_group)
            chat.lane.learn(known, now)
        self._chats.move_to_end(key)
        return chat

    def tidy(self) -> None:
        """Forget every chat of which nothing is to be remembered."""
        self._forget(len(self._chats))

    def _forget(self, most: int) -> None:
        now = self._now()
        for key in list(islice(self._chats, most)):
            if self._chats[key].is_idle(now):
                del self._chats[key]
            else:
                self._chats.move_to_end(key)

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _key(place: Place) -> _Chat:
    return place.platform, place.bot_id, place.chat_id


def _order(turn: Turn) -> tuple[Urgency, int]:
    return turn.rank, turn.number
