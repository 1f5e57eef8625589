"""Chats in virtual time: `python -m benchmarks.bench_chats [tasks]` (10,000 unless said otherwise).

Tasks in 500 chats through the real delivery, its governor and its drawing, to platforms that enforce their limits, with
processes that die; then 500 people who ask at the same moment, and what an idle chat costs. Exit code 1 when a promise
was broken.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import time
import tracemalloc
from dataclasses import replace

import structlog

from bot.delivery import Bot, DeliveryLoop, DeliverySettings, Outside
from bot.files import nothing_found
from bot.governor import Governor
from tests.chaos.chats.server import CALM, ROUGH, Client, Risks
from tests.chaos.chats.world import DISCORD, DISCORD_LIMITS, TELEGRAM, TELEGRAM_LIMITS, Outcome, Size, World
from tests.quick_time import quickly
from tests.virtual_time import LoopClock

TASKS = 10_000
PACE = 1.08  # seconds between two requests, over all chats
IDLE = 1_000
FIGURES = ("first card private", "card private", "answer private", "first card group", "card group", "answer group")


def main() -> int:
    """Print the tables."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else TASKS
    broken = 0
    for name, size in _sizes(tasks).items():
        for platform in ("telegram", "discord"):
            broken += _play(f"{platform}, {name}", size, platform)
    _crowd()
    quickly(_memory)
    return 1 if broken else 0


def _sizes(tasks: int) -> dict[str, Size]:
    whole = Size(tasks=tasks, over_s=tasks * PACE)
    tenth = replace(whole, tasks=tasks // 10, over_s=tasks * PACE / 10)
    return {
        "faults and deaths": whole,
        "nothing goes wrong": replace(tenth, life_s=0.0, risks=CALM),
        "everything goes wrong": replace(tenth, life_s=30.0, risks=ROUGH),
    }


def _play(name: str, size: Size, platform: str) -> int:
    traits, limits = (TELEGRAM, TELEGRAM_LIMITS) if platform == "telegram" else (DISCORD, DISCORD_LIMITS)
    outcome = World(1, size, traits, limits).run()
    _print(name, outcome)
    return len(outcome.broken)


def _print(name: str, outcome: Outcome) -> None:
    counts = outcome.counts
    print(f"\n{name}: {counts['tasks']} tasks, {counts['real seconds']} s of real time")
    print(f"  promises broken {len(outcome.broken)} {outcome.broken[:3] or ''}")
    print(f"  calls {counts['calls']}, edits per task {counts['edits'] / counts['tasks']:.1f}")
    print(f"  refusals made up {counts['bans']}, others {counts['told to wait']}; processes died {counts['deaths']}")
    print(f"  ambiguous sends {counts['ambiguous sends']}, stray placeholders {counts['stray placeholders']}")
    for figure in FIGURES:
        shares = ", ".join(f"p{share * 100:g} {outcome.share(figure, share):.2f} s" for share in (0.5, 0.95, 0.99))
        print(f"  {figure:<20}{shares}")


def _crowd() -> None:
    """Everybody at once."""
    size = Size(tasks=500, private=500, groups=0, over_s=0.01, life_s=0.0, risks=Risks(flooded=0, before=0, after=0))
    started = time.perf_counter()
    outcome = World(2, size, TELEGRAM, TELEGRAM_LIMITS).run()
    _print(f"500 people ask at once ({time.perf_counter() - started:.0f} s of real time)", outcome)


async def _memory() -> None:
    """What is kept of chats after everything in them is over."""
    size = Size(tasks=IDLE, private=IDLE, groups=0, over_s=60.0, life_s=0.0, risks=CALM)
    world = World(3, size)
    outside_pace = replace(TELEGRAM, pace=replace(TELEGRAM.pace, overall_per_s=0.0))
    governor = Governor(outside_pace.pace, LoopClock())
    await world.begin()
    client = Client(world.server, outside_pace)
    bus, store = world.bus, world.store
    outside = Outside(store=store, bus=bus, clock=LoopClock(), entropy=world)  # type: ignore[arg-type] # nudges only
    loop = DeliveryLoop(
        outside, Bot(platform=client, governor=governor, find=nothing_found), DeliverySettings(sweep_s=60.0)
    )
    tracemalloc.start()
    async with asyncio.TaskGroup() as group:
        work = group.create_task(loop.run())
        await asyncio.sleep(1.0)
        before = _bytes_of_bot()
        async with asyncio.TaskGroup() as tasks:
            for number in range(IDLE):
                tasks.create_task(world.story.one(number))
        await asyncio.sleep(600.0)
        after = _bytes_of_bot()
        work.cancel()
    await store.close()
    print(f"\n{IDLE} idle chats: {(after - before) / 1024:.0f} KiB, {governor.known} of them with a pace of their own")


def _bytes_of_bot() -> int:
    gc.collect()
    wanted = tracemalloc.Filter(inclusive=True, filename_pattern="*/bot/*")
    return sum(one.size for one in tracemalloc.take_snapshot().filter_traces([wanted]).statistics("filename"))


if __name__ == "__main__":
    sys.exit(main())
