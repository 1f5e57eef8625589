"""`/schedule`: made, shown, held, ended; by whom, and in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.card_text import card_text
from bot.door import DoorSettings, FrontDoor, Inside, Outside
from bot.drawing.cards import card_post
from bot.intake import Timing
from bot.platform import Traits
from bot.reply import Accepted, Reply
from domain.people import Role
from domain.task import TaskState, Upload
from tests.unit.bot.desk import buttons, in_group, pressed, told, told_in_group
from tests.unit.bot.fakes import Stage, person, stage

# The clock stands at Thursday, 2026-01-01 12:00 UTC.


async def made(on: Stage, text: str, user: str = "ann") -> str:
    """The id of a schedule that somebody made."""
    before = {entry.schedule.id for entry in await on.means.book.entries(None)}
    await told(on, f"/schedule {text}", user=user)
    (new,) = [one.schedule.id for one in await on.means.book.entries(None) if one.schedule.id not in before]
    return new


async def test_what_is_made_is_told_with_its_next_three_times() -> None:
    async with stage() as on:
        reply = await told(on, "/schedule every day at 9:00 check the prices")
        (entry,) = await on.means.book.entries(None)
        assert not reply.is_refusal
        assert reply.text.splitlines() == [
            f"Scheduled as {entry.schedule.id}: every day at 09:00 (UTC)",
            "  check the prices",
            "Next: Fri 2026-01-02 09:00, then Sat 2026-01-03 09:00, then Sun 2026-01-04 09:00",
            f"/schedule pause {entry.schedule.id} holds it, /schedule remove {entry.schedule.id} ends it, "
            f"/schedule run {entry.schedule.id} does it now.",
        ]


async def test_in_chinese() -> None:
    async with stage() as on:
        reply = await told(on, "/定时 每个工作日 9:00 busy=queue times=5 echo 日报")
        (entry,) = await on.means.book.entries(None)
        assert reply.language == "zh"
        assert reply.text.splitlines()[:5] == [
            f"已安排 {entry.schedule.id}：周一至周五 09:00（UTC）",
            "  echo 日报",
            "接下来：2026-01-02（周五）09:00，然后 2026-01-05（周一）09:00，然后 2026-01-06（周二）09:00",
            "  前一次结束后再开始下一次",
            "  剩余 5 次",
        ]
        listed = await told(on, "/schedule")
        assert (
            listed.text == f"● {entry.schedule.id} · 周一至周五 09:00 · 下次 2026-01-02（周五）09:00（UTC） · echo 日报"
        )


async def test_nothing_yet() -> None:
    async with stage() as on:
        assert (await told(on, "/schedule")).text.startswith("You have no schedules.")


async def test_the_list_says_when_next_and_how_the_last_one_went() -> None:
    async with stage() as on:
        daily = await made(on, "every day at 9:00 check")
        once = await made(on, "in 2h call")
        taken = await on.say(f"/schedule run {daily}")
        assert isinstance(taken, Accepted)
        task = await on.task(taken.task_id)
        assert (task.request, task.schedule_id, task.state) == ("check", daily, TaskState.RECEIVED)
        schedule = (await on.means.book.entries(None))[0].schedule
        ran = replace(schedule, last_task=task.id, last_at=on.clock.now())
        await on.store.transact(lambda uow: uow.schedules.put(ran))
        assert (await told(on, "/schedule")).text.splitlines() == [
            f"● {daily} · every day at 09:00 · next Fri 2026-01-02 09:00 (UTC) · check",
            f"  last: Thu 2026-01-01 12:00, {task.id} received",
            f"● {once} · next Thu 2026-01-01 14:00 (UTC) · call",
        ]


async def test_paused_resumed_removed() -> None:
    async with stage() as on:
        name = await made(on, "every hour check")
        assert (await told(on, f"/schedule pause {name.lower()}")).text.startswith(f"{name} is paused")
        assert (await told(on, "/schedule")).text == f"‖ {name} · every 1 h · paused · check"
        await on.clock.advance(10_000)
        assert (await told(on, "/schedule resume")).text.startswith(f"{name} goes on: every 1 h (UTC)")
        (entry,) = await on.means.book.entries(None)
        assert entry.schedule.due_at == entry.schedule.created_at + timedelta(hours=3)
        assert (await told(on, "/schedule remove")).text.startswith(f"{name} is removed")
        refused = await told(on, f"/schedule resume {name}")
        assert refused.text == f"There is no schedule {name}. /schedule lists yours."


async def test_what_is_over_does_not_go_on() -> None:
    async with stage() as on:
        name = await made(on, "in 1h check")
        await told(on, f"/schedule pause {name}")
        await on.clock.advance(3601)
        for verb in ("resume", "pause"):
            refused = await told(on, f"/schedule {verb} {name}")
            assert refused.is_refusal is (verb == "resume")


async def test_the_same_with_buttons() -> None:
    async with stage() as on:
        reply = await told(on, "/schedule every hour check")
        assert [button.label for button in buttons(reply)] == ["Pause", "Remove", "Run now"]
        pause, remove, run = (button.action for button in buttons(reply))
        held = await pressed(on, pause)
        assert (held.edits, held.text.splitlines()[0]) == (True, f"{pause.subject} is paused: every 1 h (UTC)")
        resume = buttons(held)[0].action
        assert resume.argument == "resume"
        assert (await pressed(on, resume)).text.startswith(f"{pause.subject} goes on")
        begun = await pressed(on, run)
        assert isinstance(begun, Accepted)
        assert (await on.task(begun.task_id)).request == "check"
        assert (await pressed(on, remove, user="bob")).is_refusal
        gone = await pressed(on, remove)
        assert (gone.edits, gone.buttons) == (True, ())
        assert (await pressed(on, pause)).is_refusal
        assert (await pressed(on, replace(pause, argument="zone"))).is_refusal


async def test_without_an_id_there_must_be_one_that_fits() -> None:
    async with stage() as on:
        assert (await told(on, "/schedule pause")).text.startswith("There is none of yours")
        first, second = await made(on, "every hour a"), await made(on, "every hour b")
        assert (await told(on, "/schedule pause")).text == f"Which one? Add its id: {first}, {second}"
        await told(on, f"/schedule pause {first}")
        assert (await told(on, "/schedule pause")).text.startswith(f"{second} is paused")


@pytest.mark.parametrize("verb", ["pause", "resume", "remove", "run"])
async def test_other_peoples_are_not_found(verb: str) -> None:
    async with stage() as on:
        name = await made(on, "every hour check")
        unknown = await told(on, f"/schedule {verb} ZZZZZZ", user="bob")
        theirs = await told(on, f"/schedule {verb} {name}", user="bob", role=Role.OWNER)
        assert theirs.text == unknown.text.replace("ZZZZZZ", name)
        assert len(await on.means.book.entries(None)) == 1


async def test_admins_change_what_was_made_in_the_group_where_they_speak() -> None:
    async with stage() as on:
        await told_in_group(on, "/schedule every hour check")
        name = (await on.means.book.entries(None))[0].schedule.id
        by_member = await told_in_group(on, f"/schedule pause {name}", user="bob")
        assert by_member.is_refusal
        by_admin = await told_in_group(on, f"/schedule pause {name}", user="bob", role=Role.ADMIN)
        assert by_admin.text.startswith(f"{name} is paused")
        assert (await told_in_group(on, "/schedule")).is_private


async def test_the_same_message_twice_makes_one() -> None:
    async with stage() as on:
        message = on.message("/schedule every hour check", key="u77")
        first = await on.commands.receive(message, person())
        again = await on.commands.receive(message, person())
        assert len(await on.means.book.entries(None)) == 1
        assert isinstance(first, Reply)
        assert isinstance(again, Reply)
        assert again.text == first.text
        assert await on.store.transact(lambda uow: uow.inbox.known("fake", "b1", "u77"))


async def test_there_is_a_limit_for_each_person() -> None:
    async with stage() as on:
        for number in range(3):
            await told(on, f"/schedule every hour {number}")
        refused = await told(on, "/schedule every hour more")
        assert refused.is_refusal
        assert refused.text.startswith("You have 3 schedules, which is the most.")
        assert not (await told(on, "/schedule every hour check", user="bob")).is_refusal
        await told(on, f"/schedule remove {(await on.means.book.entries(None))[0].schedule.id}")
        assert not (await told(on, "/schedule every hour more")).is_refusal


async def test_a_persons_zone_counts_from_then_on() -> None:
    async with stage() as on:
        await told(on, "/language en")
        assert (await told(on, "/schedule zone")).text.startswith(
            "Your times are in UTC, where it is Thu 2026-01-01 12:00"
        )
        reply = await told(on, "/schedule zone asia/shanghai")
        assert reply.text.startswith("From now on your times are in Asia/Shanghai, where it is Thu 2026-01-01 20:00")
        ann = await on.means.access.person("fake", "ann")
        assert (ann.zone, ann.language) == ("Asia/Shanghai", "en")
        shown = await on.commands.receive(on.message("/schedule at 21:00 call"), replace(person(), zone=ann.zone))
        assert isinstance(shown, Reply)
        assert "Thu 2026-01-01 21:00 (Asia/Shanghai)" in shown.text
        assert (await told(on, "/schedule zone Nowhere")).is_refusal


async def test_a_schedule_keeps_no_files() -> None:
    async with stage() as on:
        message = on.message("/schedule every hour check")
        file = Upload(ref="r", name="a.csv")
        refused = await on.commands.receive(replace(message, uploads=(file,)), person())
        assert isinstance(refused, Reply)
        assert refused.is_refusal
        assert "cannot keep files" in refused.text


async def test_answers_of_the_terminal_go_to_whichever_its_person_opens() -> None:
    async with stage() as on:
        message = replace(on.message("/schedule every hour check"), platform="console", bot_id="host-1-abc")
        await on.commands.receive(message, replace(person(), platform="console"))
        route = (await on.means.book.entries(None))[0].schedule.route
        assert (route.bot_id, route.chat_id) == ("terminal-ann", "terminal-ann")


async def test_what_was_agreed_is_said() -> None:
    async with stage() as on:
        reply = await told(
            on, "/schedule every hour late=all busy=allow deadline=10m expires=5m until=2026-02-01 check"
        )
        assert reply.text.splitlines()[3:8] == [
            "  everything missed is made up for, at most ten",
            "  one may begin beside the one before",
            "  each may take 10 min",
            "  what has not begun after 5 min is given up",
            "  until Sun 2026-02-01 23:59",
        ]


async def test_what_can_be_done_is_suggested_to_its_owner() -> None:
    class Gate:
        async def person(self, platform: str, user_id: str):
            return person(user_id, None if user_id == "eve" else Role.MEMBER)

    async with stage() as on:
        name = await made(on, "every hour check")
        outside = Outside(store=on.store, bus=on.bus, clock=on.clock)  # type: ignore[arg-type] # fakes
        inside = Inside(gate=Gate(), desk=on.commands, panel=on.controls)  # type: ignore[arg-type] # a fake
        door = FrontDoor(outside, inside, DoorSettings())
        found = await door.suggest_schedules("fake", "ann", "")
        assert found == [(f"{verb} {name}", "check") for verb in ("pause", "remove", "run")]
        assert await door.suggest_schedules("fake", "ann", "Re") == [(f"remove {name}", "check")]
        assert await door.suggest_schedules("fake", "ann", "every day") == []
        assert await door.suggest_schedules("fake", "bob", "") == []
        assert await door.suggest_schedules("fake", "eve", "") == []
        await told(on, "/schedule pause")
        assert (await door.suggest_schedules("fake", "ann", ""))[0][0] == f"resume {name}"


# --- tasks that begin later -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["ask", "fresh"])
async def test_a_request_may_have_a_deadline_and_an_expiry(command: str) -> None:
    async with stage() as on:
        taken = await on.say(f"/{command} deadline=10m expires=5m sum it up")
        assert isinstance(taken, Accepted)
        task = await on.task(taken.task_id)
        assert (task.request, task.is_fresh) == ("sum it up", command == "fresh")
        assert task.expires_at is not None
        assert (task.deadline_at - task.created_at, task.expires_at - task.created_at) == (
            timedelta(minutes=10),
            timedelta(minutes=5),
        )
        refused = await told(on, f"/{command} deadline=soon sum it up")
        assert refused.is_refusal


async def test_status_says_when_it_begins_and_what_it_came_of() -> None:
    async with stage() as on:
        run_at = on.clock.now() + timedelta(hours=2)
        timing = Timing(run_at=run_at, zone="Asia/Shanghai", expires_s=600, schedule_id="ABCDEF")
        taken = await on.intake.receive(on.message("call her later on"), person=person(), timing=timing)
        assert isinstance(taken, Accepted)
        reply = await told(on, f"/status {taken.task_id}")
        assert reply.card is not None
        assert reply.card.starts_at == run_at
        assert reply.card.seconds == 0
        assert "received · starts Thu 2026-01-01 22:00" in card_text(reply.card)
        assert "starts Thu 2026-01-01 22:00" in card_post(reply.card, Traits()).text.text
        assert "It starts Thu 2026-01-01 22:00 (Asia/Shanghai), in 2 h 0 min." in reply.text
        assert "It comes of the schedule ABCDEF." in reply.text
        assert "If it has not begun in 2 h 10 min, it is given up." in reply.text
        await on.clock.advance(7200)
        assert "It starts" not in (await told(on, f"/status {taken.task_id}")).text


async def test_a_group_sees_what_was_made_there_answered_there() -> None:
    async with stage() as on:
        await on.commands.receive(in_group(replace(on.message("/schedule every hour x"), thread_id="7")), person())
        route = (await on.means.book.entries(None))[0].schedule.route
        assert (route.chat_id, route.thread_id, route.is_group) == ("-100", "7", True)
