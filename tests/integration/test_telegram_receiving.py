"""Receiving: nothing is lost, nothing is confirmed too early, nobody waits for somebody else's trouble."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.platform import Press
from domain.chat import ChatMessage
from domain.errors import Misconfigured, Unavailable
from tests.integration.telegram_bot import RULES, RememberingDoor, bot_of, here, running, server, virtual
from tests.telegram_server import Code, Rules, Trouble


@virtual
async def test_messages_in_order_each_once():
    async with here() as on:
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        for number in range(20):
            on.telegram.people.say(chat, ada, str(number))
        await on.heard(20)
        assert on.door.texts == [str(number) for number in range(20)]
        await on.telegram.until(lambda: not on.telegram.updates.pending)
        assert on.telegram.transcript.violations() == []


@virtual
async def test_what_was_written_while_nobody_listened_is_heard():
    async with server() as telegram:
        ada = telegram.people.user()
        chat = telegram.people.private(ada)
        telegram.people.say(chat, ada, "while you were away")
        door = RememberingDoor(changed=telegram.world.changed)
        async with running(bot_of(telegram), door):
            await telegram.until(lambda: door.texts == ["while you were away"])
        assert not telegram.transcript.calls("getUpdates")[0].parameters.get("drop_pending_updates")


@virtual
async def test_what_is_not_taken_is_never_confirmed_and_comes_again():
    async with server() as telegram:
        ada = telegram.people.user()
        chat = telegram.people.private(ada)
        reached = asyncio.Event()

        async def never(_what: object) -> None:
            reached.set()
            await asyncio.Event().wait()

        stuck = RememberingDoor(changed=telegram.world.changed, before=never)
        async with running(bot_of(telegram), stuck):
            telegram.people.say(chat, ada, "important")
            await reached.wait()
            polls = telegram.transcript.count("getUpdates")
            await telegram.until(lambda: telegram.transcript.count("getUpdates") >= polls + 3)
            assert len(telegram.updates.pending) == 1
        assert len(telegram.updates.pending) == 1
        door = RememberingDoor(changed=telegram.world.changed)
        async with running(bot_of(telegram), door):
            await telegram.until(lambda: door.texts == ["important"])
            await telegram.until(lambda: not telegram.updates.pending)


@virtual
async def test_one_that_does_not_end_holds_up_nobody_else():
    async with here() as on:
        ada, bob = on.telegram.people.user("Ada"), on.telegram.people.user("Bob")
        stuck, free = on.telegram.people.private(ada), on.telegram.people.private(bob)
        end = asyncio.Event()

        async def slow(what: ChatMessage | Press) -> None:
            if what.user_id == str(ada.id):
                await end.wait()

        on.door.before = slow
        on.telegram.people.say(stuck, ada, "slow")
        for number in range(3):
            on.telegram.people.say(free, bob, f"quick {number}")
            await on.heard(number + 1)
        assert on.telegram.updates.pending[0].body["text"] == "slow"
        end.set()
        await on.heard(4)
        await on.telegram.until(lambda: not on.telegram.updates.pending)
        assert on.door.texts == ["quick 0", "quick 1", "quick 2", "slow"]
        assert all(update.deliveries >= 1 for update in on.telegram.updates.recent)


@virtual
async def test_when_it_ends_well_everything_taken_is_confirmed():
    async with server() as telegram:
        ada = telegram.people.user()
        chat = telegram.people.private(ada)
        door = RememberingDoor(changed=telegram.world.changed)
        async with running(bot_of(telegram), door):
            await telegram.until(lambda: telegram.updates.is_polled)
            telegram.people.say(chat, ada, "last words")
            await telegram.until(lambda: door.texts)
        assert not telegram.updates.pending


@pytest.mark.parametrize("order", [[2, 1, 0], [1, 2, 0], [2, 0, 1]])
@virtual
async def test_re_ordered_and_repeated_updates_are_all_handed_in(order: list[int]):
    async with here() as on:
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        on.telegram.updates.hold()
        for text in "abc":
            on.telegram.people.say(chat, ada, text)
        on.telegram.updates.release(order)
        await on.heard(3)
        await on.telegram.until(lambda: not on.telegram.updates.pending)
        before = len(on.door.messages)
        on.telegram.updates.repeat(2)
        await on.heard(before + 2)
        assert {message.update_key for message in on.door.messages} == {f"m:{chat.id}:{number}" for number in (1, 2, 3)}


@virtual
async def test_an_update_that_cannot_be_read_is_passed_over():
    async with here() as on:
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        with capture_logs() as logs:
            on.telegram.updates.put("message", {"message_id": 1, "text": "no chat, no date"}, queue=1)
            on.telegram.updates.put("message", {"nothing": "known"}, queue=1)
            on.telegram.updates.put("callback_query", {}, queue=1)
            on.telegram.people.say(chat, ada, "still there")
            await on.heard(1)
            await on.telegram.until(lambda: not on.telegram.updates.pending)
        assert on.door.texts == ["still there"]
        unreadable = [line["update"] for line in logs if line["event"] == "telegram_update_unreadable"]
        assert len(set(unreadable)) == 3


@virtual
async def test_an_update_that_the_door_stumbles_over_is_tried_thrice_then_passed_over():
    async with here() as on:
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        tried: list[str] = []

        async def stumble(what: ChatMessage | Press) -> None:
            if isinstance(what, ChatMessage) and what.text == "bad":
                tried.append(what.update_key)
                raise KeyError("a defect")

        on.door.before = stumble
        with capture_logs() as logs:
            on.telegram.people.say(chat, ada, "bad")
            on.telegram.people.say(chat, ada, "good")
            await on.heard(1)
            await on.telegram.until(lambda: not on.telegram.updates.pending)
        assert on.door.texts == ["good"]
        assert len(tried) == 3
        assert [line["event"] for line in logs if line["log_level"] == "error"] == [
            *["telegram_update_failed"] * 3,
            "telegram_update_skipped",
        ]


@virtual
async def test_an_update_that_never_ends_is_passed_over_while_others_get_through():
    async with here() as on:
        ada, bob = on.telegram.people.user("Ada"), on.telegram.people.user("Bob")
        stuck, free = on.telegram.people.private(ada), on.telegram.people.private(bob)

        async def hang(what: ChatMessage | Press) -> None:
            if what.user_id == str(ada.id):
                await asyncio.Event().wait()

        on.door.before = hang
        with capture_logs() as logs:
            on.telegram.people.say(stuck, ada, "never ends")
            for number in range(40):
                on.telegram.people.say(free, bob, str(number))
                await asyncio.sleep(10)
            await on.telegram.until(lambda: not on.telegram.updates.pending)
        assert on.door.texts == [str(number) for number in range(40)]
        assert [line["event"] for line in logs].count("telegram_update_skipped") == 1


@virtual
async def test_where_nothing_gets_through_nothing_is_passed_over():
    async with here() as on:
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        is_back = asyncio.Event()

        async def away(_what: object) -> None:
            await is_back.wait()

        on.door.before = away
        for number in range(3):
            on.telegram.people.say(chat, ada, str(number))
        await asyncio.sleep(400)
        assert len(on.telegram.updates.pending) == 3
        is_back.set()
        await on.heard(3)
        assert sorted(on.door.texts) == ["0", "1", "2"]


@virtual
async def test_an_update_is_kept_while_something_is_down():
    async with here() as on:
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        troubles = [Unavailable("error.broker_down")] * 5

        async def down(_what: object) -> None:
            if troubles:
                raise troubles.pop()

        on.door.before = down
        on.telegram.people.say(chat, ada, "patience")
        await on.heard(1)
        assert not troubles


# --- the way to Telegram ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        {"trouble": Trouble.ERROR, "status": 502},
        {"trouble": Trouble.RESET},
        {"trouble": Trouble.RESET_AFTER},
        {"trouble": Trouble.GARBAGE},
        {"trouble": Trouble.TOO_MANY, "retry_after": 1},
    ],
    ids=lambda trouble: str(trouble["trouble"]),
)
@virtual
async def test_trouble_on_the_way_costs_time_only_and_two_lines(trouble: dict[str, Any]):
    with capture_logs() as logs:
        async with here() as on:
            await on.telegram.until(lambda: on.telegram.updates.is_polled)
            on.telegram.faults.add(trouble.pop("trouble"), "getUpdates", times=2, **trouble)
            ada = on.telegram.people.user()
            chat = on.telegram.people.private(ada)
            on.telegram.people.say(chat, ada, "one")
            await on.heard(1)
            on.telegram.people.say(chat, ada, "two")
            await on.telegram.until(lambda: on.door.texts[-1:] == ["two"])
            await on.telegram.until(lambda: not on.telegram.updates.pending)
    events = [line["event"] for line in logs]
    assert set(on.door.texts) == {"one", "two"}
    assert (events.count("telegram_away"), events.count("telegram_back")) == (1, 1)


@virtual
async def test_an_outage_is_waited_out():
    async with here() as on:
        await on.telegram.until(lambda: on.telegram.updates.is_polled)
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        await on.telegram.stop()
        on.telegram.people.say(chat, ada, "during the outage")
        await on.telegram.start()
        await on.heard(1)


@virtual
async def test_when_telegram_cannot_be_reached_at_the_start_that_is_said():
    async with server() as telegram:
        bot = bot_of(telegram)
    with pytest.raises(Unavailable, match="Telegram"):
        await bot.run(RememberingDoor())


# --- who may receive ----------------------------------------------------------------------------------------------


@virtual
async def test_of_two_who_poll_the_second_stops_and_says_why():
    async with here() as on:
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        await asyncio.sleep(60)
        second = bot_of(on.telegram)
        with capture_logs() as logs, pytest.raises(Misconfigured, match="same token") as raised:
            await second.run(RememberingDoor())
        assert raised.value.key == "chat.two_pollers"
        assert len([line for line in logs if line["event"] == "telegram_conflict"]) <= 2
        on.telegram.people.say(chat, ada, "who is there?")
        await on.heard(1)
        assert not on.task.done()


@virtual
async def test_a_token_that_was_never_good():
    async with server() as telegram:
        bot = bot_of(telegram, token="123456789:AAnother-token_of-no-value_0123456789")
        with capture_logs() as logs, pytest.raises(Misconfigured, match="TELEGRAM_BOT_TOKEN") as raised:
            await bot.run(RememberingDoor())
    assert "AAnother" not in f"{raised.value!r} {raised.value} {logs}"


@virtual
async def test_a_token_that_is_taken_back_while_it_polls(caplog: pytest.LogCaptureFixture):
    async with here() as on:
        await on.telegram.until(lambda: on.telegram.updates.is_polled)
        on.telegram.membership.revoke_token()
        with pytest.raises(Misconfigured, match="TELEGRAM_BOT_TOKEN"):
            await on.task
        assert not on.telegram.transcript.violations(Code.REFUSED_AGAIN)
    assert on.telegram.token not in caplog.text


@virtual
async def test_it_can_run_again():
    async with server() as telegram:
        bot = bot_of(telegram)
        ada = telegram.people.user()
        chat = telegram.people.private(ada)
        for number in range(2):
            door = RememberingDoor(changed=telegram.world.changed)
            async with running(bot, door):
                telegram.people.say(chat, ada, str(number))
                await telegram.until(lambda door=door: door.texts)
            assert door.texts == [str(number)]


# --- what is said about it ----------------------------------------------------------------------------------------


@virtual
async def test_how_it_stands_is_told_at_the_start():
    with capture_logs() as logs:
        async with here(Rules(limits=RULES.limits, has_privacy=False)) as on:
            await on.telegram.until(lambda: on.telegram.updates.is_polled)
    ready = next(line for line in logs if line["event"] == "telegram_ready")
    assert (ready["username"], ready["bot"], ready["way"]) == ("xingshu_test_bot", 123456789, "polling")
    assert ready["reads_all_group_messages"]


@virtual
async def test_what_becomes_of_it_in_a_chat_is_told():
    with capture_logs() as logs:
        async with here() as on:
            await on.telegram.until(lambda: on.telegram.updates.is_polled)
            ada = on.telegram.people.user()
            on.telegram.people.private(ada)
            group = on.telegram.people.group(ada)
            on.telegram.membership.block(ada)
            on.telegram.membership.unblock(ada)
            for state in ("kicked", "member", "left"):
                on.telegram.membership.set_bot(group, state, ada)
            await on.telegram.until(lambda: not on.telegram.updates.pending)
    states = [line["state"] for line in logs if line["event"] == "telegram_chat"]
    assert states == ["blocked", "open", "removed", "added", "left"]


@virtual
async def test_the_menu_is_written_once():
    async with here() as on:
        await on.telegram.until(lambda: len(on.telegram.transcript.calls("setMyCommands", ok=True)) == 4)
        async with running(bot_of(on.telegram), RememberingDoor()):
            await on.telegram.until(lambda: len(on.telegram.transcript.calls("getMyCommands", ok=True)) == 8)
        assert set(on.telegram.world.commands) == {"default/", "default/zh", "all_group_chats/", "all_group_chats/zh"}
        assert on.telegram.transcript.count("setMyCommands") == 4
        assert on.telegram.transcript.violations(Code.BAD_COMMAND) == []


@virtual
async def test_a_menu_that_cannot_be_written_is_no_obstacle():
    async with server() as telegram:
        telegram.faults.add(Trouble.ERROR, "setMyCommands", times=None)
        ada = telegram.people.user()
        telegram.people.say(telegram.people.private(ada), ada, "hi")
        door = RememberingDoor(changed=telegram.world.changed)
        with capture_logs() as logs:
            async with running(bot_of(telegram), door):
                await telegram.until(lambda: door.texts)
                await telegram.until(lambda: telegram.transcript.count("setMyCommands") == 1)
        assert "telegram_menu_not_set" in {line["event"] for line in logs}
