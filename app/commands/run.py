"""`run`: execute a given plan, once or many times."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass

from app.exits import ANSWERED, FAILED, answer, tell, terminal_language
from app.planning import live_catalogue
from app.session import Session, read_text, session
from app.settings import Settings
from domain import strict_json
from domain.errors import Malformed, PlanRefused
from domain.plan import Plan
from domain.plan_check import Limits, problems
from domain.plan_json import read_plan
from domain.plan_repair import repair
from domain.skill import Catalogue
from domain.task import TaskState
from domain.texts import say


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """How one execution went; `seconds` from handing in to the answer."""

    state: TaskState
    subtasks: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How often to execute a plan, and how many at once."""

    count: int
    concurrency: int


async def run(settings: Settings, *, file: str, as_json: bool, load: Load, user: str | None) -> int:
    """Execute the plan in `file`. Many times over, print throughput and latency instead of answers."""
    document = _parsed(read_text(file))
    async with session(settings, user) as here:
        plan = accepted(read_plan(document), await live_catalogue(here.here), here.here.limits)
        if load.count == 1:
            submitted = await here.intake.submit_plan(here.message(_title(plan)), plan)
            return await here.see_through(submitted.task_id, as_json=as_json)
        return await _many(here, plan, load, as_json=as_json)


def accepted(plan: Plan, catalogue: Catalogue, limits: Limits) -> Plan:
    """The plan, mended and bound. Raises PlanRefused with every problem that is left."""
    if len(plan.nodes) <= limits.max_nodes:  # mending a flood is not worth the time
        plan = repair(plan, catalogue)
    found = problems(plan, catalogue, limits)
    if found:
        raise PlanRefused(found)
    return plan


def _parsed(text: str) -> object:
    try:
        return strict_json.loads(text)
    except Malformed as error:
        raise Malformed("plan.not_json", detail=error.values.get("detail", "")) from error


def _title(plan: Plan) -> str:
    return "; ".join(node.title for node in plan.nodes[:5]) or plan.answer or "plan"


async def _many(here: Session, plan: Plan, load: Load, *, as_json: bool) -> int:
    """Run the plan so often, and print what came of it."""
    free = asyncio.Semaphore(load.concurrency)
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(_timed(here, plan, free)) for _ in range(load.count)]
    report = _measured([task.result() for task in runs], time.perf_counter() - begun)
    failed = report["failed"]
    language = terminal_language()
    if as_json:
        answer(json.dumps(report))
    else:
        answer(
            say(
                "cli.run_done",
                language,
                tasks=load.count,
                subtasks=report["subtasks"],
                seconds=report["seconds"],
                rate=report["subtasks_per_s"],
                p50=report["p50_ms"],
                p99=report["p99_ms"],
            )
        )
    if failed:
        tell(say("cli.run_failed", language, count=failed, tasks=load.count))
    return FAILED if failed else ANSWERED


async def _timed(here: Session, plan: Plan, free: asyncio.Semaphore) -> Timed:
    async with free:
        begun = time.perf_counter()
        submitted = await here.intake.submit_plan(here.message(_title(plan)), plan)
        task = await here.follower.answered(submitted.task_id)
        return Timed(state=task.state, subtasks=len(task.subtasks), seconds=time.perf_counter() - begun)


def _measured(runs: list[Timed], seconds: float) -> dict[str, float]:
    took = sorted(run.seconds for run in runs)
    subtasks = sum(run.subtasks for run in runs)
    return {
        "tasks": len(runs),
        "subtasks": subtasks,
        "failed": sum(run.state is not TaskState.ANSWERED for run in runs),
        "seconds": round(seconds, 4),
        "subtasks_per_s": round(subtasks / seconds, 1),
        "p50_ms": round(_percentile(took, 50) * 1000, 2),
        "p99_ms": round(_percentile(took, 99) * 1000, 2),
    }


def _percentile(ordered: list[float], percent: int) -> float:
    """The nearest-rank percentile of a non-empty sorted list."""
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]
