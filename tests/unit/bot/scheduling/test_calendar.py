"""The calendar hands in what is due: once, however many follow it, whatever the clock does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from bot.access import AccessSettings
from bot.intake import Timing
from bot.limits import Limits
from bot.reply import Accepted
from domain import events as e
from domain.errors import StoreDown
from domain.ports import UnitOfWork
from domain.schedule import Skipped
from domain.task import Failure, TaskState
from tests.fakes import FakeClock
from tests.unit.bot.fakes import person
from tests.unit.bot.scheduling.office import office

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HOUR, DAY = 3600.0, 86_400.0


async def test_an_occurrence_is_a_task_like_any_other() -> None:
    async with office(MORNING) as here:
        added = await here.add("every day at 9:00 deadline=10m expires=5m check", thread_id="7", message_id="m1")
        await here.pass_time(2 * HOUR, here.calendar())
        (task,) = await here.tasks()
        assert (task.request, task.state, task.scope) == ("check", TaskState.RECEIVED, added.scope)
        assert task.created_at == MORNING + timedelta(hours=1)
        assert (task.schedule_id, task.route.chat_id, task.route.thread_id) == (added.id, "chat-ann", "7")
        assert task.route.reply_to == ""
        assert task.deadline_at - task.created_at == timedelta(minutes=10)
        assert task.expires_at == task.created_at + timedelta(minutes=5)
        assert here.on.bus.nudged == [("received", task.id), ("changed", task.id)]
        after = await here.schedule(added.id)
        assert (after.last_task, after.last_at) == (task.id, task.created_at)
        assert after.next_at == MORNING + timedelta(hours=25)


async def test_many_processes_begin_each_occurrence_once() -> None:
    async with office(MORNING) as here:
        await here.add("every 10 minutes busy=allow check")
        crew = [here.calendar() for _ in range(4)]
        for _ in range(6):
            await here.clock.advance(600)
            async with asyncio.TaskGroup() as group:
                for calendar in crew:
                    group.create_task(calendar.look())
        assert len(await here.tasks()) == 6


async def test_an_occurrence_whose_name_is_taken_is_not_begun_again() -> None:
    """As when the schedule's row was restored from a backup: the inbox still knows."""
    async with office(MORNING) as here:
        added = await here.add("every day at 9:00 check")
        await here.pass_time(2 * HOUR, here.calendar())
        await here.on.store.transact(lambda uow: uow.schedules.put(added))
        await here.calendar().look()
        assert len(await here.tasks()) == 1


async def test_a_clock_that_jumps_back_begins_nothing_twice() -> None:
    async with office(MORNING) as here:
        await here.add("every day at 9:00 check")
        calendar = here.calendar()
        await here.pass_time(1.5 * HOUR, calendar)
        here.clock._now = MORNING
        await here.pass_time(3 * HOUR, calendar)
        assert len(await here.tasks()) == 1


async def test_nothing_is_lost_when_the_database_goes_away_in_between() -> None:
    async with office(MORNING) as here:
        await here.add("every day at 9:00 check")
        calendar = here.calendar()
        await here.clock.advance(HOUR)
        for falls_in in (0, 1):
            here.on.store.is_down, here.on.store.falls_in = False, falls_in
            with pytest.raises(StoreDown):
                await calendar.look()
        here.on.store.is_down, here.on.store.falls_in = False, None
        await calendar.look()
        assert len(await here.tasks()) == 1


async def test_it_sleeps_until_something_is_due_but_never_long() -> None:
    async with office(MORNING) as here:
        calendar = here.calendar()
        assert await calendar.look() == 1.0
        await here.add("in 90s check")
        assert await calendar.look() == 1.0
        await here.clock.advance(89.5)
        assert await calendar.look() == 0.5


async def test_the_loop_goes_on_while_the_database_is_away() -> None:
    async with office(MORNING) as here:
        await here.add("in 10s check")
        running = asyncio.get_running_loop().create_task(here.calendar().run())
        here.on.store.is_down = True
        await _advance(here.clock, 20)
        here.on.store.is_down = False
        await _advance(here.clock, 3)
        running.cancel()
        assert len(await here.tasks()) == 1


async def _advance(clock: FakeClock, seconds: int) -> None:
    """Second by second, letting the store's thread come back."""
    for _ in range(seconds):
        await clock.advance(1)
        await asyncio.sleep(0.01)


# --- lateness and overlap -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "begun"),
    [("once", 1), ("skip", 0), ("all", 4)],
)
async def test_what_was_missed(late: str, begun: int) -> None:
    async with office(MORNING) as here:
        await here.add(f"every hour late={late} busy=allow grace=4h check")
        await here.clock.advance(5.5 * HOUR)
        await here.calendar().look()
        assert len(await here.tasks()) == begun


