"""What stands on a real RabbitMQ and what does not: declarations, refusals, properties on the wire, bad properties."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import struct
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import pytest
from aiormq.abc import AbstractChannel, ChannelFrame
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.frame import marshal
from structlog.testing import capture_logs

from domain.errors import BrokerDown, Malformed, Misconfigured, Taken
from messaging import TransportAgentBus, TransportControlBus, check, rabbit_transport
from messaging.rabbit.transport import RabbitTransport
from messaging.topology import Topology
from tests.contract.buses import RealClock, prefix_on, result, soon, take, task

pytestmark = pytest.mark.rabbitmq


@dataclass(frozen=True, slots=True, kw_only=True)
class Yard:
    """A broker's address and a corner of it; `transport` opens one on it, closed afterwards."""

    url: str
    topology: Topology
    transport: Callable[[str], RabbitTransport]

    def control(self) -> TransportControlBus:
        return TransportControlBus(self.transport(self.url))

    def agent(self) -> TransportAgentBus:
        return TransportAgentBus(self.transport(self.url))


@pytest.fixture
async def yard(amqp_url: str) -> AsyncIterator[Yard]:
    async with AsyncExitStack() as stack:
        prefix = await stack.enter_async_context(prefix_on(amqp_url))

        def transport(url: str) -> RabbitTransport:
            opened = rabbit_transport(url, "test", RealClock(), prefix)
            stack.push_async_callback(opened.close)
            return opened

        yield Yard(url=amqp_url, topology=Topology(prefix), transport=transport)


@asynccontextmanager
async def raw_channel(url: str) -> AsyncIterator[AbstractChannel]:
    connection = await aio_pika.connect(url)
    async with connection, connection.channel() as channel:
        yield await channel.get_underlay_channel()


# --- declarations ---------------------------------------------------------------------------------------------


async def test_check_says_what_stands(yard: Yard) -> None:
    prefix = yard.topology.prefix
    assert (await check(yard.url, prefix=prefix)).startswith("RabbitMQ 3.")
    assert "not declared" in await check(yard.url, prefix=prefix)
    assert "尚未" in await check(yard.url, "zh", prefix)
    await yard.control().declare(["yunce"])
    assert "are there" in await check(yard.url, prefix=prefix)


async def test_a_queue_that_differs_is_named_with_the_argument_and_the_fix(yard: Yard) -> None:
    queue = yard.topology.agent("yunce")
    name = queue.name
    async with raw_channel(yard.url) as channel:
        await channel.queue_declare(name, durable=True, arguments={**queue.arguments, "x-max-priority": 5})
    control = yard.control()
    with pytest.raises(Misconfigured) as refused:
        await control.declare(["yunce", "tianquan"])
    for part in (name, "x-max-priority", "5", "10", f"rabbitmqctl delete_queue {name}"):
        assert part in str(refused.value)
    with pytest.raises(Misconfigured):
        await yard.agent().tasks("yunce", 1).__aenter__()
    assert await control.publish([task(agent="tianquan")]) == [None]  # the others do not suffer


async def test_an_exchange_that_differs_is_named(yard: Yard) -> None:
    async with raw_channel(yard.url) as channel:
        await channel.exchange_declare(yard.topology.results, exchange_type="fanout", durable=True)
    with pytest.raises(Misconfigured) as refused:
        await yard.control().reports().__aenter__()
    for part in ("exchange", yard.topology.results, "type", "fanout", "topic"):
        assert part in str(refused.value)


async def test_a_kept_queue_that_differs_after_a_reconnect_does_not_stop_the_others(yard: Yard) -> None:
    transport = yard.transport(yard.url)
    control = TransportControlBus(transport)
    await control.declare(["yunce", "tianquan"])
    name = yard.topology.agent("yunce").name
    async with raw_channel(yard.url) as channel:
        await channel.queue_delete(name)
        await channel.queue_declare(name, durable=True)
    assert transport._link is not None
    transport._link.end()
    assert await control.publish([task(agent="tianquan")]) == [None]


async def test_a_broker_changed_under_us_is_waited_for(yard: Yard) -> None:
    control, star = yard.control(), yard.topology.star.name
    async with control.reports() as reports, raw_channel(yard.url) as channel, asyncio.TaskGroup() as group:
        waiting = group.create_task(take(reports, 1))
        with capture_logs() as logs:
            await channel.queue_delete(star)
            await channel.queue_declare(star, durable=True, arguments={"x-max-length": 1})
            while all(entry["event"] != "broker_changed" for entry in logs):
                await control.publish([task(agent="nobody")])
        assert control.connection().since is None
        await channel.queue_delete(star)
        await reported(yard.agent())
        await waiting


