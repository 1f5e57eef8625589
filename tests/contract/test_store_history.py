"""What was said, asked, spent and measured, each to whom it belongs: conversations, questions, the books."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from domain import events as e
from domain.answer import Answer, Author, Statement
from domain.messages import KEPT
from domain.model import Purpose, Usage
from domain.ports import NEWEST, Call, Measured, Spend, UnitOfWork
from domain.task import Attempt, Failure, Outcome, Result, Route, Scope, Task, TaskState
from tests.builders import ROUTE, SCOPE, node, plan, planned, released, task
from tests.contract.stores import Ground
from tests.fakes import START

BOB = Scope(tenant="main", owner="console:bob")
FAR = START + timedelta(days=1)
SECOND = timedelta(seconds=1)


def at(seconds: float) -> datetime:
    return START + seconds * SECOND


def answer(text: str) -> Answer:
    return Answer(statements=(Statement(text=text),), author=Author.MODEL)


def answered(task_id: str, seconds: float, **changes: Any) -> Task:
    said = {"request": f"say {task_id}", "answer": answer(f"said {task_id}"), "state": TaskState.ANSWERED}
    return task(task_id, created_at=at(seconds), settled_at=at(seconds), **{**said, **changes})


def waiting(task_id: str, seconds: float, **changes: Any) -> Task:
    return task(task_id, created_at=at(seconds), state=TaskState.WAITING, question="which?", **changes)


# --- conversations and questions ------------------------------------------------------------------------------


async def test_a_conversation_is_what_was_answered_in_this_chat_oldest_first(ground: Ground) -> None:
    await ground.add(
        answered("AAAAAA", 1),
        answered("BBBBBB", 2, state=TaskState.FAILED),
        task("CCCCCC", created_at=at(3)),
        answered("DDDDDD", 4, scope=BOB),
        answered("EEEEEE", 4, scope=replace(SCOPE, tenant="other")),
        answered("FFFFFF", 4, route=replace(ROUTE, chat_id="elsewhere")),
        answered("GGGGGG", 4, route=replace(ROUTE, bot_id="other")),
        answered("HHHHHH", 4, route=replace(ROUTE, platform="telegram")),
        answered("JJJJJJ", 5),
        answered("KKKKKK", 7),
    )
    now = task("ZZZZZZ", created_at=at(7))

    async def talk(since: float, limit: int, of: Task = now) -> list[str]:
        found = await ground.do(lambda unit: unit.tasks.conversation(of, at(since), limit))
        assert all(exchange.reply == exchange.said.replace("say", "said") for exchange in found)
        return [exchange.said.removeprefix("say ") for exchange in found]

    assert await talk(0, 9) == ["AAAAAA", "BBBBBB", "GGGGGG", "JJJJJJ"]
    assert await talk(0, 2) == ["GGGGGG", "JJJJJJ"]
    assert await talk(2, 9) == ["BBBBBB", "GGGGGG", "JJJJJJ"]
    assert await talk(0, 0) == []
    assert await talk(0, 9, task("AAAAAA", created_at=at(1))) == []
    assert await talk(0, 9, replace(now, scope=BOB)) == ["DDDDDD"]


async def test_the_newest_question_of_this_user_in_this_chat_is_asking(ground: Ground) -> None:
    await ground.add(
        waiting("AAAAAA", 1),
        waiting("BBBBBB", 2),
        waiting("CCCCCC", 3, scope=BOB),
        waiting("DDDDDD", 3, route=replace(ROUTE, chat_id="elsewhere")),
        replace(waiting("EEEEEE", 3), state=TaskState.RECEIVED),
        replace(waiting("FFFFFF", 3), question=None),  # waits for approval
    )

    async def asking(scope: Scope = SCOPE, route: Route = ROUTE) -> str | None:
        return await ground.do(lambda unit: unit.tasks.asking(scope, route))

    assert await asking() == "BBBBBB"
    assert await asking(BOB) == "CCCCCC"
    assert await asking(route=replace(ROUTE, chat_id="elsewhere")) == "DDDDDD"
    for nowhere in (replace(ROUTE, bot_id="other"), replace(ROUTE, platform="telegram")):
        assert await asking(route=nowhere) is None
    await ground.happens("BBBBBB", e.QuestionAnswered(reply="this", at=START))
    assert await asking() == "AAAAAA"


# --- the books ------------------------------------------------------------------------------------------------


def call(scope: Scope = SCOPE, **changes: Any) -> Call:
    usage = {"model": "m", "prompt_tokens": 10, "completion_tokens": 2, "cached_tokens": 1, "cost": 0.5, "seconds": 1.0}
    given = {name: changes.pop(name) for name in list(changes) if name in Usage.__dataclass_fields__}
    fields = {"task_id": "AAAAAA", "purpose": Purpose.PLAN, "at": START}
    return Call(scope=scope, usage=Usage(**{**usage, **given}), **{**fields, **changes})


def spend(**changes: Any) -> Spend:
    fields = {"calls": 1, "hits": 0, "failures": 0, "prompt_tokens": 10, "completion_tokens": 2, "cost": 0.5}
    return Spend(**{"purpose": Purpose.PLAN, "model": "m", "is_estimated": False, **fields, **changes})


async def book(ground: Ground, *calls: Call) -> None:
    await ground.do(lambda unit: unit.calls.add(calls))


async def test_calls_are_summed_by_purpose_and_model(ground: Ground) -> None:
    await book(ground)
    await book(
        ground,
        call(),
        call(failed="timeout", prompt_tokens=0, completion_tokens=0, cost=0.0),
        call(purpose=Purpose.AGENT, skill="write", is_estimated=True),
        call(model="n", cost=0.0),  # no price is known
        call(model="n", task_id=None, at=at(-1)),
        call(BOB),
    )
    assert await ground.do(lambda unit: unit.calls.spent(SCOPE, START)) == [
        spend(purpose=Purpose.AGENT, is_estimated=True),
        spend(calls=2, failures=1),
        spend(model="n", cost=0.0, is_estimated=True),
    ]
    assert await ground.do(lambda unit: unit.calls.spent(SCOPE, at(1))) == []
    assert await ground.do(lambda unit: unit.calls.spent_on(SCOPE, "BBBBBB")) == []


async def test_what_was_kept_costs_nothing(ground: Ground) -> None:
    await book(ground, call(is_hit=True), call(is_hit=True, cost=0.0, is_estimated=True), call())
    assert await ground.do(lambda unit: unit.calls.spent_on(SCOPE, "AAAAAA")) == [spend(hits=2)]


async def test_calls_are_written_with_the_rest_of_their_transaction_or_not_at_all(ground: Ground) -> None:
    def fail(unit: UnitOfWork) -> None:
        unit.calls.add([call()])
        raise LookupError

    with pytest.raises(LookupError):
        await ground.do(fail)
    assert await ground.do(lambda unit: unit.calls.spent(SCOPE, START)) == []


async def test_whatever_a_server_claims_can_be_written_down(ground: Ground) -> None:
    odd = call(
        prompt_tokens=10**15, completion_tokens=10**15, cached_tokens=10**15, model="m\x00", failed="half \ud83d"
    )
    await book(ground, odd)
    (found,) = await ground.do(lambda unit: unit.calls.spent(SCOPE, START))
    assert (found.model, found.prompt_tokens) == ("m\ufffd", 2**31 - 1)


async def test_a_skill_is_measured_by_what_it_finished(ground: Ground) -> None:
    nodes = [node(key, skill=skill) for key, skill in (("a", "read"), ("b", "read"), ("c", "write"), ("d", "write"))]
    begun = released(planned(plan(*nodes)), "a", "b", "c")
    kept = e.Released(key="d", agent=KEPT, at=at(5), due_at=FAR)
    await ground.add(begun)
    result = Result(summary="")
    ends: list[e.Event] = [
        e.Succeeded(key="a", attempt=1, exec_id=None, agent="echo", result=result, at=at(2)),
        e.Succeeded(key="b", attempt=1, exec_id=None, agent="echo", result=result, at=at(4)),
        e.Failed(key="c", attempt=1, exec_id=None, agent="echo", failure=Failure(code="x"), at=at(100), jitter=0.0),
        kept,
        e.Succeeded(key="d", attempt=1, exec_id=None, agent=KEPT, result=result, at=at(5)),
    ]
    await ground.happens("AAAAAA", *ends)
    await book(
        ground,
        call(skill="read", cost=0.5, at=at(2)),
        call(skill="read", cost=0.25, at=at(4)),
        call(skill="read", is_hit=True, at=at(4)),
        call(skill="write", at=at(4)),
        call(cost=99.0, at=at(4)),
    )

    async def measured(since: float) -> Any:
        return await ground.do(lambda unit: unit.tasks.measured(at(since)))

    assert await measured(0) == {"read": Measured(attempts=2, seconds=3.0, cost=0.375)}
    assert await measured(3) == {"read": Measured(attempts=1, seconds=4.0, cost=0.25)}
    assert await measured(5) == {}


async def test_of_many_the_newest_are_measured(ground: Ground) -> None:
    """Whatever a skill took in a past that busier days have buried counts no more."""
    await ground.add(released(planned(plan(node("a"), node("b", skill="read"))), "a", "b"))
    result = Result(summary="")
    old = e.Succeeded(key="a", attempt=1, exec_id=None, agent="echo", result=result, at=at(9))
    await ground.happens("AAAAAA", old)
    new = [
        Attempt(
            key="b",
            number=number,
            agent="echo",
            worker=None,
            exec_id=None,
            started_at=at(10),
            ended_at=at(12),
            outcome=Outcome.SUCCEEDED,
            skill="read",
        )
        for number in range(NEWEST)
    ]
    await ground.do(lambda unit: unit.tasks.put(replace(unit.tasks.lock(["AAAAAA"])["AAAAAA"], request="x"), new))
    measured = await ground.do(lambda unit: unit.tasks.measured(START))
    assert measured == {"read": Measured(attempts=NEWEST, seconds=2.0, cost=0.0)}


# --- to whom it belongs ---------------------------------------------------------------------------------------

OWNERS = [
    Scope(tenant=tenant, owner=f"console:{name}") for tenant in ("main", "other") for name in ("ann", "bob", "cy")
]
CHATS = [replace(ROUTE, chat_id=chat) for chat in ("one", "two")]
KEYS = [f"key{number}" for number in range(5)]
TASKS = [f"{number:06d}" for number in range(60)]
SECRET = "secret of {}"


def _furnish(unit: UnitOfWork) -> None:
    """Every owner has a text under every key, and in every chat something that was said and something asked."""
    for place, task_id in enumerate(TASKS):
        owner, chat = OWNERS[place % len(OWNERS)], CHATS[place // len(OWNERS) % 2]
        secret = SECRET.format(owner)
        mine = {"scope": owner, "route": chat, "request": secret}
        is_asking = place // len(OWNERS) // 2 % 2
        unit.tasks.add(waiting(task_id, place, **mine) if is_asking else answered(task_id, place, **mine))
        unit.calls.add([call(owner, task_id=task_id, model=secret, at=at(place))])
    for owner in OWNERS:
        for key in KEYS:
            unit.cache.put(owner, key, "answer", SECRET.format(owner), FAR)


def _look(chance: random.Random, unit: UnitOfWork) -> tuple[Scope, list[str]]:
    """One look of some user at something, theirs or not, by whatever name; what it brought."""
    owner, chat, task_id = chance.choice(OWNERS), chance.choice(CHATS), chance.choice(TASKS)
    match chance.randrange(5):
        case 0:
            text = unit.cache.get(owner, chance.choice(KEYS), START)
            return owner, [text or ""]
        case 1:
            return owner, [spent.model for spent in unit.calls.spent(owner, at(chance.randrange(60)))]
        case 2:
            return owner, [spent.model for spent in unit.calls.spent_on(owner, task_id)]
        case 3:
            now = task("ZZZZZZ", scope=owner, route=chat, created_at=FAR)
            return owner, [exchange.said for exchange in unit.tasks.conversation(now, START, 20)]
        case _:
            asking = unit.tasks.asking(owner, chat)
            found = unit.tasks.find(owner, asking) if asking else None
            assert found is None or found.route == chat
            return owner, [found.request] if found else ["?"] * bool(asking)


async def test_a_thousand_looks_never_show_what_is_somebody_elses(shared: Ground) -> None:
    await shared.do(_furnish)
    chance = random.Random(7)  # noqa: S311 -- a walk that can be repeated
    shown = 0

    def look_around(unit: UnitOfWork) -> list[tuple[Scope, list[str]]]:
        return [_look(chance, unit) for _ in range(50)]

    for _ in range(20):
        for owner, texts in await shared.do(look_around):
            assert set(texts) <= {SECRET.format(owner)}
            shown += bool(texts)
    assert shown > 500


async def test_forgetting_one_users_texts_leaves_the_others(shared: Ground) -> None:
    await shared.do(_furnish)
    assert await shared.do(lambda unit: unit.cache.purge(OWNERS[0])) == len(KEYS)
    for owner in OWNERS:
        texts = [await shared.do(partial(_read, owner, key)) for key in KEYS]
        assert texts == [None if owner == OWNERS[0] else SECRET.format(owner)] * len(KEYS)


def _read(owner: Scope, key: str, unit: UnitOfWork) -> str | None:
    return unit.cache.get(owner, key, START)
