"""One subscription to an agent's queue: what came out of it, and settling that."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from domain.messages import TaskMessage
from domain.ports import Arrival, Subscription


class Intake:
    """What came from a subscription and must be settled on it. What ends together is settled together."""

    def __init__(self, subscription: Subscription[TaskMessage]) -> None:
        self._subscription = subscription
        self._open: dict[int, Arrival[TaskMessage]] = {}
        self._acked: list[Arrival[TaskMessage]] = []
        self._rejected: list[Arrival[TaskMessage]] = []
        self._unsettled = 0
        self._is_due = asyncio.Event()
        self._is_settled = asyncio.Event()
        self._is_settled.set()

    async def batch(self, limit: int) -> Sequence[Arrival[TaskMessage]]:
        """Wait for messages; each must be acked, rejected or left."""
        arrivals = await self._subscription.batch(limit)
        self._open.update({id(arrival): arrival for arrival in arrivals})
        self._count(len(arrivals))
        return arrivals

    async def widen(self, prefetch: int) -> None:
        """Hold more from now on."""
        await self._subscription.widen(prefetch)

    def ack(self, arrival: Arrival[TaskMessage]) -> None:
        """It is done; the second time does nothing."""
        self._end(arrival, self._acked)

    def reject(self, arrival: Arrival[TaskMessage]) -> None:
        """It is no message: to the dead letters."""
        self._end(arrival, self._rejected)

    def leave(self, arrival: Arrival[TaskMessage]) -> None:
        """Not settled here: once the subscription ends it comes again, as redelivered."""
        del self._open[id(arrival)]
        self._count(-1)

    async def until_settled(self) -> None:
        """Wait until everything that came is settled. `settle` must be running."""
        await self._is_settled.wait()

    async def settle(self) -> None:
        """Tell the broker what ended, for ever."""
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            acked, self._acked = self._acked, []
            rejected, self._rejected = self._rejected, []
            if acked:
                await self._subscription.ack(acked)
            if rejected:
                await self._subscription.reject(rejected)
            self._count(-len(acked) - len(rejected))

    def _end(self, arrival: Arrival[TaskMessage], ended: list[Arrival[TaskMessage]]) -> None:
        if self._open.pop(id(arrival), None) is not None:
            ended.append(arrival)
            self._is_due.set()

    def _count(self, change: int) -> None:
        self._unsettled += change
        if self._unsettled:
            self._is_settled.clear()
        else:
            self._is_settled.set()