async def reported(agent: TransportAgentBus) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                return await agent.report("yunce", result())
            except BrokerDown:
                continue


# --- refusals -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["", "localhost", "http://h/", "amqp://", "amqp://u:secret@h:bad/", "amqp://h:99999/"])
async def test_a_url_that_cannot_be_a_brokers_is_refused_unquoted(url: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        rabbit_transport(url, "test", RealClock())
    assert "AMQP_URL" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("change", [{"password": "hunter2"}, {"path": "/no-such-vhost"}])
async def test_a_login_the_broker_refuses_is_the_operators_to_fix(
    yard: Yard, change: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    parts = urlsplit(yard.url)
    user, place = (parts.username or "guest"), f"{parts.hostname}:{parts.port or 5672}"
    password = change.get("password", parts.password or "guest")
    url = parts._replace(netloc=f"{user}:{password}@{place}", path=change.get("path", parts.path)).geturl()
    for attempt in (
        check(url),
        TransportControlBus(yard.transport(url)).declare(["yunce"]),
        TransportAgentBus(yard.transport(url)).tasks("yunce", 1).__aenter__(),
    ):
        with pytest.raises(Misconfigured) as refused:
            await attempt
        assert "AMQP_URL" in str(refused.value)
        assert password not in f"{refused.value} {refused.value.__cause__!r}"
    (refusal,) = await TransportControlBus(yard.transport(url)).publish([task()])
    assert isinstance(refusal, BrokerDown)
    assert password not in capsys.readouterr().out


async def test_nobody_there_is_a_broker_that_is_down() -> None:
    with pytest.raises(BrokerDown):
        await check("amqp://guest:guest@127.0.0.1:1/")


@pytest.fixture
def narrow_user(yard: Yard) -> AsyncIterator[str]:
    """A URL of a user who may do what an agent must and nothing else."""
    if shutil.which("rabbitmqctl") is None or urlsplit(yard.url).hostname not in {"127.0.0.1", "localhost"}:
        pytest.skip("needs rabbitmqctl beside the broker")
    name, password = f"test-{secrets.token_hex(6)}", secrets.token_hex(12)
    prefix = yard.topology.prefix.replace(".", r"\.")
    rights = (
        rf"^{prefix}ctl\.yunce\.",
        f"^{prefix}result_exchange$",
        rf"^{prefix}(queue\.yunce|ctl\.yunce\..*)$",
    )
    commands = (["add_user", name, password], ["set_permissions", name, *rights])
    for command in commands:
        if subprocess.run(["rabbitmqctl", "-q", *command], check=False, capture_output=True).returncode:
            pytest.skip("may not administrate the broker")
    parts = urlsplit(yard.url)
    yield parts._replace(netloc=f"{name}:{password}@{parts.hostname}:{parts.port or 5672}").geturl()  # type: ignore[misc] # a fixture
    subprocess.run(["rabbitmqctl", "-q", "delete_user", name], check=True, capture_output=True)


async def test_an_agent_that_may_declare_nothing_works_on_what_stands(yard: Yard, narrow_user: str) -> None:
    agent = TransportAgentBus(yard.transport(narrow_user))
    with pytest.raises(Misconfigured) as refused:
        await agent.tasks("yunce", 1).__aenter__()
    assert "xingshu setup" in str(refused.value)
    control = yard.control()
    await control.declare(["yunce"])
    await control.publish([task()])
    async with agent.tasks("yunce", 1) as tasks, agent.orders("yunce", "w1"), control.reports() as reports:
        await tasks.ack(await take(tasks, 1))
        await agent.report("yunce", result())
        assert len(await take(reports, 1)) == 1


async def test_a_workers_orders_go_to_one_alone_until_it_is_gone(yard: Yard) -> None:
    """Whoever is refused keeps its link: everything else in its process goes on."""
    one, other = yard.transport(yard.url), yard.transport(yard.url)
    async with TransportAgentBus(one).orders("yunce", "w1"):
        async with TransportAgentBus(other).orders("yunce", "w2"):
            before = other.connection()
            with pytest.raises(Taken):
                await TransportAgentBus(other).orders("yunce", "w1").__aenter__()
        assert other.connection() == before
    await one.close()
    async with TransportAgentBus(other).orders("yunce", "w1"):
        assert other.connection() == before


# --- the wire -------------------------------------------------------------------------------------------------


async def test_an_attempt_carries_the_properties_that_were_promised(yard: Yard) -> None:
    control = yard.control()
    await control.declare(["yunce"])
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    message = task(priority="high")
    metadata = message.metadata.model_copy(update={"traceparent": trace})
    await control.publish([message.model_copy(update={"metadata": metadata})])
    async with raw_channel(yard.url) as channel:
        got = await channel.basic_get(yard.topology.agent("yunce").name, no_ack=True)
    properties = got.header.properties
    assert got.routing_key == "task.yunce"
    assert (properties.message_id, properties.priority, properties.expiration) == ("ABC123.t1.2", 9, "600000")
    assert (properties.delivery_mode, properties.content_type) == (2, "application/json")
    assert properties.headers == {"traceparent": trace}
    assert b'"createdAt":"2026-01-01T12:00:00Z"' in got.body


async def test_a_large_message_is_carried_whole(yard: Yard) -> None:
    message = task()
    content = message.content.model_copy(update={"params": {"text": "星" * 300_000}})
    message = message.model_copy(update={"content": content})
    control = yard.control()
    async with yard.agent().tasks("yunce", 1) as tasks:
        assert await control.publish([message]) == [None]
        assert [arrival.message for arrival in await take(tasks, 1)] == [message]


async def test_many_publish_at_once_and_each_learns_its_own_fate(yard: Yard) -> None:
    control = yard.control()
    await control.declare(["yunce"])

    async def fates(number: int) -> list[bool]:
        agents = ["yunce" if (number + place) % 3 else "nobody" for place in range(20)]
        messages = [task(f"{number}-{place}", agent=agent) for place, agent in enumerate(agents)]
        refusals = await control.publish(messages)
        return [(refusal is None) == (agent == "yunce") for refusal, agent in zip(refusals, agents, strict=True)]

    async with asyncio.TaskGroup() as group:
        all_fates = [group.create_task(fates(number)) for number in range(30)]
    assert all(all(fate.result()) for fate in all_fates)


async def test_a_cancelled_publish_leaves_the_confirms_in_step(yard: Yard) -> None:
    control = yard.control()
    await control.declare(["yunce"])
    async with asyncio.TaskGroup() as group:
        doomed = [group.create_task(control.publish([task(f"{number}")] * 3)) for number in range(40)]
        await control.publish([task("last")])
        for publishing in doomed[::2]:
            publishing.cancel()
    (refusal,) = await control.publish([task(agent="nobody")])
    assert refusal is not None
    assert await control.publish([task("fine")]) == [None]


# Content headers of AMQP 0-9-1 (4.2.6.1): class, weight, body size, which properties follow, and those.
UNREADABLE = {
    "a message id that is not UTF-8": struct.pack(">HHQH", 60, 0, 2, 0x0080) + b"\x02\xff\xfe",
    "a time long past the year 9999": struct.pack(">HHQH", 60, 0, 2, 0x0040) + b"\xff" * 8,
}


@pytest.mark.parametrize("header", UNREADABLE.values(), ids=UNREADABLE)
async def test_properties_that_cannot_be_read_stop_nobody(yard: Yard, header: bytes) -> None:
    transport = yard.transport(yard.url)
    control, agent = TransportControlBus(transport), yard.agent()
    async with control.reports() as reports:
        await agent.report("yunce", result("before"))
        await put_raw(yard, header)
        await put_raw(yard, header)
        await agent.report("yunce", result("after"))
        seen: list[Any] = []
        while len(seen) < 4:
            arrivals = await soon(reports.batch(10))
            seen += [arrival.message for arrival in arrivals]
            await reports.ack(arrivals)
    assert [getattr(message, "task_id", type(message)) for message in seen] == [
        "ABC123.before",
        Malformed,
        Malformed,
        "ABC123.after",
    ]


async def put_raw(yard: Yard, header: bytes) -> None:
    """Publish with a content header no client library would write."""
    publish = marshal(Basic.Publish(exchange=yard.topology.results, routing_key="result.yunce"), 1)
    framed = struct.pack(">BHI", 2, 1, len(header)) + header + b"\xce"
    async with raw_channel(yard.url) as channel:
        payload = publish + framed + marshal(ContentBody(b"{}"), 1)
        await channel.connection.write_queue.put(ChannelFrame(payload=payload, should_close=False))  # type: ignore[attr-defined] # the concrete one has it
        await channel.queue_declare(yard.topology.star.name, passive=True)  # answered after what went before
