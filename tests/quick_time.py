"""An event loop for what has neither sockets nor threads: its time jumps at once, so that days take seconds."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import selectors
from asyncio.events import TimerHandle
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


class _Nothing(selectors.DefaultSelector):
    """Nothing ever comes from outside."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return []


class QuickLoop(asyncio.SelectorEventLoop):
    """Starts at 0. Everything that is ready runs in order; then time is that of the next timer.

    The timers are in a heap of its own, and a turn looks at nothing else: that is most of its speed.
    """

    _ready: deque[asyncio.Handle]

    def __init__(self) -> None:
        super().__init__(_Nothing())
        self._now = 0.0
        self._timers: list[tuple[float, int, TimerHandle]] = []
        self._numbers = itertools.count()

    def time(self) -> float:
        return self._now

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        timer = TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Threads are played: what they would do is done on the spot."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 -- whatever it is, it belongs to whoever waits
            future.set_exception(error)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- as in asyncio
        """There is none."""

    def _run_once(self) -> None:
        ready = self._ready
        if not ready:
            self._jump()
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def _jump(self) -> None:
        while self._timers:
            when, _, timer = heapq.heappop(self._timers)
            if not timer.cancelled():
                self._now = max(self._now, when)
                self._ready.append(timer)
                return
        raise AssertionError("everybody waits for ever")


def quickly(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `main` in quick time."""
    with asyncio.Runner(loop_factory=QuickLoop) as runner:
        return runner.run(main())
