"""Attempts on their way to agents: what `ControlBus.publish`, `AgentBus.tasks` and `dead_letters` promise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from domain.backlog import Depth
from domain.errors import Malformed, Misconfigured, Unroutable
from domain.messages import TaskMessage
from domain.ports import Arrival
from messaging.transport import Letter
from tests.contract.buses import GROUNDS, Ground, ground_of, is_quiet, soon, take, task


@pytest.fixture(params=GROUNDS)
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    async with ground_of(request) as ground:
        yield ground


def keys(arrivals: list[Arrival[TaskMessage]]) -> list[str]:
    return [arrival.message.task_id.partition(".")[2] for arrival in arrivals]  # type: ignore[union-attr] # Malformed would fail


async def test_what_waits_in_a_queue_and_who_takes_it_can_be_asked(ground: Ground) -> None:
    assert await ground.control.depths(["yunce", "tianquan", "no such name"]) == {}
    await ground.control.declare(["yunce", "tianquan"])
    await ground.control.publish([task("t1"), task("t2")])
    async with ground.agent.tasks("tianquan", 1):
        depths = await ground.control.depths(["yunce", "tianquan"])
    assert depths == {"yunce": Depth(messages=2, consumers=0), "tianquan": Depth(messages=0, consumers=1)}


async def test_an_attempt_arrives_as_it_was_sent(ground: Ground) -> None:
    await ground.control.declare(["yunce"])
    message = task()
    assert await ground.control.publish([message]) == [None]
    async with ground.agent.tasks("yunce", 10) as tasks:
        (arrival,) = await soon(tasks.batch(10))
    assert arrival.message == message
    assert (arrival.sender, arrival.redelivered, arrival.reason) == ("yunce", False, None)


async def test_tasks_declares_the_queue_of_its_agent(ground: Ground) -> None:
    async with ground.agent.tasks("yunce", 10) as tasks:
        assert await ground.control.publish([task()]) == [None]
        assert keys(await take(tasks, 1)) == ["t1"]


async def test_publish_answers_per_message(ground: Ground) -> None:
    await ground.control.declare(["yunce"])
    sent = await ground.control.publish([task("a"), task("b", agent="nobody"), task("c"), task("d", agent="x" * 300)])
    assert [type(refusal) for refusal in sent] == [type(None), Unroutable, type(None), Unroutable]
    async with ground.agent.tasks("yunce", 10) as tasks:
        assert keys(await take(tasks, 2)) == ["a", "c"]


async def test_publishing_nothing_is_fine(ground: Ground) -> None:
    assert list(await ground.control.publish([])) == []


async def test_declare_takes_only_what_can_be_an_agents_name(ground: Ground) -> None:
    for name in ("", "#", "*", "a.b", "a b", "x" * 65, "字" * 65):
        with pytest.raises(Misconfigured):
            await ground.control.declare([name])
        with pytest.raises(Misconfigured):
            ground.agent.tasks(name, 1)


async def test_higher_priority_comes_first(ground: Ground) -> None:
    await ground.control.declare(["yunce"])
    mixed = ["low", "high", "normal", "low", "normal", "high"]
    await ground.control.publish([task(f"{place}", priority=priority) for place, priority in enumerate(mixed)])
    async with ground.agent.tasks("yunce", 1) as tasks:
        order = []
        for _ in mixed:
            (arrival,) = await soon(tasks.batch(10))
            order.append(arrival)
            await tasks.ack([arrival])
    assert keys(order) == ["1", "5", "2", "4", "0", "3"]


async def test_what_is_held_already_is_overtaken_by_what_is_more_urgent(ground: Ground) -> None:
    await ground.control.declare(["yunce", "tianquan"])
    await ground.control.publish([task(name, priority="low") for name in "abc"])
    async with ground.agent.tasks("yunce", 10) as tasks, ground.agent.tasks("tianquan", 10) as others:
        first = await take(tasks, 1)
        assert await ground.control.publish([task("urgent", priority="high")]) == [None]
        assert await ground.control.publish([task("later", agent="tianquan")]) == [None]
        await take(others, 1)  # by now the other, sent before it, is here too
        rest = [arrival for _ in range(3) for arrival in await soon(tasks.batch(1))]
        assert keys([*first, *rest]) == ["a", "urgent", "b", "c"]
        await tasks.ack([*first, *rest])
    async with ground.agent.tasks("yunce", 10) as tasks:
        assert await is_quiet(tasks)


async def test_no_more_than_prefetch_are_unsettled(ground: Ground) -> None:
    await ground.control.declare(["yunce"])
    await ground.control.publish([task("a"), task("b"), task("c")])
    async with ground.agent.tasks("yunce", 2) as tasks:
        first, second = await take(tasks, 2)
        assert await is_quiet(tasks)
        await tasks.ack([second])
        assert keys(await take(tasks, 1)) == ["c"]
        assert keys([first]) == ["a"]


async def test_a_wider_prefetch_brings_more_and_gives_nothing_back(ground: Ground) -> None:
    await ground.control.declare(["yunce"])
    await ground.control.publish([task(name) for name in "abcdef"])
    async with ground.agent.tasks("yunce", 2) as tasks:
        first = await take(tasks, 2)
        await tasks.widen(5)
        more = await take(tasks, 3)
        await tasks.ack([*first, *more])
        more += await take(tasks, 1)
        assert keys([*first, *more]) == list("abcdef")
        assert not any(arrival.redelivered for arrival in [*first, *more])
        await tasks.ack(more)
    async with ground.agent.tasks("yunce", 10) as tasks:
        assert await is_quiet(tasks)


async def test_a_batch_holds_at_most_its_limit_and_all_that_arrived(ground: Ground) -> None:
    async with ground.agent.tasks("yunce", 10) as tasks:
        await ground.control.publish([task(f"{number}") for number in range(5)])
        assert len(await take(tasks, 2)) == 2
        assert len(await take(tasks, 3)) == 3


async def test_what_is_acked_does_not_come_again(ground: Ground) -> None:
    async with ground.agent.tasks("yunce", 10) as tasks:
        await ground.control.publish([task("a"), task("b"), task("c"), task("d")])
        a, b, c, _ = await take(tasks, 4)
        await tasks.ack([c])
        await tasks.ack([a, b])
        await tasks.ack([a, b, c])
    async with ground.agent.tasks("yunce", 10) as tasks:
        (again,) = await take(tasks, 1)
        assert keys([again]) == ["d"]
        assert again.redelivered
        await tasks.ack([again])
        await ground.control.publish([task("e")])
        (fresh,) = await take(tasks, 1)
        assert (keys([fresh]), fresh.redelivered) == (["e"], False)


async def test_what_was_not_settled_comes_again_in_its_place(ground: Ground) -> None:
    await ground.control.declare(["yunce"])
    await ground.control.publish([task("a"), task("b"), task("c")])
    async with ground.agent.tasks("yunce", 2) as tasks:
        await take(tasks, 1)
    async with ground.agent.tasks("yunce", 10) as tasks:
        arrivals = await take(tasks, 3)
    assert keys(arrivals) == ["a", "b", "c"]
    assert arrivals[0].redelivered
    assert not arrivals[2].redelivered


async def test_settling_on_a_subscription_that_ended_is_ignored(ground: Ground) -> None:
    async with ground.agent.tasks("yunce", 10) as tasks:
        await ground.control.publish([task()])
        arrivals = await take(tasks, 1)
    await tasks.ack(arrivals)
    await tasks.reject(arrivals)
    async with ground.agent.tasks("yunce", 10) as tasks:
        assert [arrival.redelivered for arrival in await take(tasks, 1)] == [True]


async def test_two_workers_of_one_agent_share_its_queue(ground: Ground) -> None:
    async with ground.agent.tasks("yunce", 1) as one, ground.agent.tasks("yunce", 1) as other:
        await ground.control.publish([task("a"), task("b")])
        assert sorted(keys(await take(one, 1)) + keys(await take(other, 1))) == ["a", "b"]


async def test_a_waiting_worker_is_woken(ground: Ground) -> None:
    async with ground.agent.tasks("yunce", 10) as tasks, asyncio.TaskGroup() as group:
        waiting = group.create_task(take(tasks, 1))
        await ground.control.publish([task()])
        assert keys(await waiting) == ["t1"]


async def test_a_cancelled_batch_loses_nothing(ground: Ground) -> None:
    async with ground.agent.tasks("yunce", 10) as tasks:
        assert await is_quiet(tasks)
        await ground.control.publish([task()])
        assert keys(await take(tasks, 1)) == ["t1"]


async def test_a_rejected_attempt_is_a_dead_letter(ground: Ground) -> None:
    async with ground.control.dead_letters() as dead, ground.agent.tasks("yunce", 10) as tasks:
        await ground.control.publish([task("a"), task("b")])
        a, b = await take(tasks, 2)
        await tasks.reject([b])
        await tasks.reject([b])
        await tasks.ack([a])
        (letter,) = await take(dead, 1)
        assert (keys([letter]), letter.reason, letter.sender) == (["b"], "rejected", "yunce")
        await dead.ack([letter])


async def test_an_attempt_nobody_took_in_time_is_a_dead_letter(ground: Ground) -> None:
    await ground.control.declare(["yunce"])
    async with ground.control.dead_letters() as dead, asyncio.TaskGroup() as group:
        waiting = group.create_task(take(dead, 1))
        assert await ground.control.publish([task(life_s=0.05)]) == [None]
        await ground.wait(0.06)
        (letter,) = await waiting
        assert (keys([letter]), letter.reason, letter.sender) == (["t1"], "expired", "yunce")


async def test_an_attempt_that_is_late_already_dies_at_once(ground: Ground) -> None:
    await ground.control.declare(["yunce"])
    async with ground.control.dead_letters() as dead:
        assert await ground.control.publish([task(life_s=-1)]) == [None]
        assert [letter.reason for letter in await take(dead, 1)] == ["expired"]


async def test_an_expired_attempt_leaves_only_when_it_would_be_next(ground: Ground) -> None:
    await ground.control.declare(["yunce"])
    async with ground.control.dead_letters() as dead:
        await ground.control.publish([task("urgent", priority="high"), task("late", life_s=0.05)])
        await ground.wait(0.06)
        assert await is_quiet(dead)
        async with ground.agent.tasks("yunce", 1) as tasks:
            assert keys(await take(tasks, 1)) == ["urgent"]
            assert keys(await take(dead, 1)) == ["late"]


async def test_a_dead_letter_does_not_expire_again(ground: Ground) -> None:
    await ground.control.declare(["yunce"])
    async with ground.control.dead_letters():
        pass
    await ground.control.publish([task(life_s=0.01)])
    await ground.wait(1.0)
    async with ground.control.dead_letters() as dead:
        (letter,) = await take(dead, 1)
    await ground.wait(1.0)
    async with ground.control.dead_letters() as dead:
        (again,) = await take(dead, 1)
        assert (letter.message, again.redelivered) == (again.message, True)


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"{", b"[]", b"{}", b'{"taskId": "x", "taskId": "y"}', b"[" * 100_000, b" " * (2**20 + 1)]
)
async def test_bytes_that_are_no_message_arrive_as_such(ground: Ground, body: bytes) -> None:
    async with ground.agent.tasks("yunce", 10) as tasks:
        await ground.letters.publish([Letter(exchange=ground.topology.tasks, key="task.yunce", body=body)])
        await ground.control.publish([task()])
        arrivals = await take(tasks, 2)
        (bad,) = (arrival for arrival in arrivals if isinstance(arrival.message, Malformed))
        assert keys([arrival for arrival in arrivals if arrival is not bad]) == ["t1"]
        await tasks.reject([bad])
