"""Work that an arrival starts: each on its own, or in order per chat; none of it brings the others down."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger()

Errand = Callable[[], Coroutine[Any, Any, None]]


class Errands:
    """Runs them in a TaskGroup of its owner's, who lives as long as they do."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._running: set[asyncio.Task[None]] = set()
        self._is_over = False

    def start(self, errand: Errand) -> None:
        """Run one by itself; what comes after the end is left to whoever receives next."""
        if self._is_over:
            return
        task = self._group.create_task(_run(errand))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def cancel(self) -> None:
        """End them all, and begin no more."""
        self._is_over = True
        for task in self._running:
            task.cancel()


class Lanes:
    """Runs errands of the same key one after another, in the order they came."""

    def __init__(self, errands: Errands) -> None:
        self._errands = errands
        self._waiting: dict[str, deque[Errand]] = {}
        self._going: set[str] = set()
        self._is_held = False

    def queue(self, key: str, errand: Errand) -> None:
        """Run it after what came before it under this key."""
        self._waiting.setdefault(key, deque()).append(errand)
        self._go(key)

    def queue_first(self, key: str, errand: Errand) -> None:
        """Run it before what waits under this key."""
        self._waiting.setdefault(key, deque()).appendleft(errand)
        self._go(key)

    def hold(self) -> None:
        """Start nothing more, for now; what runs goes on."""
        self._is_held = True

    def release(self) -> None:
        """Go on."""
        self._is_held = False
        for key in list(self._waiting):
            self._go(key)

    def _go(self, key: str) -> None:
        if not self._is_held and key not in self._going:
            self._going.add(key)
            self._errands.start(lambda: self._drive(key))

    async def _drive(self, key: str) -> None:
        try:
            while not self._is_held and (errand := self._next(key)) is not None:
                await _run(errand)
        finally:
            self._going.discard(key)

    def _next(self, key: str) -> Errand | None:
        waiting = self._waiting.get(key)
        if not waiting:
            self._waiting.pop(key, None)
            return None
        return waiting.popleft()


async def _run(errand: Errand) -> None:
    try:
        await errand()
    except Exception:  # the outermost edge of one arrival: the others are taken all the same
        log.exception("discord_errand_failed")
