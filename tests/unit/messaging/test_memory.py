"""What the in-process broker does with time, which no real one can be asked to prove."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.ports import Arrival, Subscription
from messaging import TransportControlBus, memory_transport
from messaging.memory import MAX_ROUTES, MemoryTransport
from messaging.topology import Binding, Queue
from messaging.transport import Letter, Source
from tests.fakes import FakeClock

DEAD = Queue(name="dead", bindings=(Binding(exchange="x", key="#"),))


def living(name: str = "q", **arguments: str | int) -> Queue:
    return Queue(
        name=name, arguments={"x-dead-letter-exchange": "x", "x-dead-letter-routing-key": f"dead.{name}", **arguments}
    )


def letter(body: str, *, to: str = "q", ttl_ms: int | None = None) -> Letter:
    return Letter(exchange="", key=to, body=body.encode(), ttl_ms=ttl_ms)


@asynccontextmanager
async def grave(transport: MemoryTransport, *queues: Queue) -> AsyncIterator[Source]:
    await transport.declare(queues)
    async with transport.consume(DEAD, 100) as source:
        yield source


async def bodies(source: Source, count: int = 100) -> list[str]:
    async with asyncio.timeout(5):
        return [parcel.body.decode() for parcel in await source.batch(count)]


async def test_a_queues_own_time_limit_counts_when_it_is_shorter() -> None:
    clock = FakeClock()
    transport = memory_transport(clock)
    async with grave(transport, living(**{"x-message-ttl": 1_000})) as dead, asyncio.TaskGroup() as group:
        await transport.publish([letter("a"), letter("b", ttl_ms=500), letter("c", ttl_ms=9_000)])
        waiting = group.create_task(dead.batch(1))
        await clock.advance(0.9)
        assert not waiting.done()
        await clock.advance(0.1)
        assert [parcel.body for parcel in await waiting] == [b"a"]
        assert await bodies(dead) == ["b", "c"]


async def test_whoever_waits_is_woken_for_a_message_that_expires_sooner() -> None:
    clock = FakeClock()
    transport = memory_transport(clock)
    async with grave(transport, living("late"), living("soon")) as dead, asyncio.TaskGroup() as group:
        await transport.publish([letter("1", to="late", ttl_ms=60_000)])
        waiting = group.create_task(dead.batch(1))
        await clock.advance(1)
        await transport.publish([letter("2", to="soon", ttl_ms=1_000)])
        await clock.advance(1)
        assert [(parcel.body, parcel.reason, parcel.key) for parcel in await waiting] == [
            (b"2", "expired", "dead.soon")
        ]
        waiting = group.create_task(dead.batch(1))
        await clock.advance(60)
        assert [parcel.body for parcel in await waiting] == [b"1"]


async def test_what_was_delivered_in_time_does_not_expire() -> None:
    clock = FakeClock()
    transport = memory_transport(clock)
    async with grave(transport, living()) as dead, transport.consume(living(), 1) as source:
        await transport.publish([letter("taken", ttl_ms=1_000), letter("waits", ttl_ms=1_000)])
        await clock.advance(2)
        (parcel,) = await source.batch(10)
        assert parcel.body == b"taken"
        await source.ack([parcel.tag])
        assert await bodies(dead) == ["waits"]


async def test_what_was_given_back_late_expires() -> None:
    clock = FakeClock()
    transport = memory_transport(clock)
    async with grave(transport, living()) as dead:
        async with transport.consume(living(), 1):
            await transport.publish([letter("a", ttl_ms=1_000)])
            await clock.advance(2)
        assert await bodies(dead) == ["a"]


async def test_what_no_longer_fits_dies_of_that() -> None:
    transport = memory_transport(FakeClock())
    async with grave(transport, living(**{"x-max-length": 2})) as dead:
        await transport.publish([letter("a"), letter("b"), letter("c")])
        (parcel,) = await dead.batch(10)
        assert (parcel.body, parcel.reason) == (b"a", "maxlen")


async def test_the_first_cause_of_death_is_the_one_that_is_told() -> None:
    transport = memory_transport(FakeClock())
    middle = Queue(
        name="middle",
        bindings=(Binding(exchange="x", key="dead.q"),),
        arguments={"x-dead-letter-exchange": "y", "x-dead-letter-routing-key": "end", "x-max-length": 0},
    )
    end = Queue(name="end", bindings=(Binding(exchange="y", key="end"),))
    await transport.declare([living(), middle])
    async with transport.consume(end, 10) as source, transport.consume(living(), 1) as taking:
        await transport.publish([letter("a")])
        await taking.reject([parcel.tag for parcel in await taking.batch(1)])
        (parcel,) = await source.batch(1)
        assert (parcel.reason, parcel.key) == ("rejected", "end")


async def test_consumers_take_turns() -> None:
    transport = memory_transport(FakeClock())
    async with transport.consume(living(), 10) as one, transport.consume(living(), 10) as other:
        await transport.publish([letter(f"{number}") for number in range(4)])
        assert sorted([len(await bodies(one)), len(await bodies(other))]) == [2, 2]


async def test_routes_are_not_remembered_without_end() -> None:
    transport = memory_transport(FakeClock())
    await transport.publish([letter("x", to=f"nobody{number}") for number in range(MAX_ROUTES + 10)])
    assert len(transport._routes) <= MAX_ROUTES
    await transport.declare([living()])
    assert await transport.publish([letter("a")]) == [None]


async def test_heartbeats_do_not_wait_for_a_control_plane() -> None:
    clock = FakeClock()
    transport = memory_transport(clock)
    bus = TransportControlBus(transport)
    await bus.declare([])
    beat = Letter(exchange=transport.topology.results, key="heartbeat.a", body=b'{"agent":"a"}')
    await transport.publish([beat])
    await clock.advance(10)
    await transport.publish([beat])
    await clock.advance(5)
    async with bus.heartbeats() as heartbeats:
        assert len(await at_once(heartbeats)) == 1


async def at_once(subscription: Subscription) -> list[Arrival]:
    async with asyncio.timeout(5):
        return list(await subscription.batch(10))
