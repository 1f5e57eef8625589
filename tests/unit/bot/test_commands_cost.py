from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.reply import Reply
from domain import events as e
from domain.model import Purpose, Usage
from domain.plan import Plan
from domain.ports import Call, UnitOfWork
from domain.progress import run
from domain.task import Scope
from domain.texts import Language
from tests.unit.bot.fakes import Stage, plan_of, released, stage, succeeded

USAGE = Usage(model="gpt-x", prompt_tokens=1000, completion_tokens=200, cost=0.01)


async def text_of(on: Stage, text: str, user: str = "ann") -> str:
    reply = await on.say(text, user=user)
    assert isinstance(reply, Reply)
    return reply.text


async def book(on: Stage, task_id: str | None, user: str = "ann", **changes: Any) -> None:
    given: dict[str, Any] = {
        "scope": Scope(tenant="local", owner=f"fake:{user}"),
        "task_id": task_id,
        "purpose": Purpose.PLAN,
        "usage": USAGE,
        "at": on.clock.now(),
    }
    await on.store.transact(lambda uow: uow.calls.add([Call(**{**given, **changes})]))


async def test_cost_of_one_task() -> None:
    async with stage() as on:
        task_id = await on.accepted(plan_of("a"))
        assert await text_of(on, f"/cost {task_id}") == f"No language model was asked for {task_id}."
        await book(on, task_id)
        await book(on, task_id, is_hit=True, usage=Usage(model="gpt-x"))
        await book(on, "OTHER1")
        assert (await text_of(on, f"/cost {task_id}")).splitlines() == [
            f"{task_id}: 1 call(s) · 1 kept answer(s) used instead · 1,000 + 200 tokens · $0.0100",
            "    planning · gpt-x: 1 call(s) · 1 kept answer(s) used instead · 1,000 + 200 tokens · $0.0100",
        ]


async def test_cost_lately_is_ones_own_and_of_thirty_days() -> None:
    async with stage() as on:
        await book(on, None, at=on.clock.now() - timedelta(days=31))
        await book(on, None, user="bob")
        assert "No language model" in await text_of(on, "/cost")
        await book(on, None)
        await book(on, "AAAAAA", purpose=Purpose.ANSWER)
        assert (await text_of(on, "/cost")).startswith("The last 30 days: 2 call(s) · 2,000 + 400 tokens · $0.0200")


async def test_cost_of_somebody_elses_task_is_not_found() -> None:
    async with stage() as on:
        theirs = await on.accepted(plan_of("a"), user="bob")
        await book(on, theirs, user="bob")
        reply = await on.say(f"/cost {theirs}")
        assert reply.is_refusal
        assert "$" not in reply.text


async def has_run(on: Stage, seconds: float) -> None:
    """One attempt of the skill that plans here consist of."""
    task_id = await on.accepted(plan_of("a"))
    begun = released("a", on.clock)
    await on.clock.advance(seconds)
    done = succeeded("a", on.clock)

    def work(uow: UnitOfWork) -> None:
        task, effects = run(uow.tasks.lock([task_id])[task_id], [begun, done])
        uow.tasks.put(task, [effect.attempt for effect in effects if isinstance(effect, e.RecordAttempt)])

    await on.store.transact(work)


@pytest.mark.parametrize(("text", "expected"), [("count", "About 24 s, from history."), ("清点", "预计 24 秒。")])
async def test_a_preview_says_how_long_it_will_take(text: str, expected: str) -> None:
    async def preview(_scope: Scope, text: str, language: Language) -> Plan:
        return plan_of("a", "b")

    async with stage(preview) as on:
        assert "history" not in await text_of(on, f"/plan {text}")
        assert "历史" not in await text_of(on, f"/plan {text}")
        await has_run(on, 12)
        assert (await text_of(on, f"/plan {text}")).splitlines()[-1].endswith(expected)
        await on.clock.advance(31 * 24 * 3600)
        assert expected not in await text_of(on, f"/plan {text}")
