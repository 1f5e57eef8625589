"""What the buses promise while RabbitMQ, or the way to it, breaks. Every fault is real: a proxy makes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import aio_pika
import pytest
from pamqp.commands import Connection as Wire

from domain.errors import BrokerDown, Unroutable
from domain.messages import Heartbeat, Hello, Nudge, Order, Report
from domain.ports import AgentBus, ControlBus, Subscription
from messaging import TransportAgentBus, TransportControlBus, rabbit_transport
from messaging.rabbit import link
from messaging.topology import Topology
from tests.contract.buses import RealClock, delete_everything, is_quiet, prefix_on, result, soon, take, task
from tests.integration.rabbit_proxy import Proxy, proxy_to

pytestmark = pytest.mark.rabbitmq


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """Two buses behind a proxy, and the broker's own address."""

    control: ControlBus
    agent: AgentBus
    proxy: Proxy
    url: str
    topology: Topology


@pytest.fixture
async def town(amqp_url: str) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        prefix = await stack.enter_async_context(prefix_on(amqp_url))
        proxy = await stack.enter_async_context(proxy_to(amqp_url))
        transports = [rabbit_transport(proxy.url, name, RealClock(), prefix) for name in ("control", "agent")]
        for transport in transports:
            stack.push_async_callback(transport.close)
        yield Town(
            control=TransportControlBus(transports[0]),
            agent=TransportAgentBus(transports[1]),
            proxy=proxy,
            url=amqp_url,
            topology=Topology(prefix),
        )


async def sent(town: Town, key: str) -> None:
    """Publish as the dispatcher does: again until it is confirmed."""
    async with asyncio.timeout(10):
        while await town.control.publish([task(key)]) != [None]:
            pass


async def reported(town: Town) -> None:
    """Report as a worker does: again until it is confirmed."""
    async with asyncio.timeout(10):
        while True:
            with suppress(BrokerDown):
                return await town.agent.report("yunce", result())


async def test_subscriptions_survive_a_cut_connection(town: Town) -> None:
    async with town.agent.tasks("yunce", 10) as tasks, town.control.reports() as reports:
        await sent(town, "a")
        before = await take(tasks, 1)
        since = town.control.connection().since
        town.proxy.cut()
        await tasks.ack(before)  # on a dead connection: ignored
        (again,) = await take(tasks, 1)
        assert (again.message, again.redelivered) == (before[0].message, True)
        await tasks.ack([again])
        await tasks.ack(before)  # of a dead connection: ignored
        await reported(town)
        assert [arrival.message for arrival in await take(reports, 1)] == [result()]
        stands = town.control.connection()
        assert (stands.since > since, stands.generation) == (True, 1)  # type: ignore[operator] # both are up


async def test_a_batch_waits_through_an_outage(town: Town) -> None:
    async with town.agent.tasks("yunce", 10) as tasks, asyncio.TaskGroup() as group:
        waiting = group.create_task(take(tasks, 1))
        await sent(town, "a")
        await waiting
        waiting = group.create_task(take(tasks, 2))
        town.proxy.is_open = False
        town.proxy.cut()
        await soon(town.proxy.refused.wait())
        town.proxy.is_open = True
        await sent(town, "b")
        assert {arrival.message.task_id for arrival in await waiting} == {"ABC123.a", "ABC123.b"}


async def test_without_a_broker_nothing_raises_that_promised_not_to(town: Town) -> None:
    town.proxy.is_open = False
    assert town.control.connection().since is None
    (refusal,) = await town.control.publish([task()])
    assert isinstance(refusal, BrokerDown)
    with pytest.raises(BrokerDown):
        await town.control.declare(["yunce"])
    with pytest.raises(BrokerDown):
        await town.agent.report("yunce", Hello(agent="yunce", worker="w1"))
    await town.agent.beat(Heartbeat(agent="yunce"))
    await town.control.nudge([Nudge(kind="changed", task_id="ABC123")])
    async with town.agent.tasks("yunce", 10) as tasks:
        town.proxy.is_open = True
        await sent(town, "a")
        assert len(await take(tasks, 1)) == 1


async def test_during_an_outage_nobody_waits_for_what_may_be_lost(town: Town) -> None:
    async with town.control.reports() as reports, asyncio.TaskGroup() as group:
        waiting = group.create_task(reports.batch(1))
        town.proxy.is_open = False
        town.proxy.cut()
        await soon(town.proxy.refused.wait())
        town.proxy.is_open = True
        for _ in range(100):
            await town.control.nudge([Nudge(kind="changed", task_id="ABC123")])
        assert town.control.connection().since is None
        waiting.cancel()