async def test_what_was_missed_for_too_long_is_told_and_not_done() -> None:
    async with office(MORNING) as here:
        added = await here.add("at 9:00 grace=1h check")
        await here.clock.advance(5 * HOUR)
        await here.calendar().look()
        (task,) = await here.tasks()
        assert task.settled_at is not None
        assert task.failure == Failure(code="missed", message="Mon 2026-03-02 09:00")
        assert here.on.bus.nudged == [("settled", task.id), ("changed", task.id)]
        after = await here.schedule(added.id)
        assert (after.ended_at, after.skipped) == (here.clock.now(), Skipped.LATE)


async def test_the_next_waits_leaves_out_or_goes_beside() -> None:
    for busy, begun in (("skip", 1), ("queue", 1), ("allow", 3)):
        async with office(MORNING) as here:
            added = await here.add(f"every hour busy={busy} check")
            calendar = here.calendar()
            await here.pass_time(3 * HOUR, calendar, 600)
            assert len(await here.tasks()) == begun
            for _ in range(3):
                for task in await here.tasks():
                    if task.answered_at is None:
                        await here.on.answered(task.id)
                await here.pass_time(10, calendar, 5)
            assert len(await here.tasks()) == {"skip": 1, "queue": 3, "allow": 3}[busy]
            assert (await here.schedule(added.id)).queued == ()


# --- whose it is ----------------------------------------------------------------------------------------------------


async def test_what_a_persons_limits_do_not_allow_waits() -> None:
    async with office(MORNING, limits=Limits(per_minute=0, open_tasks=1)) as here:
        added = await here.add("every day at 9:00 check")
        busy = await here.on.accepted()
        calendar = here.calendar()
        await here.pass_time(2 * HOUR, calendar)
        assert [task.id for task in await here.tasks()] == [busy]
        assert len((await here.schedule(added.id)).queued) == 1
        await here.on.answered(busy)
        await here.pass_time(60, calendar)
        assert [task.schedule_id for task in await here.tasks()] == [None, added.id]
        assert (await here.schedule(added.id)).next_at == MORNING + timedelta(hours=25)


async def test_nothing_happens_in_the_name_of_somebody_who_may_do_nothing() -> None:
    async with office(MORNING, settings=AccessSettings(users={})) as here:
        added = await here.add("every day at 9:00 check")
        await here.pass_time(2 * HOUR, here.calendar())
        assert await here.tasks() == []
        assert (await here.schedule(added.id)).paused_at is not None


async def test_a_group_must_be_let_in_still() -> None:
    async with office(MORNING) as here:
        added = await here.add("every day at 9:00 check", is_group=True, chat_id="-100", within=("9",))
        let_in = await here.add("every day at 9:00 check", is_group=True, chat_id="-101", within=("8",))
        await here.on.store.transact(lambda uow: uow.people.let_in("fake", "8", "fake:ann", MORNING))
        await here.pass_time(2 * HOUR, here.calendar())
        assert [task.schedule_id for task in await here.tasks()] == [let_in.id]
        assert (await here.schedule(added.id)).paused_at is not None


async def test_one_that_cannot_be_followed_does_not_stop_the_others() -> None:
    async with office(MORNING) as here:
        broken, good = await here.add("every day at 9:00 check"), await here.add("every day at 9:00 look")

        def spoil(uow: UnitOfWork) -> None:
            uow.schedules.put(replace(broken, zone="Nowhere/At_All"))

        await here.on.store.transact(spoil)
        with capture_logs() as logged:
            await here.pass_time(1.1 * HOUR, here.calendar())
        assert [task.schedule_id for task in await here.tasks()] == [good.id]
        assert {one["schedule"] for one in logged if one["event"] == "schedule_broken"} == {broken.id}


async def test_a_removed_schedule_begins_nothing_more() -> None:
    async with office(MORNING) as here:
        added = await here.add("every hour check")
        await here.on.means.book.remove(added.id, lambda _: True)
        await here.pass_time(2 * HOUR, here.calendar())
        assert await here.tasks() == []


# --- delayed tasks --------------------------------------------------------------------------------------------------


async def test_the_planner_hears_when_a_tasks_time_comes() -> None:
    async with office(MORNING) as here:
        timing = Timing(run_at=MORNING + timedelta(seconds=90), zone="UTC", expires_s=60)
        taken = await here.on.intake.receive(here.on.message("later"), person=person(), timing=timing)
        assert isinstance(taken, Accepted)
        task = await here.on.task(taken.task_id)
        assert (task.begins_at, task.deadline_at) == (timing.run_at, MORNING + timedelta(seconds=90 + 1800))
        assert task.expires_at == MORNING + timedelta(seconds=150)
        here.on.bus.nudged.clear()
        calendar = here.calendar()
        await here.pass_time(60, calendar, 30)
        assert here.on.bus.nudged == []
        await here.pass_time(60, calendar, 30)
        assert here.on.bus.nudged == [("received", taken.task_id)]
        cancelled = await here.on.happen(taken.task_id, e.CancelRequested(at=here.clock.now()))
        assert cancelled.settled_at is not None
