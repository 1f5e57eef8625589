"""A process that asks one question many times at once: DATABASE_URL PORT NAME COUNT. What its cache has to ask for it
asks the test at PORT, a connection a question. Prints what it was told, and how often."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter

from app.clock import SystemClock
from domain.model import Purpose
from domain.task import Scope
from llm.cache import CachePolicy, Question, ResponseCache
from storage import open_store

SCOPE = Scope(tenant="main", owner="console:ann")
QUESTION = Question(scope=SCOPE, kind="answer", purpose=Purpose.ANSWER, shaped_by={"text": "?"}, ttl_s=60)
LEASE_S = 1.0


class Plain:
    """Texts kept as they are."""

    def dump(self, value: str) -> str | None:
        return value

    def load(self, text: str) -> str | None:
        return text


async def tell(port: int, *words: str) -> str:
    """Say a line and wait for the reply."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(" ".join(words).encode() + b"\n")
    reply = (await reader.readline()).decode().strip()
    writer.close()
    return reply


async def main(url: str, port: int, name: str, count: int) -> None:
    clock = SystemClock()
    store = open_store(url, clock)
    policy = CachePolicy(holder=name, identity="host m", model="m", lease_s=LEASE_S)
    async with ResponseCache(lambda: store, clock, policy) as cache, asyncio.TaskGroup() as group:
        asking = [
            group.create_task(cache.through(QUESTION, lambda: tell(port, "asked", name), Plain())) for _ in range(count)
        ]
        await tell(port, "waiting", name)  # for somebody to be asked
        asking[0].cancel()
        await tell(port, "cancelled", name)
        await asyncio.wait(asking)
    await store.close()
    print(dict(Counter("given up" if one.cancelled() else one.result() for one in asking)))  # noqa: T201 -- its purpose


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
