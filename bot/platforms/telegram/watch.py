"""Whether receiving goes well. Trouble is told once when it begins and once when it ends; what cannot get better is
the end.

Of two who poll with one token, Telegram ends the call of whoever was there first, so each ends the other's in turn; a
process that hands over to another of ours is seen as well, for a moment. Whoever met the other right after its own
start is the newcomer, and gives up early.
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime, timedelta

import structlog
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot.platforms.telegram.faults import token_refused
from domain.errors import Misconfigured
from domain.ports import Clock

log = structlog.get_logger()

NEWCOMER = timedelta(seconds=3)  # alone for longer: the other one is new, for it is met a second after its start
WITHIN = timedelta(seconds=60)
FEW, MANY = 3, 7  # conflicts within that time: for a newcomer, and for who was there before


class Watch:
    """Judges how calls for updates end.

    Args:
        clock: the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_at: datetime | None = None
        self._away_since: datetime | None = None
        self._conflicts: deque[datetime] = deque()
        self._is_newcomer: bool | None = None
        self._end: asyncio.Future[Misconfigured] = asyncio.get_running_loop().create_future()

    @property
    def is_over(self) -> bool:
        """Nothing more will come."""
        return self._end.done()

    async def over(self) -> Misconfigured:
        """Why it is over, once it is."""
        return await asyncio.shield(self._end)

    def begin(self) -> None:
        """A call is about to be made."""
        self._began_at = self._began_at or self._clock.now()

    def well(self) -> None:
        """A call brought what there was, or nothing."""
        if self._away_since is not None:
            seconds = (self._clock.now() - self._away_since).total_seconds()
            log.info("telegram_back", seconds=round(seconds, 1))
            self._away_since = None

    def failed(self, error: TelegramError) -> None:
        """A call ended with this."""
        if isinstance(error, InvalidToken):
            self._finish(token_refused())
        elif isinstance(error, Conflict):
            self._conflict()
        elif self._away_since is None:
            self._away_since = self._clock.now()
            wait = {"retry_after_s": str(error.retry_after)} if isinstance(error, RetryAfter) else {}
            log.warning("telegram_away", error=type(error).__name__, detail=error.message, **wait)

    def taken_over(self) -> None:
        """Another program receives with this token."""
        self._finish(Misconfigured("chat.two_pollers", platform="Telegram"))

    def _conflict(self) -> None:
        now = self._clock.now()
        while self._conflicts and now - self._conflicts[0] > WITHIN:
            self._conflicts.popleft()
        if not self._conflicts:
            log.warning("telegram_conflict", detail="another program asks for updates with this token")
        if self._is_newcomer is None:
            self._is_newcomer = now - (self._began_at or now) <= NEWCOMER
        self._conflicts.append(now)
        if len(self._conflicts) >= (FEW if self._is_newcomer else MANY):
            self.taken_over()

    def _finish(self, why: Misconfigured) -> None:
        if not self._end.done():
            self._end.set_result(why)
