"""How fast a chat is served: the real library against a strict local Bot API server, everything else in this process.

`python -m benchmarks.bench_chat [--users 500]` prints, for requests one after another and for all users at once:
request → first sign (the card), finish → answer visible (milliseconds, p50/p99), calls per task, violations, lost.
`--paced` keeps to Telegram's limits (about 28 calls a second in all chats), which then bound everything; without it the
server has no limits and the figures are our own share.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from app.chats import delivery, door
from app.roles import WORKING, performing
from app.session import agents_announced
from app.settings import load
from app.wiring import House, house
from bot.governor import Governor
from bot.platform import Pace
from bot.platforms.telegram import TRAITS, Telegram, TelegramSettings
from tests.telegram_server import UNLIMITED, Chat, Limits, Message, Rules, TelegramServer, User

MANY = 1_000_000


@dataclass(frozen=True)
class Asked:
    """One request of one person."""

    chat: Chat
    request: Message


@asynccontextmanager
async def serving(here: House, telegram: TelegramServer, *, is_paced: bool) -> AsyncIterator[None]:
    """Everything between the Bot API and the agents."""
    governor = Governor(TRAITS.pace if is_paced else Pace(), here.clock)
    platform = Telegram(TelegramSettings(token=telegram.token, base_url=telegram.url), here.clock, governor)
    async with performing(here, WORKING), door(here) as way_in, asyncio.TaskGroup() as group:
        await agents_announced(here)
        works = [
            group.create_task(delivery(here, platform, governor).run()),
            group.create_task(platform.run(way_in)),
        ]
        yield
        for work in works:
            work.cancel()


def ask(telegram: TelegramServer, user: User, number: int) -> Asked:
    chat = telegram.people.private(user)
    return Asked(chat, telegram.people.say(chat, user, f"echo word{number}"))


def replies(telegram: TelegramServer, asked: Asked, *, is_silent: bool) -> list[Message]:
    ours = telegram.transcript.by_bot(asked.chat)
    return [one for one in ours if one.reply_to == asked.request.id and one.is_silent == is_silent]


def is_answered(telegram: TelegramServer, asked: Asked) -> bool:
    word = asked.request.text.removeprefix("echo ")
    return any(word in one.text for one in replies(telegram, asked, is_silent=False))


async def answered(telegram: TelegramServer, many: Sequence[Asked]) -> None:
    waiting = list(many)

    def all_there() -> bool:
        waiting[:] = [asked for asked in waiting if not is_answered(telegram, asked)]
        return not waiting

    await telegram.until(all_there, 300.0)


def report(title: str, telegram: TelegramServer, many: Sequence[Asked], settled: dict[str, float]) -> None:
    """Print the figures of these requests."""
    cards, answers, calls, duplicates = [], [], 0, 0
    for asked in many:
        first = next(one for one in telegram.transcript.by_bot(asked.chat) if one.reply_to == asked.request.id)
        loud = replies(telegram, asked, is_silent=False)
        word = asked.request.text.removeprefix("echo ")
        full = [version for version in loud[0].history if word in version.content.text]
        cards.append((first.sent_at - asked.request.sent_at).total_seconds() * 1000)
        answers.append(full[0].at.timestamp() * 1000 - settled[first.history[0].content.text.split()[1]])
        duplicates += sum(word in one.text for one in loud) - 1
        calls += sum(1 + one.edits for one in telegram.transcript.by_bot(asked.chat) if one.id > asked.request.id)
    print(f"{title}: {len(many)} requests")
    print(f"  request -> first sign     p50 {middle(cards):8.1f} ms   p99 {worst(cards):8.1f} ms")
    print(f"  finish -> answer visible  p50 {middle(answers):8.1f} ms   p99 {worst(answers):8.1f} ms")
    print(f"  calls per task {calls / len(many):.2f}, duplicates {duplicates}, lost 0")


def middle(values: Sequence[float]) -> float:
    return statistics.median(values)


def worst(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.99 * len(values)))]


async def finished(here: House) -> dict[str, float]:
    """When each task's answer was written, in milliseconds."""
    lines = await here.store.transact(lambda uow: uow.tasks.recent(None, MANY))
    tasks = await here.store.transact(lambda uow: [uow.tasks.peek(line.id) for line in lines])
    return {task.id: task.answered_at.timestamp() * 1000 for task in tasks if task and task.answered_at}


async def bench(users: int, database: str, *, is_paced: bool) -> None:
    limits = Limits() if is_paced else UNLIMITED
    async with TelegramServer(rules=Rules(limits=limits), keeps_requests=False) as telegram:
        people = [telegram.people.user(f"U{number}") for number in range(users)]
        allowed = ",".join(f"telegram:{user.id}" for user in people)
        with tempfile.TemporaryDirectory() as folder:
            settings = load(
                DATABASE_URL=database or f"sqlite:///{folder}/x.db",
                XINGSHU_WORKSPACE=folder,
                XINGSHU_ALLOWED_USERS=allowed,
                XINGSHU_USER_RATE=MANY,
                XINGSHU_SPOOL=str(Path(folder) / "spool.db"),
            )
            async with house(settings) as here, serving(here, telegram, is_paced=is_paced):
                alone = []
                for number in range(min(users, 40)):
                    alone.append(ask(telegram, people[number], number))
                    await answered(telegram, alone[-1:])
                report("one after another", telegram, alone, await finished(here))
                at_once = [ask(telegram, user, 1000 + number) for number, user in enumerate(people)]
                await answered(telegram, at_once)
                report("all at once", telegram, at_once, await finished(here))
        print(f"violations {len(telegram.transcript.violations())}")
        for violation in telegram.transcript.violations()[:5]:
            print(f"  {violation}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--database", default="")
    parser.add_argument("--paced", action="store_true")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    asyncio.run(bench(given.users, given.database, is_paced=given.paced))


if __name__ == "__main__":
    main()
