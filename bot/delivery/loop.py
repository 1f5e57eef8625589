"""Shows tasks where they came from: the newest card, what a person has to decide, and the answer once.

What is shown is one thing, what was done another: a platform that is down delays this loop and nothing else. Every
place is served by itself, so a chat that is slow or flooded delays no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from contextlib import suppress
from functools import partial
from typing import NoReturn

import structlog

from bot.delivery.board import Board, Desk
from bot.delivery.clerk import USUAL, Bot, Clerk, DeliverySettings, Outside
from bot.delivery.rests import rests_of
from domain.errors import Malformed, Misconfigured, StoreDown, Unavailable
from domain.messages import Nudge
from domain.ports import Arrival
from domain.task import Task

log = structlog.get_logger()

PAUSE_S = 1.0  # while the broker is away


class DeliveryLoop:
    """Delivers for one bot; only one process may, for each bot.

    Args:
        outside: what is to be shown and has been; what wakes the loop; time and chance.
        bot: where it is shown, and how fast.
        settings: the numbers.
    """

    def __init__(self, outside: Outside, bot: Bot, settings: DeliverySettings = USUAL) -> None:
        self._store = outside.store
        self._bus = outside.bus
        self._clock = outside.clock
        self._platform = bot.platform
        self._governor = bot.governor
        self._settings = settings
        self._board = Board()
        self._clerk = Clerk(outside, bot, self._board, settings)
        self._awake = asyncio.Event()

    async def run(self) -> NoReturn:
        """Deliver until cancelled. Raises Misconfigured when the platform refuses the token."""
        refused: Misconfigured | None = None
        await self._recall_rests()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._nudges(group))
                group.create_task(self._sweeps(group))
        except* Misconfigured as errors:
            refused = _first(errors)
        raise refused or AssertionError("the loops never end")

    async def _recall_rests(self) -> None:
        """What the process before this one was told, counts for this one."""
        name, bot_id = self._platform.name, self._platform.bot_id
        while True:
            reading = partial(rests_of, platform=name, bot_id=bot_id, now=self._clock.now())
            try:
                rests = await self._store.transact(reading)
            except StoreDown as error:
                log.warning("delivery_waits", platform=name, error=str(error), cause=repr(error.__cause__))
                await self._clock.sleep(PAUSE_S)
                continue
            for place, seconds in rests:
                self._governor.flooded(place, seconds)
            return

    # --- hearing of news ----------------------------------------------------------------------------------------------

    async def _nudges(self, group: asyncio.TaskGroup) -> None:
        while True:
            try:
                async with self._bus.nudges("changed", "settled", "answered", "draft") as nudges:
                    self._awake.set()  # for what happened before anybody listened
                    while True:
                        await self._hear(await nudges.batch(self._settings.limit), group)
            except Unavailable as error:
                log.warning("delivery_hears_nothing", error=str(error), cause=repr(error.__cause__))
                await self._clock.sleep(PAUSE_S)

    async def _hear(self, arrivals: Iterable[Arrival[Nudge]], group: asyncio.TaskGroup) -> None:
        changed: dict[str, None] = {}
        for arrival in arrivals:
            nudge = arrival.message
            if isinstance(nudge, Malformed):
                continue
            if nudge.kind == "draft":  # it is in no row: what is lost is lost
                self._have_served(self._board.draft(nudge.task_id, nudge.text), group)
            else:
                changed[nudge.task_id] = None
        if changed:
            await self._glance(changed, group)

    async def _glance(self, ids: Collection[str], group: asyncio.TaskGroup) -> None:
        """Look at these tasks, whoever's they are."""
        try:
            tasks = await self._store.transact(lambda uow: [uow.tasks.peek(task_id) for task_id in ids])
        except StoreDown as error:
            log.warning("delivery_waits", platform=self._platform.name, error=str(error), cause=repr(error.__cause__))
            return  # the next sweep finds them
        for task in tasks:
            if task is not None and self._is_ours(task):
                self._have_served(self._board.hear(task, self._clock.now()), group)

    def _is_ours(self, task: Task) -> bool:
        return (task.route.platform, task.route.bot_id) == (self._platform.name, self._platform.bot_id)

    async def _sweeps(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._awake.clear()
            await self._sweep(group)
            await self._clerk.keep_rests()
            self._governor.tidy()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.sweep_s):
                    await self._awake.wait()

    async def _sweep(self, group: asyncio.TaskGroup) -> None:
        """Look at all that the rows say is owed, beside what is known already."""
        name, bot_id, limit = self._platform.name, self._platform.bot_id, self._settings.limit + len(self._board)
        try:
            pending = await self._store.transact(lambda uow: uow.deliveries.pending(name, bot_id, limit))
        except StoreDown as error:
            log.warning("delivery_waits", platform=name, error=str(error), cause=repr(error.__cause__))
            return
        for delivery in pending:
            desk = self._board.hear(delivery.task, self._clock.now(), delivery.platform_message_id)
            self._have_served(desk, group)

    def _have_served(self, desk: Desk | None, group: asyncio.TaskGroup) -> None:
        if desk is not None and not desk.is_served:
            desk.is_served = True
            group.create_task(self._clerk.serve(desk))


def _first(errors: ExceptionGroup[Misconfigured]) -> Misconfigured:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Misconfigured)  # noqa: S101 -- a group of them holds nothing else
    return error
