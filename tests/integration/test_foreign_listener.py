"""The listener of examples/: a process of its own that shares no code with us, on a real RabbitMQ."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.messages import Heartbeat, Report, ResultMessage
from domain.ports import ControlBus, Subscription
from messaging import TransportAgentBus, TransportControlBus, rabbit_transport
from messaging.topology import Topology
from messaging.transport import Letter
from tests.contract.buses import RealClock, prefix_on, take, task

pytestmark = [pytest.mark.rabbitmq, pytest.mark.process]

FOLDER = Path(__file__).parents[2] / "examples" / "listener"

# Only the names are this test's own; the listener itself must not need to know that they can be others.
RUN = """
import sys
import listener
prefix, agent, url = sys.argv[1:]
for name in ("TASKS", "RESULTS", "DEAD", "QUEUE"):
    setattr(listener, name, prefix + getattr(listener, name))
sys.argv = ["listener.py", agent, "--url", url]
listener.main()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    control: ControlBus
    letters: TransportAgentBus
    reports: Subscription[Report]
    topology: Topology


@contextmanager
def listening(prefix: str, url: str) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", RUN, prefix, "yunce", url], cwd=FOLDER)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture
async def stage(amqp_url: str) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        prefix = await stack.enter_async_context(prefix_on(amqp_url))
        transport = rabbit_transport(amqp_url, "test", RealClock(), prefix)
        stack.push_async_callback(transport.close)
        control = TransportControlBus(transport)
        reports = await stack.enter_async_context(control.reports())
        stack.enter_context(listening(prefix, amqp_url))
        yield Stage(control=control, letters=TransportAgentBus(transport), reports=reports, topology=transport.topology)


async def returned(stage: Stage) -> ResultMessage:
    (arrival,) = await take(stage.reports, 1)
    await stage.reports.ack([arrival])
    assert isinstance(arrival.message, ResultMessage)
    assert arrival.sender == "yunce"
    return arrival.message


async def test_its_result_and_its_heartbeats_are_understood(stage: Stage) -> None:
    await stage.control.declare(["yunce"])
    async with stage.control.heartbeats() as heartbeats:
        assert await stage.control.publish([task(priority="high")]) == [None]
        result = await returned(stage)
        assert (result.task_id, result.source, result.status) == ("ABC123.t1", "yunce", "success")
        assert result.content.output == {"words": 2, "common": ["two", "words"]}
        assert (result.metadata.attempt, result.metadata.exec_id) == (None, None)
        (beat,) = await take(heartbeats, 1)
        assert isinstance(beat.message, Heartbeat)
        assert (beat.message.agent, beat.message.status, beat.message.current_task) == ("yunce", "busy", "ABC123.t1")


async def test_what_it_cannot_do_comes_back_as_an_error_word(stage: Stage) -> None:
    await stage.control.declare(["yunce"])
    message = task()
    content = message.content.model_copy(update={"params": {}})
    await stage.control.publish([message.model_copy(update={"content": content})])
    result = await returned(stage)
    assert result.status == "bad_params"
    assert "params.text" in result.content.summary


async def test_what_is_no_task_becomes_a_dead_letter_and_it_goes_on(stage: Stage) -> None:
    await stage.control.declare(["yunce"])
    async with stage.control.dead_letters() as dead:
        await stage.letters._transport.publish([Letter(exchange=stage.topology.tasks, key="task.yunce", body=b"?")])
        await stage.control.publish([task("next")])
        assert (await returned(stage)).task_id == "ABC123.next"
        (letter,) = await take(dead, 1)
        assert (letter.reason, letter.sender) == ("rejected", "yunce")
