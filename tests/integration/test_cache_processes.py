"""The response cache on real databases: processes that ask the same at once, and owners who must not meet."""

from __future__ import annotations

import ast
import asyncio
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import pytest

from domain.ports import UnitOfWork
from domain.task import Scope
from llm.cache import CachePolicy, ResponseCache
from tests.contract.stores import REAL, Ground, ground_of
from tests.fakes import START
from tests.integration.cache_asker import QUESTION, SCOPE, Plain

COUNT = 50


@pytest.fixture(params=REAL)
async def shared(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    async with ground_of(request) as ground:
        yield ground


@dataclass
class Answerer:
    """Stands for the model: remembers which process asked and whose first asker gave up; answers when let."""

    askers: list[str] = field(default_factory=list)
    cancelled: set[str] = field(default_factory=set)
    is_asked: asyncio.Event = field(default_factory=asyncio.Event)
    both_gave_up: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        word, name = (await reader.readline()).decode().split()
        match word:
            case "asked":
                self.askers.append(name)
                self.is_asked.set()
                await self.may_answer.wait()
            case "waiting":
                await self.is_asked.wait()
            case _:
                self.cancelled.add(name)
                if len(self.cancelled) == 2:
                    self.both_gave_up.set()
        writer.write(f"told {len(self.askers)}\n".encode())
        writer.close()


@asynccontextmanager
async def answering(answerer: Answerer) -> AsyncIterator[int]:
    async with await asyncio.start_server(answerer.serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def start(url: str, port: int, name: str) -> asyncio.subprocess.Process:
    program = [sys.executable, "-m", "tests.integration.cache_asker", url, str(port), name, str(COUNT)]
    return await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)


async def told(process: asyncio.subprocess.Process) -> dict[str, int]:
    said, _ = await process.communicate()
    assert process.returncode == 0
    found: dict[str, int] = ast.literal_eval(said.decode().splitlines()[-1])  # before it stands the log
    return found


@pytest.mark.process
async def test_two_processes_make_one_call_though_those_who_asked_first_give_up(shared: Ground) -> None:
    answerer = Answerer()
    async with answering(answerer) as port:
        processes = [await start(shared.url, port, name) for name in ("p1", "p2")]
        await answerer.both_gave_up.wait()
        answerer.may_answer.set()
        results = [await told(process) for process in processes]
    assert results == [{"given up": 1, "told 1": COUNT - 1}] * 2
    assert len(answerer.askers) == 1
    since = START - timedelta(days=3650)
    (spend,) = await shared.do(lambda uow: uow.calls.spent(SCOPE, since))
    assert (spend.calls, spend.hits) == (0, 2 * COUNT - 1)


@pytest.mark.process
async def test_when_the_asking_process_is_killed_the_other_takes_over(shared: Ground) -> None:
    answerer = Answerer()
    async with answering(answerer) as port:
        processes = {name: await start(shared.url, port, name) for name in ("p1", "p2")}
        await answerer.both_gave_up.wait()
        first = answerer.askers[0]
        processes.pop(first).kill()
        answerer.may_answer.set()
        (left,) = processes.values()
        assert await told(left) == {"given up": 1, "told 2": COUNT - 1}
    assert answerer.askers == [first, *processes]


async def test_a_thousand_cross_reads_show_nobody_anothers_text(shared: Ground) -> None:
    chance = random.Random(8)  # noqa: S311 -- the same in every run
    owners = [Scope(tenant=f"t{tenant}", owner=f"console:{user}") for tenant in range(2) for user in range(10)]
    policy = CachePolicy(holder="p", identity="host m", model="m")

    async def answer(scope: Scope, words: int) -> str:
        return f"{scope} {words}"

    def kept(scope: Scope, key: str, unit: UnitOfWork) -> str | None:
        return unit.cache.get(scope, key, shared.clock.now())

    one, two = shared.store, shared.another()
    async with (
        ResponseCache(lambda: one, shared.clock, policy) as first,
        ResponseCache(lambda: two, shared.clock, replace(policy, holder="p2")) as second,
    ):
        for _ in range(1000):
            scope, other, words = chance.choice(owners), chance.choice(owners), chance.randrange(10)
            question = replace(QUESTION, scope=scope, shaped_by=words)
            cache = chance.choice([first, second])
            assert await cache.through(question, partial(answer, scope, words), Plain()) == f"{scope} {words}"
            stolen = await shared.do(partial(kept, other, cache._key(question)))
            assert stolen == (f"{scope} {words}" if other == scope else None)
