"""Many tasks in many chats, a platform with limits and faults, processes that die; and what was promised."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any

from bot import lane
from bot.delivery import Bot, DeliveryLoop, DeliverySettings, Outside
from bot.delivery.scene import Ledger
from bot.drawing.answers import Found
from bot.governor import Governor
from bot.platform import Pace, Traits
from bot.post import Attachment
from domain.ports import Store, UnitOfWork
from storage import open_store
from tests.chaos.chats.server import CALM, USUAL, Client, Line, Risks, Server
from tests.chaos.chats.story import Bus, Story
from tests.quick_time import quickly
from tests.telegram_server.flood import Limits
from tests.virtual_time import LoopClock

TELEGRAM = Traits(
    max_text=1000, pace=Pace(private_s=1.2, group_s=3.5, group_per_minute=18, overall_per_s=28.0), max_parts=6
)
TELEGRAM_LIMITS = Limits(private_per_s=1.0, private_burst=3, group_per_minute=20, overall_per_s=30.0, overall_burst=30)
DISCORD = Traits(max_text=500, pace=Pace(private_s=1.2, group_s=1.5, overall_per_s=40.0), sends_once=True)
DISCORD_LIMITS = Limits(private_per_s=1.0, private_burst=5, group_per_minute=60, overall_per_s=50.0, overall_burst=50)
QUIET_S = 900.0  # after the last task, and without faults, everything is to be shown


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much happens, and what goes wrong. `life_s`: how long a process lives on average; 0: for ever."""

    tasks: int = 10_000
    private: int = 400
    groups: int = 100
    over_s: float = 10_800.0
    life_s: float = 120.0
    risks: Risks = USUAL


@dataclass
class Outcome:
    """What came of it: broken promises, and figures."""

    broken: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    ages: dict[str, list[float]] = field(default_factory=dict)

    def share(self, name: str, of: float) -> float:
        """A percentile of an age, in seconds."""
        ages = sorted(self.ages.get(name, [0.0]))
        return ages[min(len(ages) - 1, int(of * len(ages)))]


