"""Old rows go in batches, and nothing else does: `Retention`."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import func, select

from domain import events as e
from domain.answer import Answer, Author, Statement
from domain.approval import Offer
from domain.model import Purpose, Usage
from domain.ports import Call, UnitOfWork
from domain.task import Result, TaskState
from storage.retention import OF_TASK, UNSHOWN
from storage.rows import Row
from storage.tables import TASK
from tests.builders import SCOPE, chain, planned
from tests.contract.stores import Ground, happen, race
from tests.fakes import START

MOMENT, DAY = timedelta(microseconds=1), timedelta(days=1)
ANSWER = Answer(statements=(Statement(text="so it is"),), author=Author.RULES)


def _finish(unit: UnitOfWork, task_id: str, at: datetime) -> None:
    released = e.Released(key="a", agent="echo", at=START, due_at=START + DAY)
    result = Result(summary="ok", output=[1])
    succeeded = e.Succeeded(key="a", attempt=1, exec_id=None, agent="echo", result=result, at=START)
    happen(task_id, [released, succeeded, e.Answered(answer=ANSWER, at=at)], unit)


def _show(unit: UnitOfWork, task_id: str, at: datetime) -> None:
    task = unit.tasks.peek(task_id)
    assert task is not None
    assert task.state is TaskState.ANSWERED
    unit.deliveries.shown(task_id, task.version, "m1")
    unit.deliveries.delivered(task_id, at)


async def over(ground: Ground, *task_ids: str, days: int = 0, is_shown: bool = True) -> None:
    """Tasks that were answered so many days after the start."""
    at = START + days * DAY
    for task_id in task_ids:
        await ground.do(lambda unit, task_id=task_id: unit.inbox.claim("console", "b", task_id, task_id, "please"))
        await ground.add(planned(chain("a"), task_id, created_at=at))
        await ground.do(partial(_finish, task_id=task_id, at=at))
        if is_shown:
            await ground.do(partial(_show, task_id=task_id, at=at))


async def found(ground: Ground, before: datetime, limit: int = 9) -> list[str]:
    return [task_id for task_id, _ in await ground.do(lambda unit: unit.retention.over(before, limit))]


async def drop(ground: Ground, before: datetime, limit: int = 9) -> int:
    return await ground.do(lambda unit: unit.retention.drop(unit.retention.over(before, limit)))


def test_whatever_belongs_to_a_task_goes_with_it() -> None:
    of_task = {
        table.name
        for table in Row.metadata.sorted_tables
        if any(key.column.table is TASK for key in table.foreign_keys)
    }
    assert {table.name for table in OF_TASK} == of_task


async def test_only_what_is_over_and_old_is_found_the_oldest_first(ground: Ground) -> None:
    await over(ground, "BBBBBB", days=1)
    await over(ground, "AAAAAA")
    await over(ground, "CCCCCC", days=2)
    await ground.add(planned(chain("a"), "DDDDDD"))
    assert await found(ground, START + 3 * DAY) == ["AAAAAA", "BBBBBB", "CCCCCC"]
    assert await found(ground, START + 3 * DAY, limit=1) == ["AAAAAA"]
    assert await found(ground, START + DAY) == ["AAAAAA"]
    assert await found(ground, START) == []
    assert await ground.do(lambda unit: unit.retention.over_count(START + 2 * DAY)) == 2


async def test_what_nobody_could_be_shown_yet_stays_longer(ground: Ground) -> None:
    await over(ground, "AAAAAA", is_shown=False)
    assert await found(ground, START + UNSHOWN) == []
    assert await found(ground, START + UNSHOWN + MOMENT) == ["AAAAAA"]


def _surround(unit: UnitOfWork) -> None:
    unit.offers.make(_offer())
    usage = Usage(model="m", prompt_tokens=1)
    unit.calls.add([Call(scope=SCOPE, task_id="AAAAAA", purpose=Purpose.PLAN, usage=usage, at=START)])


def _offer() -> Offer:
    return Offer(code="c1", task_id="AAAAAA", key="a", digest="d", made_at=START, expires_at=START + DAY)


async def test_a_task_goes_with_all_its_rows_but_the_books(ground: Ground) -> None:
    await over(ground, "AAAAAA", "BBBBBB")
    await ground.do(_surround)
    old = await ground.do(lambda unit: unit.retention.over(START + DAY, 1))
    assert await ground.do(lambda unit: unit.retention.drop(old)) == 1
    assert await ground.do(lambda unit: unit.retention.drop(old)) == 0
    assert await ground.do(lambda unit: (unit.tasks.peek("AAAAAA"), unit.tasks.attempts("AAAAAA"))) == (None, [])
    assert await ground.do(lambda unit: unit.inbox.said("AAAAAA")) == []
    assert await ground.do(lambda unit: unit.inbox.known("console", "b", "AAAAAA")) == "AAAAAA"  # not taken again
    assert [spend.calls for spend in await ground.do(lambda unit: unit.calls.spent(SCOPE, START))] == [1]
    assert await ground.do(lambda unit: unit.tasks.peek("BBBBBB")) is not None
    assert await _rows(ground, "BBBBBB") == {"subtask": 1, "attempt": 1, "delivery": 1, "offer": 0, "post": 0}


async def _rows(ground: Ground, task_id: str) -> dict[str, int]:
    def count(unit: Any) -> dict[str, int]:
        run = unit.retention._transaction.execute
        return {t.name: run(select(func.count()).where(t.c.task_id == task_id)).scalar_one() for t in OF_TASK}

    return await ground.do(count)


async def test_what_changed_since_it_was_found_stays(ground: Ground) -> None:
    await over(ground, "AAAAAA")
    assert await ground.do(lambda unit: unit.retention.drop([("AAAAAA", 0), ("ZZZZZZ", 1)])) == 0
    await ground.add(planned(chain("a"), "DDDDDD"))
    assert await ground.do(lambda unit: unit.retention.drop([("DDDDDD", 0)])) == 0  # not even over


async def test_a_document_holds_all_that_is_stored(ground: Ground) -> None:
    await over(ground, "AAAAAA")
    await ground.do(_surround)
    old = await ground.do(lambda unit: unit.retention.over(START + DAY, 9))
    (document,) = await ground.do(lambda unit: unit.retention.documents([*old, ("ZZZZZZ", 1)]))
    assert document["task"]["id"] == "AAAAAA"
    assert document["task"]["answer"]["statements"][0]["text"] == "so it is"
    assert document["task"]["plan"]["nodes"][0]["id"] == "a"
    assert document["task"]["created_at"].startswith("2026-01-01T12:00:00")
    assert document["subtask"][0]["result"]["output"] == [1]
    assert document["attempt"][0]["outcome"] == "succeeded"
    assert document["inbox"][0]["said"] == "please"
    assert document["offer"][0]["code"] == "c1"
    assert "post" not in document


async def test_updates_are_forgotten_later_and_only_of_tasks_that_are_gone(ground: Ground) -> None:
    await over(ground, "AAAAAA", "BBBBBB")
    await ground.do(lambda unit: unit.inbox.claim("console", "b", "command", ""))
    old = await ground.do(lambda unit: unit.retention.over(START + DAY, 1))
    await ground.do(lambda unit: unit.retention.drop(old))
    assert await ground.do(lambda unit: unit.retention.drop_updates(START, 9)) == 0
    assert await ground.do(lambda unit: unit.retention.drop_updates(START + MOMENT, 1)) == 1
    assert await ground.do(lambda unit: unit.retention.drop_updates(START + MOMENT, 9)) == 1
    assert await ground.do(lambda unit: unit.inbox.known("console", "b", "command")) is None
    assert await ground.do(lambda unit: unit.inbox.known("console", "b", "BBBBBB")) == "BBBBBB"


async def test_what_was_kept_and_expired_goes_unless_it_is_just_being_made(ground: Ground) -> None:
    def keep(unit: UnitOfWork) -> None:
        for key, until in (("old", START + MOMENT), ("led", START + MOMENT), ("new", START + DAY)):
            unit.cache.put(SCOPE, key, "plan", "text", until)
        unit.cache.lead(SCOPE, "led", "p1", START + DAY)

    await ground.do(keep)
    assert await ground.do(lambda unit: unit.retention.drop_expired(START + MOMENT, 9)) == 1
    assert await ground.do(lambda unit: unit.cache.get(SCOPE, "new", START)) == "text"


async def test_the_books_are_kept_by_their_own_time(ground: Ground) -> None:
    def book(unit: UnitOfWork) -> None:
        for day in range(3):
            call = Call(scope=SCOPE, task_id=None, purpose=Purpose.PLAN, usage=Usage(model="m"), at=START + day * DAY)
            unit.calls.add([call])

    await ground.do(book)
    assert await ground.do(lambda unit: unit.retention.drop_calls(START + 2 * DAY, 1)) == 1
    assert await ground.do(lambda unit: unit.retention.drop_calls(START + 2 * DAY, 9)) == 1
    assert await ground.do(lambda unit: unit.retention.drop_calls(START + 2 * DAY, 9)) == 0
    assert [spend.calls for spend in await ground.do(lambda unit: unit.calls.spent(SCOPE, START))] == [1]


async def test_several_processes_drop_each_task_once(shared: Ground) -> None:
    await over(shared, *(letter * 6 for letter in "ABCDEFGH"))

    def work(unit: UnitOfWork) -> int:
        return unit.retention.drop(unit.retention.over(START + DAY, 3))

    total = sum(await race(shared, *([work] * 6)))
    while gone := await drop(shared, START + DAY):
        total += gone
    assert total == 8
