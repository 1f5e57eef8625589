"""An answer while it is being written: what a model has finished so far, on its way to the card."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

from aggregator.reply import finished, passages
from domain.messages import Nudge
from domain.ports import Clock, ControlBus
from domain.task import Task

EVERY_S = 0.5
LENGTH = 1500  # characters of the end that are sent

Write = Callable[[str], None]
"""Takes the answer so far; the newest counts."""


class Draft:
    """Listens to a model (`domain.ports.Listener`), and writes down every statement that is complete.

    Args:
        task: whose answer it is.
        write: hears the answer so far.
    """

    has_acted = False  # a draft binds nobody

    def __init__(self, task: Task, write: Write) -> None:
        self._task = task
        self._write = write
        self.restarted()

    def restarted(self) -> None:
        """Begin anew."""
        self._text, self._at = "", 0
        self._entries: list[Any] = []

    def heard(self, piece: str) -> None:
        """The next piece; only a brace can end a statement."""
        self._text += piece
        if "}" not in piece:
            return
        fresh, self._at = finished(self._text, self._at)
        if fresh:
            self._entries += fresh
            self._write("\n".join(statement.text for statement in passages(self._entries, self._task)))


class DraftPost:
    """Sends the newest draft of one answer, not more often than every EVERY_S seconds. Losing one loses nothing."""

    def __init__(self, task_id: str, bus: ControlBus, clock: Clock) -> None:
        self._task_id = task_id
        self._bus = bus
        self._clock = clock
        self._text = ""
        self._news = asyncio.Event()

    def write(self, text: str) -> None:
        """Have this sent, instead of what was not sent yet."""
        if text:
            self._text = text
            self._news.set()

    async def run(self) -> NoReturn:
        """Send until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self._bus.nudge([Nudge(kind="draft", task_id=self._task_id, text=self._text[-LENGTH:])])
            await self._clock.sleep(EVERY_S)
