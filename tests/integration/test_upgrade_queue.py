"""A queue that runs while programs are replaced: what the version before put in it is worked off by this one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from agents.spool import MemorySpool
from agents.surroundings import Limits, Ports
from agents.worker import Worker
from domain.task import SubtaskState
from messaging import TransportAgentBus, memory_transport
from messaging.transport import Letter
from storage import migrate, open_store
from tests.builders import chain, planned
from tests.fakes import CountingEntropy, FakeClock
from tests.unit.agents.stage import Scripted
from tests.unit.dispatcher.test_role import PATIENCE_S, dispatching, is_in

RECORDED = [
    (line["kind"], line["body"])
    for line in map(json.loads, (Path(__file__).parents[1] / "data/wire/first.jsonl").read_text().splitlines())
]


def letters(*types: str) -> list[Letter]:
    """What agents of the version before said."""
    return [
        Letter(exchange="result_exchange", key="result.echo", body=json.dumps(body).encode())
        for kind, body in RECORDED
        if kind == "report" and body["type"] in types
    ]


async def test_old_reports_end_the_attempts_they_are_about(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/t.db"
    migrate(url)
    clock = FakeClock()
    store, transport = open_store(url, clock), memory_transport(clock)
    async with dispatching(store, clock, transport) as world:
        await world.start(planned(chain("a", "b")))
        await world.tasks.ack([await world.next()])
        await transport.publish(letters("hello"))  # before it took anything
        await transport.publish(letters("started"))
        running = await world.until("a", is_in(SubtaskState.RUNNING))
        assert running.lease is not None
        assert running.lease.exec_id == "9f3a5c"
        await transport.publish(letters("result"))
        done = await world.until("a", is_in(SubtaskState.SUCCEEDED))
        assert done.result is not None
        assert done.result.output == {"text": "hi"}
        assert (await world.next()).message.task_id == "AAAAAA.b"
        await transport.publish(letters("handback"))  # of an attempt that is over: nothing happens
        assert await store.transact(lambda uow: uow.dead.open_count()) == 0
    await store.close()


async def test_an_old_attempt_is_run_by_a_new_worker() -> None:
    clock = FakeClock()
    transport = memory_transport(clock)
    bus = TransportAgentBus(transport)
    ports = Ports(bus=bus, spool=MemorySpool(), clock=clock, entropy=CountingEntropy())
    worker = Worker("echo", "w1", {"echo": Scripted()}, ports, Limits(sweep_s=0.001))
    await transport.declare([transport.topology.star, transport.topology.heartbeats])
    async with bus.tasks("echo", 1):
        pass
    bodies = [json.dumps(body).encode() for kind, body in RECORDED if kind == "task"]
    await transport.publish([Letter(exchange="task_exchange", key="task.echo", body=body) for body in bodies])
    async with transport.consume(transport.topology.star, 10) as star, asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        found: list[dict[str, object]] = []
        async with asyncio.timeout(PATIENCE_S):
            while sum(said["type"] == "result" for said in found) < len(bodies):
                found += [json.loads(parcel.body) for parcel in await star.batch(10)]
        await worker.drain()
    results = [said for said in found if said["type"] == "result"]
    assert [said["status"] for said in results] == ["success", "success"]
