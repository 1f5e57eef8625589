"""What agents say, what they are told, and what the control plane's roles tell one another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from domain.errors import BrokerDown, Malformed
from domain.messages import Heartbeat, Hello, Notice, NoticeMetadata, Nudge, Order, SkillEntry
from messaging.topology import HEARTBEATS_KEPT
from messaging.transport import Letter
from tests.contract.buses import GROUNDS, Ground, ground_of, is_quiet, result, take


@pytest.fixture(params=GROUNDS)
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    async with ground_of(request) as ground:
        yield ground


GRANT = Order(type="grant", task_id="ABC123.t1", exec_id="e1")
STOP = Order(type="stop", task_id="ABC123.t1", exec_id="e1")


async def test_every_kind_of_report_arrives_as_it_was_sent(ground: Ground) -> None:
    said = [
        Hello(agent="yunce", worker="w1", slots=2, skills=[SkillEntry(name="count", description="数一数")]),
        Notice(task_id="ABC123.t1", type="started", source="yunce", metadata=NoticeMetadata(attempt=1, exec_id="e1")),
        result(),
    ]
    async with ground.control.reports() as reports:
        for message in said:
            await ground.agent.report("yunce", message)
        arrivals = await take(reports, 3)
        assert [arrival.message for arrival in arrivals] == said
        assert {arrival.sender for arrival in arrivals} == {"yunce"}
        await reports.ack(arrivals)
    async with ground.control.reports() as reports:
        assert await is_quiet(reports)


async def test_a_report_without_a_control_plane_is_not_confirmed(ground: Ground) -> None:
    with pytest.raises(BrokerDown):
        await ground.agent.report("yunce", result())


async def test_the_sender_is_what_the_routing_key_says(ground: Ground) -> None:
    async with ground.control.reports() as reports:
        await ground.agent.report("tianquan", result())  # its body claims to come from yunce
        (arrival,) = await take(reports, 1)
        assert arrival.sender == "tianquan"


@pytest.mark.parametrize("key", ["result", "result.", "result.a.b", "result.#", f"result.{'x' * 65}"])
async def test_a_report_from_nobody_is_malformed(ground: Ground, key: str) -> None:
    async with ground.control.reports() as reports:
        body = result().model_dump_json(by_alias=True).encode()
        await ground.letters.publish([Letter(exchange=ground.topology.results, key=key, body=body)])
        (arrival,) = await take(reports, 1)
        assert isinstance(arrival.message, Malformed)
        await reports.ack([arrival])


async def test_unsettled_reports_come_again(ground: Ground) -> None:
    async with ground.control.reports() as reports:
        await ground.agent.report("yunce", result())
        assert not (await take(reports, 1))[0].redelivered
    async with ground.control.reports() as reports:
        assert (await take(reports, 1))[0].redelivered


async def test_rejected_reports_are_gone(ground: Ground) -> None:
    async with ground.control.reports() as reports:
        await ground.agent.report("yunce", result("a"))
        await reports.reject(await take(reports, 1))
    async with ground.control.reports() as reports:
        await ground.agent.report("yunce", result("b"))
        (arrival,) = await take(reports, 1)
        assert arrival.message == result("b")


async def test_heartbeats_settle_themselves(ground: Ground) -> None:
    beat = Heartbeat(agent="yunce", status="busy", current_task="ABC123.t1", timestamp=ground.clock.now())
    async with ground.control.heartbeats() as heartbeats:
        await ground.agent.beat(beat)
        (arrival,) = await take(heartbeats, 1)
        assert (arrival.message, arrival.sender) == (beat, "yunce")
        await heartbeats.ack([arrival])
    async with ground.control.heartbeats() as heartbeats:
        assert await is_quiet(heartbeats)


async def test_a_heartbeat_nobody_listens_to_is_no_error(ground: Ground) -> None:
    await ground.agent.beat(Heartbeat(agent="yunce"))
    await ground.agent.beat(Heartbeat(agent="y" * 400))
    async with ground.control.heartbeats() as heartbeats:
        await ground.agent.beat(Heartbeat(agent="yunce", status="later"))
        assert [arrival.message.status for arrival in await take(heartbeats, 1)] == ["later"]


async def test_a_report_that_is_repeated_arrives_as_it_was(ground: Ground) -> None:
    async with ground.control.reports() as reports:
        body = result().model_dump_json(by_alias=True)
        assert await ground.control.repeat("yunce", body) is None
        (arrival,) = await take(reports, 1)
        assert (arrival.message, arrival.sender, arrival.body.decode()) == (result(), "yunce", body)


async def test_of_too_many_heartbeats_the_newest_are_kept(ground: Ground) -> None:
    async with ground.control.heartbeats():
        pass
    beats = [
        Letter(
            exchange=ground.topology.results,
            key="heartbeat.yunce",
            body=Heartbeat(agent="yunce", status=f"{number}").model_dump_json(by_alias=True).encode(),
        )
        for number in range(HEARTBEATS_KEPT + 3)
    ]
    await ground.letters.publish(beats)
    async with ground.control.heartbeats() as heartbeats:
        arrivals = await take(heartbeats, HEARTBEATS_KEPT)
        assert [arrivals[0].message.status, arrivals[-1].message.status] == ["3", f"{HEARTBEATS_KEPT + 2}"]


async def test_an_order_reaches_its_worker_alone(ground: Ground) -> None:
    async with ground.agent.orders("yunce", "w1") as orders, ground.agent.orders("yunce", "w2") as others:
        assert await ground.control.order("yunce", "w1", GRANT)
        assert await ground.control.order("yunce", "w2", STOP)
        assert [arrival.message for arrival in await take(orders, 1)] == [GRANT]
        assert [arrival.message for arrival in await take(others, 1)] == [STOP]


async def test_an_order_to_a_worker_that_is_gone_says_so(ground: Ground) -> None:
    async with ground.agent.orders("yunce", "w1"):
        assert await ground.control.order("yunce", "w1", STOP)
    assert not await ground.control.order("yunce", "w1", STOP)
    for worker in ("w" * 400, "\ud800"):  # no queue can have such a name
        assert not await ground.control.order("nobody", worker, GRANT)


async def test_a_nudge_reaches_every_listener_of_its_kind(ground: Ground) -> None:
    listening = ground.control.nudges("received", "settled"), ground.control.nudges("received", "planned")
    async with listening[0] as one, listening[1] as other:
        sent = [Nudge(kind=kind, task_id="ABC123") for kind in ("planned", "received", "settled", "answered")]
        await ground.control.nudge(sent)
        assert [arrival.message.kind for arrival in await take(one, 2)] == ["received", "settled"]
        assert [arrival.message.kind for arrival in await take(other, 2)] == ["planned", "received"]
        assert await is_quiet(one)


async def test_a_nudge_nobody_listens_to_is_no_error(ground: Ground) -> None:
    await ground.control.nudge([Nudge(kind="changed", task_id="ABC123")])
    await ground.control.nudge([])
    async with ground.control.nudges("changed") as nudges:
        await ground.control.nudge([Nudge(kind="changed", task_id="XYZ789")])
        assert [arrival.message.task_id for arrival in await take(nudges, 1)] == ["XYZ789"]


async def test_the_connection_tells_since_when_and_which_broker(ground: Ground) -> None:
    before = ground.control.connection()
    async with ground.control.reports():
        stands = ground.control.connection()
    assert stands.since is not None
    assert stands.since <= ground.clock.now()
    assert stands.generation == before.generation + 1  # a broker that never had our queue
    async with ground.control.reports():
        assert ground.control.connection() == stands


async def test_close_can_be_repeated(ground: Ground) -> None:
    async with ground.agent.orders("yunce", "w1"):
        pass
    await ground.agent.close()
    await ground.agent.close()


async def test_whoever_left_a_subscription_does_not_wait_for_ever(ground: Ground) -> None:
    async with ground.control.reports() as reports:
        pass
    with pytest.raises(BrokerDown):
        async with asyncio.timeout(5):
            await reports.batch(1)
