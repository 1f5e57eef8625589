"""A process told to stop while it still connects does stop: no cancellation is lost on the way to a real RabbitMQ."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from domain.ports import Subscription
from messaging import TransportControlBus, rabbit_transport
from tests.contract.buses import RealClock, prefix_on

pytestmark = pytest.mark.rabbitmq

MOMENTS = 60


class Starting:
    """What a dispatcher subscribes to, all on one transport, as at its start."""

    def __init__(self, url: str, prefix: str) -> None:
        self._transport = rabbit_transport(url, "stopping", RealClock(), prefix)
        bus = TransportControlBus(self._transport)
        wanted = (bus.nudges("planned"), bus.reports(), bus.heartbeats(), bus.dead_letters())
        self._up = 0
        self._begun = [asyncio.ensure_future(self._receive(one)) for one in wanted]

    async def _receive(self, subscribing: Any) -> None:
        async with subscribing as subscription:
            self._up += 1
            await _forever(subscription)

    async def turns(self, at_most: int) -> int:
        """Let the loop turn until all is up; how often it turned."""
        turned = 0
        while self._up < len(self._begun) and turned < at_most:
            await asyncio.sleep(0)
            turned += 1
        return turned

    async def stop(self) -> Sequence[asyncio.Future[None]]:
        """Cancel it all, once; those that go on nevertheless."""
        for one in self._begun:
            one.cancel()
        _, going_on = await asyncio.wait(self._begun, timeout=10)
        for one in going_on:
            one.cancel()
        await self._transport.close()
        return list(going_on)


async def _forever(subscription: Subscription[Any]) -> None:
    while True:
        await subscription.batch(1)


async def test_it_stops_at_whatever_moment_of_its_start(amqp_url: str):
    async with prefix_on(amqp_url) as prefix:
        first = Starting(amqp_url, prefix)
        lasted = await first.turns(10**9)
        assert not await first.stop()
        for moment in range(MOMENTS):
            starting = Starting(amqp_url, prefix)
            await starting.turns(lasted * moment // MOMENTS)
            assert not await starting.stop(), f"told to stop after {moment}/{MOMENTS} of its start, it went on"
