"""What was sent and what came in: `Outbox` and `Inbox`."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain import events as e
from domain.ids import SubtaskId
from domain.task import Failure, Lease
from tests.builders import chain, node, plan, planned, released, task
from tests.contract.stores import Ground
from tests.fakes import START

FAR = START + timedelta(days=1)
A, B = SubtaskId("AAAAAA", "a"), SubtaskId("AAAAAA", "b")


async def waiting(ground: Ground, before: datetime = FAR, limit: int = 10) -> list[tuple[SubtaskId, int]]:
    return await ground.do(lambda unit: unit.outbox.unpublished(before, limit))


async def confirm(ground: Ground, *sent: tuple[SubtaskId, int]) -> None:
    await ground.do(lambda unit: unit.outbox.confirm(sent, START))


async def try_again(ground: Ground) -> None:
    """The first attempt of `a` fails, a second is sent."""
    failed = e.Failed(
        key="a", attempt=1, exec_id=None, agent="echo", failure=Failure(code="x", retryable=True), at=START, jitter=0.0
    )
    again = e.Released(key="a", agent="echo", at=START, due_at=FAR)
    await ground.happens("AAAAAA", failed, again)


async def test_what_was_dispatched_waits_until_it_is_confirmed(ground: Ground) -> None:
    await ground.add(released(planned(plan(node("b"), node("a"), node("c"))), "b", "a"))
    assert await waiting(ground) == [(B, 1), (A, 1)]
    assert await waiting(ground, limit=1) == [(B, 1)]
    await confirm(ground, (B, 1), (SubtaskId("ZZZZZZ", "z"), 1))
    assert await waiting(ground) == [(A, 1)]
    await confirm(ground)
    await confirm(ground, (A, 1))
    assert await waiting(ground) == []


async def test_only_what_was_dispatched_by_then_and_oldest_first(ground: Ground) -> None:
    await ground.add(planned(plan(node("a"), node("b"))))
    later = START + timedelta(seconds=1)
    await ground.happens("AAAAAA", e.Released(key="a", agent="echo", at=later, due_at=FAR))
    await ground.happens("AAAAAA", e.Released(key="b", agent="echo", at=START, due_at=FAR))
    assert await waiting(ground, before=START) == [(B, 1)]
    assert await waiting(ground, before=START - timedelta(microseconds=1)) == []
    assert await waiting(ground, before=later) == [(B, 1), (A, 1)]


async def test_confirming_an_attempt_that_moved_on_is_ignored(ground: Ground) -> None:
    await ground.add(released(planned(chain("a")), "a"))
    await try_again(ground)
    await confirm(ground, (A, 1))
    assert await waiting(ground) == [(A, 2)]


async def test_a_new_attempt_is_not_published_although_the_last_one_was(ground: Ground) -> None:
    await ground.add(released(planned(chain("a")), "a"))
    await confirm(ground, (A, 1))
    await try_again(ground)
    assert await waiting(ground) == [(A, 2)]


async def test_what_is_running_has_arrived(ground: Ground) -> None:
    await ground.add(released(planned(chain("a")), "a"))
    lease = Lease(exec_id="x", worker="w", until=FAR)
    await ground.happens("AAAAAA", e.Started(key="a", attempt=1, lease=lease, at=START, due_at=FAR))
    assert await waiting(ground) == []


async def test_after_forgetting_only_what_was_dispatched_waits_again(ground: Ground) -> None:
    await ground.add(released(planned(plan(node("a"), node("b"), node("c"))), "a", "b", "c"))
    await confirm(ground, (A, 1), (B, 1), (SubtaskId("AAAAAA", "c"), 1))
    lease = Lease(exec_id="x", worker="w", until=FAR)
    await ground.happens("AAAAAA", e.Started(key="b", attempt=1, lease=lease, at=START, due_at=FAR))
    await ground.do(lambda unit: unit.outbox.forget())
    assert await waiting(ground) == [(A, 1), (SubtaskId("AAAAAA", "c"), 1)]


async def test_bookkeeping_of_publishing_is_no_change_of_the_task(ground: Ground) -> None:
    await ground.add(released(planned(chain("a")), "a"))
    before = await ground.do(lambda unit: unit.tasks.peek("AAAAAA"))
    await confirm(ground, (A, 1))
    await ground.do(lambda unit: unit.outbox.forget())
    assert await ground.do(lambda unit: unit.tasks.peek("AAAAAA")) == before


async def test_an_update_becomes_one_task_however_often_it_comes(ground: Ground) -> None:
    claims = [
        ("telegram", "bot", "7", "AAAAAA"),
        ("telegram", "bot", "7", "BBBBBB"),
        ("telegram", "bot", "7", "AAAAAA"),
    ]
    assert [await ground.do(lambda unit, claim=claim: unit.inbox.claim(*claim)) for claim in claims] == [
        None,
        "AAAAAA",
        "AAAAAA",
    ]


async def test_an_update_is_one_platforms_one_bots(ground: Ground) -> None:
    def claim_all(unit: object) -> list[str | None]:
        claims = [
            ("telegram", "bot", "7"),
            ("discord", "bot", "7"),
            ("telegram", "other", "7"),
            ("telegram", "bot", "07"),
        ]
        return [unit.inbox.claim(*key, "AAAAAA") for key in claims]  # type: ignore[attr-defined] # a unit of work

    assert await ground.do(claim_all) == [None] * 4


async def test_a_claim_is_undone_with_its_transaction(ground: Ground) -> None:
    def die(unit: object) -> None:
        unit.inbox.claim("telegram", "bot", "7", "AAAAAA")  # type: ignore[attr-defined] # a unit of work
        unit.tasks.add(task())  # type: ignore[attr-defined] # a unit of work
        raise RuntimeError("on the way")

    with pytest.raises(RuntimeError):
        await ground.do(die)
    assert await ground.do(lambda unit: unit.inbox.claim("telegram", "bot", "7", "BBBBBB")) is None
    assert await ground.do(lambda unit: unit.tasks.peek("AAAAAA")) is None
