"""What a kept plan or answer costs, and how many calls equal questions make: `python -m benchmarks.bench_cache
[sqlite:///path | postgresql://...]...`

A hit is one transaction: the text is read, validated again and booked. Equal questions come from two processes, 50 at
once in each, and whoever asked first gives up.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from dataclasses import replace
from statistics import quantiles
from time import perf_counter
from typing import TypeVar

import structlog

from app.clock import SystemClock
from benchmarks.bench_store import POSTGRES, fresh
from domain.plan import Node, Plan
from domain.plan_check import Limits
from domain.skill import Catalogue, SkillSpec
from llm.cache import CachePolicy, Codec, Question, ResponseCache
from planner.kept import PlanCodec
from planner.planner import Planning
from planner.request import PlanRequest
from storage import open_store
from tests.integration.cache_asker import QUESTION, Plain
from tests.integration.test_cache_processes import COUNT, Answerer, answering, start, told

T = TypeVar("T")

HITS = 500
SKILLS = [SkillSpec(name=f"look{number}", description="", open_params=True) for number in range(20)]
CATALOGUE = Catalogue.of([("agent", spec) for spec in SKILLS])
POLICY = CachePolicy(holder="bench", identity="host m", model="m")


PLANS = PlanCodec(PlanRequest(text="do it", language="en", catalogue=CATALOGUE), Limits())


def plan_of(size: int) -> Planning:
    """A binary tree of steps with parameters."""
    nodes = [
        Node(
            id=f"t{at}",
            skill=f"look{at % 20}",
            name=f"Step {at} 第{at}步",
            params={"path": f"folder/file{at}.csv", "from": f"{{{{t{(at - 1) // 2}.output.rows}}}}" if at else ""},
            dependencies=(f"t{(at - 1) // 2}",) if at else (),
        )
        for at in range(size)
    ]
    return Planning(plan=Plan(nodes=tuple(nodes)), is_keepable=True)


async def hits(cache: ResponseCache, question: Question, value: T, codec: Codec[T]) -> str:
    """Milliseconds of a hit: the middle one, and the hundredth slowest."""

    async def ask() -> T:
        return value

    await cache.through(question, ask, codec)
    spent = []
    for _ in range(HITS):
        began = perf_counter()
        await cache.through(question, ask, codec)
        spent.append((perf_counter() - began) * 1e3)
    cuts = quantiles(spent, n=100)
    return f"p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms"


async def calls(url: str) -> str:
    """How many calls two processes make that ask the same at once."""
    answerer = Answerer()
    async with answering(answerer) as port:
        processes = [await start(url, port, name) for name in ("p1", "p2")]
        await answerer.both_gave_up.wait()
        answerer.may_answer.set()
        results = [await told(process) for process in processes]
    served = sum(count for result in results for word, count in result.items() if word != "given up")
    return f"{len(answerer.askers)} call(s) for 2 x {COUNT} at once; {served} served, 2 gave up"


async def measure(url: str) -> None:
    """Print the figures of one database."""
    store = open_store(url, SystemClock())
    async with ResponseCache(lambda: store, SystemClock(), POLICY) as cache:
        for size in (6, 50, 200):
            question = replace(QUESTION, kind="plan", shaped_by=size)
            print(f"    plan of {size}: {await hits(cache, question, plan_of(size), PLANS)}")
        question = replace(QUESTION, shaped_by="answer")
        print(f"    answer of 4,000 characters: {await hits(cache, question, 'word ' * 800, Plain())}")
    await store.close()
    print(f"    {await calls(url)}")


def main() -> None:
    """Measure each database of the command line, or both kinds."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as folder:
        for url in sys.argv[1:] or [f"sqlite:///{folder}/bench.db", POSTGRES]:
            print(url.partition(":")[0])
            asyncio.run(measure(fresh(url)))


if __name__ == "__main__":
    main()
