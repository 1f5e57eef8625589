"""An event loop whose time jumps to the next timer when nothing else is left to do: hours of waiting take milliseconds,
with real sockets on loopback."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from tests.fakes import START

_SETTLE_S = 0.005  # what was sent over loopback arrives within that


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for sockets and `threads` only as long as they need; the rest of the wait is added to `jumped`."""

    jumped = 0.0
    threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0 or self.threads:
            return super().select(timeout)
        ready = super().select(min(timeout, _SETTLE_S))
        if not ready:
            self.jumped += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Starts at 0; real time does not count."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.jumped

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        self._jumping.threads += 1
        running = super().run_in_executor(executor, func, *args)
        running.add_done_callback(self._thread_ended)
        return running

    def _thread_ended(self, _future: asyncio.Future[Any]) -> None:
        self._jumping.threads -= 1


class LoopClock:
    """`domain.ports.Clock` that agrees with the running loop."""

    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def virtually(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `main` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
