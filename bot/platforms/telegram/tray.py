"""Updates that were handed out by Telegram and are not taken by the door yet. What lies here is never confirmed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

from telegram import Update

from bot.pause import pause
from domain.ports import Clock

Take = Callable[[Update], Awaitable[None]]

OVERTAKE_S = 1.0  # an update does not wait longer for the one before it in its chat


class Tray(asyncio.Queue[object]):
    """Stands where python-telegram-bot wants a queue; what is put in is taken at once, by a task of its own.

    In a chat one is taken after the other, as people wrote them; but one that does not come to an end holds up the next
    for `OVERTAKE_S` only, and other chats not at all.

    Args:
        group: owns the tasks.
        clock: for waiting.
        take: hands an update in; returns when it need not come again. Never raises.
    """

    def __init__(self, group: asyncio.TaskGroup, clock: Clock, take: Take) -> None:
        super().__init__()
        self._group = group
        self._clock = clock
        self._take = take
        self.taken = 0  # updates so far
        self._lying: Counter[int] = Counter()
        self._handed: set[int] = set()
        self._last: dict[int, asyncio.Event] = {}  # by chat: set when its newest update is taken
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def put(self, item: object) -> None:
        """Begin to take an update."""
        if isinstance(item, Update):
            self.begin(item)

    def begin(self, update: Update) -> asyncio.Task[None]:
        """Begin to take an update; the task ends when it is taken."""
        self._lying[update.update_id] += 1
        self._handed.add(update.update_id)
        task = self._group.create_task(self._taken(update))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def lowest(self) -> int | None:
        """The first update that is not taken yet: nothing from it on may be confirmed."""
        return min(self._lying, default=None)

    def is_new(self, update_id: int) -> bool:
        """It was not put in here since the tray was last empty."""
        return update_id not in self._handed

    def clear(self) -> None:
        """Everything was taken, and Telegram is about to be told."""
        self._handed.clear()

    async def settled(self, within_s: float) -> None:
        """Return when nothing lies here any more, or so many seconds later."""
        until = self._clock.now() + timedelta(seconds=within_s)
        while self._lying and (left_s := (until - self._clock.now()).total_seconds()) > 0:
            self._news.clear()
            await pause(self._clock, left_s, self._news)

    def drop(self) -> None:
        """Let go of what is not taken: it will come again."""
        for task in self._tasks:
            task.cancel()

    async def _taken(self, update: Update) -> None:
        mine, chat_id = asyncio.Event(), update.effective_chat.id if update.effective_chat else 0
        before, self._last[chat_id] = self._last.get(chat_id), mine
        try:
            if before is not None:
                await pause(self._clock, OVERTAKE_S, before)
            await self._take(update)
            self._gone(update.update_id)
        finally:
            mine.set()
            if self._last.get(chat_id) is mine:
                del self._last[chat_id]

    def _gone(self, update_id: int) -> None:
        self.taken += 1
        self._lying[update_id] -= 1
        if not self._lying[update_id]:
            del self._lying[update_id]
        self._news.set()
