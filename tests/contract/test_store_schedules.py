"""Schedules in the database; tasks that begin later or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain import events as e
from domain.ports import UnitOfWork
from domain.recurrence import At, Cron, Every
from domain.schedule import Misfire, Overlap, Schedule, Skipped
from domain.task import Route, Scope, Task
from tests.builders import SCOPE, chain, planned, released, task
from tests.contract.stores import Ground, overlap, race
from tests.fakes import START

SECOND = timedelta(seconds=1)
BOB = Scope(tenant="main", owner="console:bob")
TOPIC = Route(platform="telegram", bot_id="7", chat_id="-100", thread_id="12", reply_to="3", is_group=True)


def at(seconds: float) -> datetime:
    return START + seconds * SECOND


def schedule(schedule_id: str = "AAAAAA", **changes: Any) -> Schedule:
    given: dict[str, Any] = {
        "id": schedule_id,
        "scope": SCOPE,
        "route": TOPIC,
        "request": "日报\x00",
        "language": "zh",
        "rule": Cron(expression="0 9 * * *"),
        "zone": "Asia/Shanghai",
        "created_at": START,
        "next_at": at(60),
        "due_at": at(60),
    }
    return Schedule(**{**given, **changes})


def full(rule: Any) -> Schedule:
    return schedule(
        request="日报",
        rule=rule,
        misfire=Misfire.ALL,
        overlap=Overlap.QUEUE,
        grace_s=5,
        deadline_s=6,
        expires_s=7,
        left=8,
        until=at(9),
        next_at=at(10),
        due_at=at(11),
        queued=(at(12), at(13)),
        paused_at=at(14),
        ended_at=at(15),
        within=("-1", "-2"),
        last_task="BBBBBB",
        last_at=at(16),
        skipped_at=at(17),
        skipped=Skipped.BUSY,
    )


async def add(ground: Ground, *schedules: Schedule) -> None:
    await ground.do(lambda unit: [unit.schedules.add(one) for one in schedules])


async def found(ground: Ground, schedule_id: str = "AAAAAA") -> Schedule | None:
    return await ground.do(lambda unit: unit.schedules.find(schedule_id))


# --- schedules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [Cron(expression="* * * * *"), Every(seconds=60, since=START), At(at=START)])
async def test_a_schedule_comes_back_whole(ground: Ground, rule: Any) -> None:
    await add(ground, full(rule), schedule("CCCCCC"))
    assert await found(ground) == full(rule)
    assert await found(ground, "CCCCCC") == schedule("CCCCCC", request="日报\ufffd")
    assert await found(ground, "DDDDDD") is None


async def test_what_changed_is_saved(ground: Ground) -> None:
    await add(ground, schedule())
    changed = replace(full(At(at=at(3))), scope=SCOPE)

    def change(unit: UnitOfWork) -> Schedule | None:
        held = unit.schedules.lock("AAAAAA")
        unit.schedules.put(changed)
        return held

    assert await ground.do(change) == schedule(request="日报\ufffd")
    assert await found(ground) == changed
    assert await ground.do(lambda unit: unit.schedules.lock("DDDDDD")) is None


async def test_an_id_is_taken_once(ground: Ground) -> None:
    await add(ground, schedule(request="first"))
    with pytest.raises(KeyError):
        await add(ground, schedule(scope=BOB))
    kept = await found(ground)
    assert kept is not None
    assert kept.request == "first"


async def test_everybody_has_their_own(ground: Ground) -> None:
    await add(ground, schedule(created_at=at(2)), schedule("BBBBBB", scope=BOB), schedule("CCCCCC", created_at=at(1)))
    mine = await ground.do(lambda unit: unit.schedules.of(SCOPE))
    assert [one.id for one in mine] == ["CCCCCC", "AAAAAA"]
    assert [one.id for one in await ground.do(lambda unit: unit.schedules.of(None))] == ["BBBBBB", "CCCCCC", "AAAAAA"]
    assert await ground.do(lambda unit: unit.schedules.of(replace(SCOPE, tenant="other"))) == []


async def test_what_is_over_does_not_count_and_is_forgotten_after_a_week(ground: Ground) -> None:
    await add(ground, schedule(ended_at=START), schedule("BBBBBB", scope=BOB), schedule("CCCCCC", paused_at=START))
    assert await ground.do(lambda unit: unit.schedules.count(SCOPE)) == 1
    await ground.clock.advance(7 * 86_400 - 1)
    await add(ground, schedule("DDDDDD"))
    assert await found(ground) is not None
    await ground.clock.advance(1)
    await add(ground, schedule("EEEEEE"))
    assert await found(ground) is None
    assert await ground.do(lambda unit: unit.schedules.count(SCOPE)) == 3


async def test_removing_is_done_once(ground: Ground) -> None:
    await add(ground, schedule())
    assert await ground.do(lambda unit: unit.schedules.remove("AAAAAA"))
    assert not await ground.do(lambda unit: unit.schedules.remove("AAAAAA"))


async def test_the_longest_due_come_first(ground: Ground) -> None:
    waiting = [schedule("AAAAAA", due_at=at(2)), schedule("BBBBBB", due_at=at(1)), schedule("CCCCCC", due_at=None)]
    await add(ground, *waiting, schedule("DDDDDD", due_at=at(2.1)))

    async def due(seconds: float, limit: int = 9) -> list[str]:
        return [one.id for one in await ground.do(lambda unit: unit.schedules.lock_due(at(seconds), limit))]

    assert await due(0.9) == []
    assert await due(2) == ["BBBBBB", "AAAAAA"]
    assert await due(2, limit=1) == ["BBBBBB"]
    assert await ground.do(lambda unit: unit.schedules.next_due()) == at(1)


async def test_nothing_is_due_where_there_is_nothing(ground: Ground) -> None:
    assert await ground.do(lambda unit: unit.schedules.next_due()) is None


async def test_two_processes_never_hold_one_schedule(shared: Ground) -> None:
    """Whoever comes second sees what the first made of it."""
    await add(shared, *(schedule(name) for name in ("AAAAAA", "BBBBBB")))

    def take(unit: UnitOfWork) -> list[str]:
        held = unit.schedules.lock_due(at(60), 9)
        for one in held:
            unit.schedules.put(replace(one, due_at=at(120)))
        return [one.id for one in held]

    taken = await race(shared, *[take] * 6)
    assert sorted(name for names in taken for name in names) == ["AAAAAA", "BBBBBB"]


async def test_a_schedule_that_somebody_changes_is_waited_for(postgres: Ground) -> None:
    await add(postgres, schedule())

    def pause(unit: UnitOfWork) -> Any:
        held = unit.schedules.lock("AAAAAA")
        assert held is not None
        unit.schedules.put(replace(held, last_at=at(len(held.last_task or "")), last_task="x" + (held.last_task or "")))
        return held.last_task

    assert await overlap(postgres, pause, pause) == [None, "x"]


# --- tasks that begin later -------------------------------------------------------------------------------------------


async def test_a_tasks_times_come_back(shared: Ground) -> None:
    timed = task(run_at=at(60), zone="Asia/Shanghai", expires_at=at(90), schedule_id="CCCCCC")
    await shared.add(timed)
    assert await shared.another().transact(lambda unit: unit.tasks.peek("AAAAAA")) == timed


async def test_nobody_plans_a_task_before_its_time(ground: Ground) -> None:
    await ground.add(task(run_at=at(60)), task("BBBBBB"))

    async def taken(seconds: float) -> list[str]:
        return [one.id for one in await ground.do(lambda unit: unit.tasks.lock_received(at(seconds), 9))]

    assert await taken(59.9) == ["BBBBBB"]
    assert await taken(60) == ["AAAAAA", "BBBBBB"]


async def test_what_begins_later_is_neither_open_nor_before_anybody(ground: Ground) -> None:
    await ground.add(task(run_at=at(60)), task("BBBBBB", created_at=at(1)))
    assert (await ground.do(lambda unit: unit.tasks.load(SCOPE, START))).open == 1
    assert await ground.do(lambda unit: unit.tasks.ahead(["AAAAAA", "BBBBBB"])) == {"BBBBBB": 0}
    await ground.clock.advance(60)
    assert (await ground.do(lambda unit: unit.tasks.load(SCOPE, START))).open == 2
    assert await ground.do(lambda unit: unit.tasks.ahead(["AAAAAA", "BBBBBB"])) == {"AAAAAA": 0, "BBBBBB": 1}


async def test_no_more_words_are_added_to_what_begins_later(ground: Ground) -> None:
    await ground.add(task(run_at=at(60), claimed_until=at(5)))
    assert await ground.do(lambda unit: unit.tasks.gathering(SCOPE, task().route.place, START)) is None


async def test_whose_time_came_is_told(ground: Ground) -> None:
    over = replace(task("CCCCCC", run_at=at(30)), settled_at=START)
    await ground.add(task(run_at=at(60)), task("BBBBBB", run_at=at(30)), over, task("DDDDDD"))
    assert await ground.do(lambda unit: unit.tasks.starting(START, at(60))) == ["BBBBBB", "AAAAAA"]
    assert await ground.do(lambda unit: unit.tasks.starting(at(30), at(59))) == []


# --- and those that do not begin at all -------------------------------------------------------------------------------


def unbegun() -> list[Task]:
    return [
        task(expires_at=at(60)),
        planned(chain("a"), "BBBBBB", expires_at=at(60)),
        released(planned(chain("a"), "CCCCCC", expires_at=at(60)), "a"),
    ]


async def test_what_has_not_begun_in_time_is_overdue(ground: Ground) -> None:
    await ground.add(*unbegun(), task("DDDDDD"))

    async def overdue(seconds: float) -> list[str]:
        return [one.id for one in await ground.do(lambda unit: unit.tasks.lock_overdue(at(seconds), START, 9))]

    assert await overdue(59.9) == []
    assert await overdue(60) == ["AAAAAA", "BBBBBB", "CCCCCC"]
    assert await ground.do(lambda unit: unit.tasks.next_due()) == at(60)
    for name in ("AAAAAA", "BBBBBB", "CCCCCC"):
        await ground.happens(name, e.Expired(at=at(60)))
    assert await overdue(60) == []


async def test_what_has_begun_is_not_looked_at_again(ground: Ground) -> None:
    name = unbegun()[2]
    await ground.add(name)
    await ground.happens(
        "CCCCCC",
        e.Failed(
            key="a",
            attempt=1,
            exec_id=None,
            agent="echo",
            failure=e.Failure(code="crashed", retryable=True),
            at=START,
            jitter=0.5,
        ),
    )
    assert await ground.do(lambda unit: unit.tasks.lock_overdue(at(60), START, 9)) == []
