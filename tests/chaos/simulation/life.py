"""Processes on one virtual clock: they end at any await, without a last word, and come back."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from tests.chaos.simulation.chance import Chance

log = structlog.get_logger()

_LIFE: contextvars.ContextVar[Life | None] = contextvars.ContextVar("life", default=None)

Main = Callable[["Life"], Coroutine[Any, Any, None]]


class Life:
    """One incarnation of a process, from its start to its end.

    Args:
        name: of the process.
        chance: all chance in the world.
        risk: the odds of ending at one await.
    """

    def __init__(self, name: str, chance: Chance, risk: float) -> None:
        self.name = name
        self.chance = chance
        self.is_over = False
        self.on_end: list[Callable[[], None]] = []
        self.leaves: Callable[[], Coroutine[Any, Any, None]] | None = None  # in good order, if it can
        self._risk = risk
        self._thaws_at = 0.0
        self._tasks: set[asyncio.Task[Any]] = set()

    async def point(self) -> None:
        """Where the process reaches out: it takes a moment, and may be the last thing the process does.

        Raises CancelledError when it was.
        """
        if (moment := self.chance.random.random()) < 0.5:
            await asyncio.sleep(moment * 0.04)
        while (frozen_s := self._thaws_at - asyncio.get_running_loop().time()) > 0:  # noqa: ASYNC110 -- frozen again
            await asyncio.sleep(frozen_s)
        self.may_end()

    def may_end(self) -> None:
        """The same without taking any time."""
        if not self.is_over and self.chance.goes_wrong(self._risk):
            self.end()
        if self.is_over:
            raise asyncio.CancelledError

    def freeze(self, seconds: float) -> None:
        """Nothing gets out for so long; then everything goes on as if nothing had been."""
        self._thaws_at = asyncio.get_running_loop().time() + seconds

    @property
    def is_frozen(self) -> bool:
        return self._thaws_at > asyncio.get_running_loop().time()

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Have a task end with this life."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.is_over:
            task.cancel()

    def end(self) -> None:
        """As by kill -9: what its tasks still do on their way out reaches nobody."""
        if not self.is_over:
            log.info("process_ends", process=self.name)
            self.is_over = True
            for left in self.on_end:
                left()
            for task in list(self._tasks):
                task.cancel()


class Process:
    """Lives again and again.

    Args:
        name: what it is called.
        main: what one life of it does; given that life.
        chance: all chance in the world.
        risk: the odds of ending at one await.
    """

    def __init__(self, name: str, main: Main, chance: Chance, risk: float) -> None:
        self.name = name
        self.deaths = 0
        self.failures: list[str] = []
        self._main = main
        self._chance = chance
        self._risk = risk
        self._is_over = False
        self.start()

    def start(self) -> None:
        """Begin a life."""
        if self._is_over:
            return
        log.info("process_starts", process=self.name)
        self.life = Life(self.name, self._chance, self._risk)
        self.life.on_end.append(self._died)
        context = contextvars.Context()
        context.run(_LIFE.set, self.life)
        asyncio.get_running_loop().create_task(self._lived(self.life), context=context)

    def end(self) -> None:
        """End for good."""
        self._is_over = True
        self.life.end()

    async def _lived(self, life: Life) -> None:
        try:
            await self._main(life)
        except Exception as error:  # noqa: BLE001 -- the product's bug, whatever it is
            if not life.is_over:
                self.failures.append(f"{self.name} failed: {error!r}")
        life.end()

    def _died(self) -> None:
        self.deaths += 1
        asyncio.get_running_loop().call_later(self._chance.between(0.5, 8.0), self.start)


def owned(loop: asyncio.AbstractEventLoop) -> None:
    """Have every task belong to the life it was made in."""

    def made(loop: Any, coroutine: Any, *, context: Any = None) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=loop, context=context)
        life = _LIFE.get() if context is None else context.get(_LIFE)
        if life is not None:
            life.adopt(task)
        return task

    loop.set_task_factory(made)