class World:
    """Everything there is.

    Args:
        seed: what decides everything.
        size: how much.
        traits: the platform.
        limits: how it holds back whoever is too fast.
        without: a mechanism that is taken away, to see whether that is noticed: stub, intent, rest, reserve.
    """

    def __init__(
        self, seed: int, size: Size, traits: Traits = TELEGRAM, limits: Limits = TELEGRAM_LIMITS, without: str = ""
    ) -> None:
        self.random = Random(seed)  # noqa: S311 -- a simulation, not a secret
        self.size = size
        self.traits = traits
        self.limits = limits
        self.without = without
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Let it happen."""
        started = time.perf_counter()
        with _unreserved(self.without == "reserve"):
            quickly(self._play)
        self.outcome.counts["real seconds"] = round(time.perf_counter() - started)
        return self.outcome

    async def begin(self) -> None:
        """Set everything up, before anything happens."""
        size = self.size
        self.server = Server(self.random, self.traits, self.limits, size.risks, self._saw_card)
        self.store = open_store("sqlite://", LoopClock())
        chats = [str(number) for number in range(1, size.private + 1)]
        chats += [f"-{number}" for number in range(1, size.groups + 1)]
        self.bus = Bus(self.random)
        self.story = Story(self.random, self.store, self.bus, chats, size.over_s, self.traits)

    async def _play(self) -> None:
        size = self.size
        await self.begin()
        async with asyncio.TaskGroup() as group:
            processes = group.create_task(self._processes())
            async with asyncio.TaskGroup() as tasks:
                for number in range(size.tasks):
                    tasks.create_task(self.story.one(number))
            self.server.risks = CALM
            await self._until_all_is_shown()
            processes.cancel()
        self._judge()
        await self.store.close()

    async def _until_all_is_shown(self) -> None:
        until = self.server.now() + QUIET_S
        while self.server.now() < until:
            await asyncio.sleep(5.0)
            pending = await self.store.transact(lambda uow: uow.deliveries.pending("fake", "b1", 1))
            if not pending:
                return

    async def _processes(self) -> None:
        """One after the other: each knows only what is in the rows."""
        while True:
            client = Client(self.server, self._client_traits())
            is_calm = self.server.risks is CALM or not self.size.life_s
            life_s = None if is_calm else self.random.expovariate(1 / self.size.life_s)
            try:
                async with asyncio.timeout(life_s):
                    await self._loop(client).run()
            except TimeoutError:
                self.outcome.counts["deaths"] += 1
                self.outcome.counts["uncertain at death"] += len(client.uncertain)
            await asyncio.sleep(self.random.uniform(0.2, 3.0))

    def _client_traits(self) -> Traits:
        return replace(self.traits, sends_once=True) if self.without == "stub" else self.traits

    def _loop(self, client: Client) -> DeliveryLoop:
        clock = LoopClock()
        store: Any = Slow(self.store, client)
        bus: Any = self.bus
        outside = Outside(store=store, bus=bus, clock=clock, entropy=self)
        governor = Restless(self.traits.pace, clock) if self.without == "rest" else Governor(self.traits.pace, clock)
        loop = DeliveryLoop(outside, Bot(platform=client, governor=governor, find=_found), DeliverySettings())
        if self.without == "intent":
            loop._clerk._ledger = Forgetful(offering=loop._clerk._ledger.offering)
        return loop

    def bits(self, count: int) -> int:
        """Chance, for whoever asks for it as an `Entropy`."""
        return self.random.getrandbits(count)

    def jitter(self) -> float:
        return self.random.random()

    # --- what is seen -------------------------------------------------------------------------------------------------

    def _saw_card(self, task_id: str, revision: int) -> None:
        """A card shows a revision: all changes up to it have been seen now."""
        now, story = self.server.now(), self.story
        kind = "group" if story.routes[task_id].is_group else "private"
        changes = story.changes[task_id]
        story.changes[task_id] = [change for change in changes if change[1] > revision]
        for at, version in changes[: len(changes) - len(story.changes[task_id])]:
            self.outcome.ages.setdefault(f"{'card' if version else 'first card'} {kind}", []).append(now - at)

    def _judge(self) -> None:
        server, outcome = self.server, self.outcome
        outcome.broken += server.violations
        outcome.counts.update(server.counts)
        lines: dict[str, list[Line]] = {}
        for line in server.lines.values():
            lines.setdefault(line.task_id, []).append(line)
        for task_id, (text, at) in self.story.answers.items():
            outcome.broken += self._broken(task_id, text, at, lines.get(task_id, []))
        strays = sum(line.is_stub for line in server.lines.values() if line.letter in "af")
        unsure = outcome.counts["uncertain at death"] + server.counts["sends without an answer"]
        outcome.counts["stray placeholders"] = strays
        outcome.counts["ambiguous sends"] = unsure
        outcome.counts["tasks"] = len(self.story.ids)
        if strays > unsure:
            outcome.broken.append(f"{strays} stray placeholders of {unsure} ambiguous sends")

    def _broken(self, task_id: str, text: str, at: float, lines: Sequence[Line]) -> Iterator[str]:
        """Whether an answer is there, whole, once."""
        parts = [line for line in lines if line.letter == "a" and not line.is_stub]
        said = "\n\n".join(line.text for line in parts)
        if " ".join(said.split()) != " ".join(text.split()):
            self.outcome.counts["answers wrong"] += 1
            yield f"{task_id} was answered {said[:60]!r}… in {len(parts)} parts"
        files = sum(line.letter == "f" and line.has_file for line in lines)
        if files > 1:
            yield f"{task_id} has its file {files} times"
        kind = "group" if self.story.routes[task_id].is_group else "private"
        if parts:
            self.outcome.ages.setdefault(f"answer {kind}", []).append(parts[0].shown_at - at)


class Slow:
    """A store that takes its time, so that a process can die before and after a commit."""

    def __init__(self, store: Store, client: Client) -> None:
        self._store = store
        self._client = client

    async def transact(self, work: Callable[[UnitOfWork], Any]) -> Any:
        await asyncio.sleep(0.001)
        result = await self._store.transact(work)
        done = work.keywords.get("done") if isinstance(work, partial) else None
        if done is not None and done.posted is not None:
            self._client.uncertain.discard(done.posted.message_id)
        await asyncio.sleep(0.001)
        return result


class Restless(Governor):
    """A governor that takes no notice of a flood."""

    def _rest(self, *_given: Any) -> None:
        """Nothing."""


class Forgetful(Ledger):
    """A ledger that writes nothing down beforehand."""

    def turn_page(self, uow: UnitOfWork, *args: Any, **given: Any) -> Any:
        return super().turn_page(_Unwritten(uow), *args, **given)  # type: ignore[arg-type] # like one, but for posts


class _Unwritten:
    """A unit of work without intentions."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self.posts = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._uow if hasattr(self._uow, name) else self._uow.posts, name)

    def intend(self, posted: Any) -> Any:
        return posted


@contextmanager
def _unreserved(is_on: bool) -> Iterator[None]:  # noqa: FBT001 -- one caller
    """Let edits take the last turn of a bucket."""
    kept = dict(lane._LEFT)
    if is_on:
        lane._LEFT.update(dict.fromkeys(kept, 0.0))
    try:
        yield
    finally:
        lane._LEFT.update(kept)


def _found(paths: Sequence[str], _max_bytes: int) -> Found:
    return Found(attachments=tuple(Attachment(name=path, content=b"x") for path in paths))
