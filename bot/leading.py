"""One process speaks for a bot at a time: a lease in the database, renewed while it lasts, given up when it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from domain.errors import StoreDown
from domain.ports import Clock, Store

log = structlog.get_logger()

LEASE_S = 10.0
PARTS = 4  # of a lease: one between renewals, at most one for each, and one to spare after two that failed
GOODBYE_S = 2.0  # for the database to hear that nobody leads


class Leadership:
    """Runs work only while this process holds a name.

    Args:
        store: where the lease is.
        clock: the time, of leases too: processes whose clocks differ by more than a quarter of a lease may overlap.
        name: what is led, such as `telegram:123`.
        holder: this process.
        lease_s: after how many seconds another takes over from one that died.
    """

    def __init__(self, store: Store, clock: Clock, name: str, holder: str, lease_s: float = LEASE_S) -> None:
        self._store = store
        self._clock = clock
        self._name = name
        self._holder = holder
        self._lease_s = lease_s
        self._until: datetime | None = None

    @property
    def is_leading(self) -> bool:
        """Whether the name is held now."""
        return self._until is not None and self._clock.now() < self._until

    async def while_leading(self, work: Callable[[], Awaitable[object]]) -> None:
        """Wait to lead, then run `work` until it returns; again from the start after the lead was lost.

        Work is cancelled before the lease can be anybody else's. Whatever it raises passes through; however this ends,
        the lease is given up at once.
        """
        try:
            while True:
                await self._wait()
                log.info("leading", name=self._name)
                if await self._lead(work):
                    return
                log.warning("lead_lost", name=self._name)
        finally:
            await self._give_up()

    async def _wait(self) -> None:
        is_told = False
        while not await self._take():
            if not is_told:
                log.info("standing_by", name=self._name)
                is_told = True
            await self._clock.sleep(self._lease_s / PARTS)

    async def _lead(self, work: Callable[[], Awaitable[object]]) -> bool:
        """Work while the lease is renewed. Returns whether it came to its end by itself."""
        done: list[bool] = []
        try:
            async with asyncio.TaskGroup() as group:
                working = group.create_task(_worked(work, done))
                renewing = group.create_task(self._renewed())
                await asyncio.wait((working, renewing), return_when=asyncio.FIRST_COMPLETED)
                working.cancel()
                renewing.cancel()
        except BaseExceptionGroup as errors:
            raise _only(errors) from None
        return bool(done)

    async def _renewed(self) -> None:
        """Renew until the lead is lost, or could be before it is known."""
        while True:
            await self._clock.sleep(self._lease_s / PARTS)
            if not await self._take() and self._is_ending():
                return

    def _is_ending(self) -> bool:
        """Another renewal that fails would come too late. (Half a part more, as sums of parts are not exact.)"""
        last = timedelta(seconds=2.5 * self._lease_s / PARTS)
        return self._until is None or self._clock.now() >= self._until - last

    async def _take(self) -> bool:
        """Take or extend the lease. False when somebody else has it, or the database does not answer in time."""
        now = self._clock.now()
        until = now + timedelta(seconds=self._lease_s)
        try:
            async with asyncio.timeout(self._lease_s / PARTS):
                is_ours = await self._store.transact(lambda uow: uow.leaders.take(self._name, self._holder, now, until))
        except (StoreDown, TimeoutError) as error:
            log.warning("lead_not_renewed", name=self._name, error=str(error))
            return False
        self._until = until if is_ours else None
        return is_ours

    async def _give_up(self) -> None:
        """Let another take over at once; if the database does not hear it, the lease runs out by itself."""
        self._until = None
        with suppress(StoreDown, TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await self._store.transact(lambda uow: uow.leaders.give_up(self._name, self._holder))


async def _worked(work: Callable[[], Awaitable[object]], done: list[bool]) -> None:
    await work()
    done.append(True)


def _only(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong first, without the group around it."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
