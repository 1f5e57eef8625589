"""One scenario: services, an installation, people who ask, faults meanwhile; then judged."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.acceptance.talking_model import settings_for
from tests.chaos.real.faults import Field
from tests.chaos.real.installation import Installation
from tests.chaos.real.load import Chats, Dag, Model, dags
from tests.chaos.real.scenarios import Scenario, Size
from tests.chaos.real.services import Postgres, Rabbit
from tests.chaos.real.skills import AGENT, RECORD
from tests.chaos.real.verdict import Seen, Verdict, judge, rows_of
from tests.fakes_model import model_server
from tests.tcp_proxy import TcpProxy, proxying
from tests.telegram_server import UNLIMITED, Rules, TelegramServer

SHORT_TIMES = {"XINGSHU_LEASE_S": "10", "XINGSHU_SWEEP_S": "1", "XINGSHU_DISPATCH_TTL_S": "5", "XINGSHU_STALL_S": "10"}
SETTLE_S = 2.0  # after the last answer: a second one would come then


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The broker and the database that scenarios take turns on."""

    folder: Path
    broker: Rabbit
    database: Postgres

    async def cleared(self) -> str:
        """Both running and empty; the URL of the database."""
        for service in (self.broker, self.database):
            if not await service.answers():
                await service.start()
        await self.broker.delete_vhost()
        return await self.database.new_database()


@asynccontextmanager
async def ground(*, consumer_timeout_s: float | None = None, keeps: bool = False) -> AsyncIterator[Ground]:
    """Start both, in a folder that other users can read too; with `keeps` it stays, with all logs. Raises NotHere."""
    folder = _folder()
    try:
        broker, database = Rabbit(folder / "rabbit", consumer_timeout_s), Postgres(folder / "postgres")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(broker.start())
                group.create_task(database.start())
            yield Ground(folder=folder, broker=broker, database=database)
        finally:
            await broker.crash()
            await database.end(signal.SIGQUIT)
    finally:
        if not keeps:
            shutil.rmtree(folder, ignore_errors=True)


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="xingshu-chaos-"))
    folder.chmod(0o755)
    return folder


@dataclass(frozen=True, kw_only=True)
class Stage:
    """An installation that works, people who can ask it, and what can be done to it."""

    chats: Chats
    field: Field
    record: Path
    database_url: str

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Look into the database."""
        return rows_of(self.database_url, query)

    def judged(self, late: list[Dag]) -> Verdict:
        """What came of it. `late` got no answer in time."""
        seen = Seen(
            chats=self.chats,
            late=late,
            blows=self.field.installation.blows,
            record=self.record,
            database_url=self.database_url,
            faults=self.field.done,
            outages=self.field.outages + self.field.installation.starved(),
        )
        return judge(seen)


async def run(scenario: Scenario, size: Size, on: Ground, seed: int = 1) -> Verdict:
    """Play a scenario and judge it."""
    chance = random.Random(seed)  # noqa: S311 -- the same again with the same number
    wanted = dags(size.requests, scenario.shape, chance)
    async with staged(scenario, wanted, on, chance) as stage:
        late = await _asked(scenario, size, stage.chats, stage.field)
        await asyncio.sleep(SETTLE_S)
        return await asyncio.to_thread(stage.judged, late)


@asynccontextmanager
async def staged(
    scenario: Scenario, wanted: list[Dag], on: Ground, chance: random.Random, **more: str
) -> AsyncIterator[Stage]:
    """The processes of a scenario with everything around them; `more` are settings."""
    folder = on.folder / f"{scenario.name}-{time.monotonic_ns()}"
    folder.mkdir()
    async with AsyncExitStack() as stack:
        # Flood control is another suite's: here it would count what arrives late, and therefore together.
        telegram = await stack.enter_async_context(TelegramServer(rules=Rules(limits=UNLIMITED)))
        model = await stack.enter_async_context(model_server(Model(wanted)))
        chats = Chats(telegram, wanted)
        database_url = f"sqlite:///{folder}/rows.db" if scenario.is_embedded else await on.cleared()
        chosen = {
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_BASE_URL": telegram.url,
            "XINGSHU_ALLOWED_USERS": chats.allowed,
            "DATABASE_URL": database_url,
            **({"XINGSHU_AGENTS": AGENT} if scenario.is_embedded else {"AMQP_URL": on.broker.url}),
        }
        settings, proxies = SHORT_TIMES | settings_for(model) | chosen | more, {}
        if scenario.has_proxies:
            settings, proxies = await _behind_proxies(settings, stack)
        installation = Installation(folder, settings)
        await stack.enter_async_context(installation.running(scenario.processes))
        field = Field(
            installation=installation,
            broker=on.broker,
            database=on.database,
            telegram=telegram,
            proxies=proxies,
            chance=chance,
        )
        yield Stage(chats=chats, field=field, record=folder / RECORD, database_url=database_url)


async def _asked(scenario: Scenario, size: Size, chats: Chats, field: Field) -> list[Dag]:
    """Everybody asks, and all faults happen meanwhile; then there is peace. Those who got no answer in time."""
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(chats.ask_all(size.pause_s, size.lasts_s + size.within_s))
        faults = [group.create_task(fault(field)) for fault in scenario.faults]
        await asyncio.sleep(size.lasts_s)
        for fault in faults:
            fault.cancel()
        await asyncio.wait(faults) if faults else None
        await field.heal()
    return asking.result()


async def _behind_proxies(
    settings: Mapping[str, str], stack: AsyncExitStack
) -> tuple[dict[str, str], dict[str, TcpProxy]]:
    """The same settings with a proxy on the way to each service."""
    changed, proxies = dict(settings), {}
    for name, setting in (
        ("database", "DATABASE_URL"),
        ("broker", "AMQP_URL"),
        ("chat", "TELEGRAM_API_BASE_URL"),
        ("model", "OPENAI_BASE_URL"),
    ):
        port = urlsplit(settings[setting]).port or 0
        proxies[name] = await stack.enter_async_context(proxying(TcpProxy("127.0.0.1", port)))
        changed[setting] = settings[setting].replace(f":{port}", f":{proxies[name].port}")
    return changed, proxies