async def test_a_broker_that_falls_silent_costs_no_more_than_the_timeout(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town.agent.tasks("yunce", 10) as tasks:
        await sent(town, "a")
        monkeypatch.setattr(link, "PATIENCE_S", 0.2)
        town.proxy.flows.clear()
        refusals = await soon(town.control.publish([task("b"), task("c", agent="nobody")]))
        assert [type(refusal) for refusal in refusals] == [BrokerDown, BrokerDown]
        with pytest.raises(BrokerDown):
            await soon(town.control.declare(["tianquan"]))
        await soon(tasks.ack([]))
        monkeypatch.undo()
        town.proxy.flows.set()
        await sent(town, "d")
        assert "ABC123.d" in {arrival.message.task_id for arrival in await take(tasks, 3)}


async def test_while_the_broker_asks_publishers_to_wait_nothing_piles_up(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town.agent.tasks("yunce", 10) as tasks:
        await sent(town, "a")
        await take(tasks, 1)
        town.proxy.say(Wire.Blocked(reason="low on memory"))
        monkeypatch.setattr(link, "PATIENCE_S", 0.2)
        refusal = None
        while refusal is None:  # until the word has arrived
            (refusal,) = await town.control.publish([task("b")])
        await town.control.nudge([Nudge(kind="changed", task_id="ABC123")])
        monkeypatch.undo()
        town.proxy.say(Wire.Unblocked())
        await sent(town, "c")
        arrived = [arrival.message.task_id for arrival in await take(tasks, 1)]
        while arrived[-1] != "ABC123.c":
            arrived += [arrival.message.task_id for arrival in await take(tasks, 1)]
        assert await is_quiet(tasks)


async def test_queues_lost_under_a_live_connection_are_declared_again(town: Town) -> None:
    await town.control.declare(["yunce", "tianquan"])
    async with town.control.reports() as reports, town.control.dead_letters(), asyncio.TaskGroup() as group:
        assert town.control.connection().generation == 1
        waiting = group.create_task(take(reports, 1))
        await delete_everything(town.url, town.topology, exchanges=False)
        await reported(town)
        assert [arrival.message for arrival in await waiting] == [result()]
        assert town.control.connection().generation == 2
        await sent(town, "a")
        assert await town.control.publish([task(agent="tianquan")]) == [None]


async def test_a_broker_that_lost_everything_meanwhile_is_another_one(town: Town) -> None:
    async with town.control.reports() as reports, asyncio.TaskGroup() as group:
        waiting = group.create_task(take(reports, 1))
        town.proxy.is_open = False
        town.proxy.cut()
        await soon(town.proxy.refused.wait())
        await delete_everything(town.url, town.topology)
        town.proxy.is_open = True
        await reported(town)
        await waiting
        assert town.control.connection().generation == 2


async def test_the_same_broker_is_not_taken_for_another_one(town: Town) -> None:
    async with town.control.reports() as reports, asyncio.TaskGroup() as group:
        waiting = group.create_task(take(reports, 1))
        town.proxy.is_open = False
        town.proxy.cut()
        await soon(town.proxy.refused.wait())
        town.proxy.is_open = True
        await reported(town)
        await waiting
        assert town.control.connection().generation == 1


async def test_an_exchange_lost_under_a_live_connection_is_declared_again(town: Town) -> None:
    await town.control.declare(["yunce"])
    connection = await aio_pika.connect(town.url)
    async with connection, connection.channel() as channel:
        await channel.exchange_delete(town.topology.tasks)
    (refusal,) = await town.control.publish([task()])
    assert isinstance(refusal, BrokerDown)
    await sent(town, "a")


async def test_a_queue_lost_without_a_consumer_is_unroutable_until_declared(town: Town) -> None:
    await town.control.declare(["yunce"])
    await delete_everything(town.url, town.topology, exchanges=False)
    (refusal,) = await town.control.publish([task()])
    assert isinstance(refusal, Unroutable)
    await town.control.declare(["yunce"])
    assert await town.control.publish([task()]) == [None]


async def test_nudges_and_orders_come_back_after_a_cut(town: Town) -> None:
    stop = Order(type="stop", task_id="ABC123.t1", exec_id="e1")
    async with (
        town.control.nudges("changed") as nudges,
        town.agent.orders("yunce", "w1") as orders,
        asyncio.TaskGroup() as group,
    ):
        heard = [group.create_task(take(nudges, 1)), group.create_task(take(orders, 1))]
        town.proxy.cut()
        async with asyncio.timeout(10):
            while not all(waiting.done() for waiting in heard):
                await town.control.nudge([Nudge(kind="changed", task_id="ABC123")])
                await town.control.order("yunce", "w1", stop)


async def test_closing_ends_what_waits(town: Town) -> None:
    async with town.control.reports() as reports, asyncio.TaskGroup() as group:
        waiting = group.create_task(raised_by(reports))
        assert await is_quiet(reports)
        await town.control.close()
        assert isinstance(await waiting, BrokerDown)
    (refusal,) = await town.control.publish([task()])
    assert isinstance(refusal, BrokerDown)


async def raised_by(reports: Subscription[Report]) -> BrokerDown | None:
    try:
        await soon(reports.batch(1))
    except BrokerDown as error:
        return error
    return None
