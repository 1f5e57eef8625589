"""What a crowd costs: many people ask at once, the platform and the model answer in no time.

`python -m benchmarks.bench_crowd [--users 500] [--rounds 3] [--database URL]` prints our own share of each request:
received → first sign, received → answer visible (milliseconds, p50/p99), and the processor time of one request. Every
role runs in this one process. The second figure is of the same requests asked again: kept plans and kept answers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from app.chats import delivery, door
from app.roles import WORKING, performing
from app.session import agents_announced
from app.settings import load
from app.wiring import House, house
from bot.door import FrontDoor
from bot.governor import Governor
from bot.platform import Pace, Traits
from bot.reply import Reply
from domain.chat import ChatMessage
from domain.model import Completion, Prompt, Purpose
from domain.ports import Listener
from tests.unit.bot.platform_twin import FakePlatform

MANY = 1_000_000
PLAN = {"tasks": [{"id": "t1", "name": "echo", "skill": "echo", "params": {"text": "hello"}, "dependencies": []}]}


class InstantModel:
    """`domain.ports.Model` without anybody to wait for."""

    async def complete(self, prompt: Prompt, listener: Listener | None = None) -> Completion:
        text = json.dumps(PLAN) if prompt.purpose is Purpose.PLAN else "Done, as you asked."
        if listener is not None:
            listener.heard(text)
        return Completion(text=text, model="instant")


class Crowd:
    """People who ask, and what they get to see."""

    def __init__(self, here: House, way_in: FrontDoor, platform: FakePlatform) -> None:
        self._here = here
        self._way_in = way_in
        self._platform = platform

    async def ask(self, users: int, number: int) -> list[float]:
        """Everybody asks at once. Returns when each asked, in seconds of the loop."""
        asked: list[float] = []
        async with asyncio.TaskGroup() as group:
            for user in range(users):
                asked.append(self._platform.now())
                group.create_task(self._way_in.take(self._message(user, number), _nothing))
        return asked

    def _message(self, user: int, number: int) -> ChatMessage:
        return ChatMessage(
            platform=self._platform.name,
            bot_id=self._platform.bot_id,
            chat_id=str(user + 1),
            user_id=str(user + 1),
            update_key=f"{user}.{number}",
            message_id=str(number),
            text=f"say hello, please, to number {user}",
            received_at=self._here.clock.now(),
        )

    async def answered(self, users: int) -> None:
        """Return once everybody has an answer more."""
        while len(self._platform.answers) < users:
            await self._here.clock.sleep(0.02)


async def _nothing(_reply: Reply) -> None:
    pass


@asynccontextmanager
async def crowd(here: House) -> AsyncIterator[tuple[Crowd, FakePlatform]]:
    """Everything but a platform and a model."""
    here.__dict__["model"] = InstantModel()
    platform = FakePlatform(name="telegram", traits=Traits(), now=asyncio.get_running_loop().time)
    async with performing(here, WORKING), door(here) as way_in, asyncio.TaskGroup() as group:
        await agents_announced(here)
        delivering = group.create_task(delivery(here, platform, Governor(Pace(private_s=1.2), here.clock)).run())
        yield Crowd(here, way_in, platform), platform
        delivering.cancel()


async def bench(users: int, rounds: int, database: str) -> None:
    allowed = ",".join(f"telegram:{user + 1}" for user in range(users))
    with tempfile.TemporaryDirectory() as folder:
        settings = load(
            DATABASE_URL=database or f"sqlite:///{folder}/x.db",
            OPENAI_API_KEY="none",
            XINGSHU_WORKSPACE=folder,
            XINGSHU_ALLOWED_USERS=allowed,
            XINGSHU_USER_RATE=MANY,
            XINGSHU_SPOOL=str(Path(folder) / "spool.db"),
        )
        async with house(settings) as here, crowd(here) as (people, platform):
            for number in range(rounds + 1):
                platform.lines.clear()
                cpu_s, began = time.process_time(), time.perf_counter()
                asked = await people.ask(users, number)
                await people.answered(users)
                cost = (time.process_time() - cpu_s) / users, (time.perf_counter() - began)
                report("asked anew" if number == 0 else "asked again", platform, asked, cost)


def report(title: str, platform: FakePlatform, asked: Sequence[float], cost: tuple[float, float]) -> None:
    first, last = {}, {}
    for line in platform.lines:
        user = int(line.place.chat_id) - 1
        first.setdefault(user, line.at)
        if line.nonce[7] == "a":
            last[user] = line.shown_at
    signs = [(first[user] - at) * 1000 for user, at in enumerate(asked)]
    answers = [(last[user] - at) * 1000 for user, at in enumerate(asked)]
    calls = sum(len(line.looks) for line in platform.lines) / len(asked)
    print(f"{title}: {len(asked)} at once, {cost[1]:.2f} s in all")
    print(f"  received -> first sign     p50 {statistics.median(signs):8.1f} ms   p99 {worst(signs):8.1f} ms")
    print(f"  received -> answer visible p50 {statistics.median(answers):8.1f} ms   p99 {worst(answers):8.1f} ms")
    print(f"  processor time of a request {cost[0] * 1000:.2f} ms, calls to the platform {calls:.2f}")
    assert not platform.violations, platform.violations[:3]
    assert len(platform.answers) == len(asked), "an answer came twice"


def worst(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.99 * len(values)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--database", default="")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    asyncio.run(bench(given.users, given.rounds, given.database))


if __name__ == "__main__":
    main()
