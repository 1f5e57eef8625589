"""The watch says once what got stuck, and once that it moves again."""

from __future__ import annotations

from structlog.testing import capture_logs

from dispatcher.watch import Watch
from domain.backlog import Trouble
from messaging import TransportAgentBus, TransportControlBus, memory_transport
from storage import SqlStore
from tests.builders import node, plan, planned, released
from tests.fakes import FakeClock
from tests.unit.dispatcher.crew import worker
from tests.unit.dispatcher.turns import keep


async def test_what_gets_stuck_is_said_once_per_change(store: SqlStore) -> None:
    clock = FakeClock()
    transport = memory_transport(clock)
    watch = Watch(store, TransportControlBus(transport), clock, 60)
    await keep(store, released(planned(plan(node("a"))), "a"))

    async def looked() -> tuple[dict[str, Trouble], list[tuple[str, str | None]]]:
        with capture_logs() as logs:
            found = await watch.look()
        return dict(found), [(line["event"], line.get("trouble")) for line in logs]

    assert await looked() == ({"echo": Trouble.NOBODY}, [("backlog_stuck", "nobody")])
    assert await looked() == ({"echo": Trouble.NOBODY}, [])
    async with TransportAgentBus(transport).tasks("echo", 1):
        assert await looked() == ({}, [("backlog_moves", None)])
        await clock.advance(61)
        assert await looked() == ({"echo": Trouble.LATE}, [("backlog_stuck", "late")])
    assert await looked() == ({"echo": Trouble.NOBODY}, [("backlog_stuck", "nobody")])
    await store.transact(lambda uow: uow.registry.hello(worker("echo", seen_s=61)))
    assert await looked() == ({"echo": Trouble.LATE}, [("backlog_stuck", "late")])
