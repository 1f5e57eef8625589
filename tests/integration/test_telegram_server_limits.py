"""The strict Telegram of the tests: where a bot may write and how often, and what goes wrong on purpose."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Any

import pytest
from telegram import InputMediaDocument
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError, TimedOut
from telegram.ext import ExtBot

from tests.telegram_server import Kind, Limits, Rules, TelegramServer, Trouble
from tests.telegram_server.scene import Scene, playing


@pytest.fixture(autouse=True)
def _durations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the library warns whenever it is told to wait."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with playing() as scene:
        yield scene


# --- where a bot may write ----------------------------------------------------------------------------------------


def _unknown(_telegram: TelegramServer) -> int:
    return 4711


def _not_started(telegram: TelegramServer) -> int:
    return telegram.people.user().id


def _blocked(telegram: TelegramServer) -> int:
    chat = telegram.people.private()
    telegram.membership.block(chat.user)
    return chat.id


def _deactivated(telegram: TelegramServer) -> int:
    chat = telegram.people.private()
    telegram.membership.deactivate(chat.user)
    return chat.id


def _other_bot(telegram: TelegramServer) -> int:
    return telegram.people.user(is_bot=True).id


def _thrown_out(kind: Kind, how: str) -> Callable[[TelegramServer], int]:
    def prepare(telegram: TelegramServer) -> int:
        by = telegram.people.user()
        chat = telegram.people.group(by, kind=kind)
        telegram.membership.set_bot(chat, how, by)
        return chat.id

    return prepare


def _muted(telegram: TelegramServer) -> int:
    chat = telegram.people.group(telegram.people.user())
    telegram.membership.mute_bot(chat)
    return chat.id


@pytest.mark.parametrize(
    ("prepare", "error", "kind"),
    [
        (_unknown, "Bad Request: chat not found", BadRequest),
        (_not_started, "Forbidden: bot can't initiate conversation with a user", Forbidden),
        (_blocked, "Forbidden: bot was blocked by the user", Forbidden),
        (_deactivated, "Forbidden: user is deactivated", Forbidden),
        (_other_bot, "Forbidden: the bot can't send messages to the bot", Forbidden),
        (_thrown_out(Kind.GROUP, "kicked"), "Forbidden: bot was kicked from the group chat", Forbidden),
        (_thrown_out(Kind.SUPERGROUP, "kicked"), "Forbidden: bot was kicked from the supergroup chat", Forbidden),
        (_thrown_out(Kind.SUPERGROUP, "left"), "Forbidden: bot is not a member of the supergroup chat", Forbidden),
        (_muted, "Bad Request: not enough rights to send text messages to the chat", BadRequest),
    ],
)
async def test_where_a_bot_may_not_write(scene: Scene, prepare, error, kind) -> None:
    chat_id = prepare(scene.telegram)
    with scene.refused(error, kind):
        await scene.bot.send_message(chat_id, "hello?")
    assert scene.codes == []
    await scene.advance(1)
    with scene.refused(error, kind):
        await scene.bot.send_message(chat_id, "hello??")
    assert scene.codes == ["refused_again"]


async def test_a_chat_that_lets_the_bot_in_again(scene: Scene) -> None:
    for _ in range(2):
        scene.telegram.membership.block(scene.ada)
        with pytest.raises(Forbidden):
            await scene.bot.send_message(scene.chat.id, "x")
        await scene.advance(1)
        scene.telegram.membership.unblock(scene.ada)
        await scene.bot.send_message(scene.chat.id, "x")
    assert scene.codes == []


async def test_upgraded_group(scene: Scene) -> None:
    old = scene.telegram.people.group(scene.ada, kind=Kind.GROUP)
    new = scene.telegram.membership.upgrade(old, scene.ada)
    with pytest.raises(ChatMigrated) as raised:
        await scene.bot.send_message(old.id, "x")
    assert raised.value.new_chat_id == new.id
    await scene.bot.send_message(new.id, "x")
    migrated = [update.message for update in await scene.bot.get_updates()]
    assert [message.migrate_to_chat_id for message in migrated] == [new.id, None]
    assert [message.migrate_from_chat_id for message in migrated] == [None, old.id]


async def test_topics(scene: Scene) -> None:
    forum = scene.telegram.people.group(scene.ada, is_forum=True)
    thread = scene.telegram.people.topic(forum, scene.ada, "Plans")
    said = scene.telegram.people.say(forum, scene.ada, "/ask", thread=thread)
    heard = (await scene.bot.get_updates())[-1].message
    assert (heard.message_thread_id, heard.is_topic_message) == (thread, True)
    assert heard.reply_to_message.forum_topic_created.name == "Plans"
    assert (await scene.bot.send_message(forum.id, "x", message_thread_id=thread)).message_thread_id == thread
    assert (await scene.bot.send_message(forum.id, "x", reply_to_message_id=said.id)).message_thread_id == thread
    assert (await scene.bot.send_message(forum.id, "x")).message_thread_id is None
    await scene.bot.send_chat_action(forum.id, "typing", message_thread_id=1)
    for wrong in (1, 4711):
        with scene.refused("Bad Request: message thread not found", BadRequest):
            await scene.bot.send_message(forum.id, "x", message_thread_id=wrong)
    scene.telegram.people.close_topic(forum, scene.ada, thread)
    with scene.refused("Bad Request: TOPIC_CLOSED", BadRequest):
        await scene.bot.send_message(forum.id, "x", message_thread_id=thread)
    scene.telegram.people.reopen_topic(forum, scene.ada, thread)
    await scene.bot.send_message(forum.id, "x", message_thread_id=thread)
    scene.telegram.people.delete_topic(forum, thread)
    with scene.refused("Bad Request: message thread not found", BadRequest):
        await scene.bot.send_message(forum.id, "x", message_thread_id=thread)
    private = scene.telegram.people.private()
    with scene.refused("Bad Request: message thread not found", BadRequest):
        await scene.bot.send_message(private.id, "x", message_thread_id=thread)
    assert scene.codes == []


# --- flood control ------------------------------------------------------------------------------------------------


async def sent(bot: ExtBot[Any], chat_id: int, count: int) -> int:
    """How many of `count` messages got through."""
    passed = 0
    for number in range(count):
        with suppress(RetryAfter):
            await bot.send_message(chat_id, f"message {number}")
            passed += 1
    return passed


def limited(**limits: Any) -> AbstractAsyncContextManager[Scene]:
    return playing(Rules(limits=Limits(**limits)))


async def test_retry_after_grows_for_those_who_do_not_wait() -> None:
    async with limited() as scene:
        chat = scene.telegram.people.private()
        assert await sent(scene.bot, chat.id, 4) == 4
        waits = []
        for text in ("a", "a", "b", "c"):
            with pytest.raises(RetryAfter) as raised:
                await scene.bot.send_message(chat.id, text)
            waits.append(raised.value.retry_after.total_seconds())
            await scene.advance(0.1)
        assert waits == [1, 2, 4, 8]
        assert scene.codes == ["flood_ignored"] * 3
        await scene.advance(8)
        assert await sent(scene.bot, chat.id, 4) == 4
        assert scene.codes == ["flood_ignored"] * 3


async def test_calls_that_were_under_way_are_no_violation_but_repeating_one_is() -> None:
    async with limited() as scene:
        chat = scene.telegram.people.private()
        assert await sent(scene.bot, chat.id, 7) == 4
        assert scene.codes == []
        with pytest.raises(RetryAfter):
            await scene.bot.send_message(chat.id, "message 4")
        assert scene.codes == ["flood_ignored"]


@pytest.mark.parametrize(("limits", "count", "passed", "later_s", "then"), [
    ({}, 30, 4, 1, 1),
    ({}, 30, 4, 10, 4),
    ({"private_burst": 9}, 30, 9, 3, 3),
    ({"overall_burst": 2}, 30, 2, 60, 2),
])  # fmt: skip
async def test_buckets_of_a_private_chat(limits, count, passed, later_s, then) -> None:
    async with limited(grace_s=1e-9, growth=1.0, **limits) as scene:
        chat = scene.telegram.people.private()
        assert await sent(scene.bot, chat.id, count) == passed
        await scene.advance(later_s)
        assert await sent(scene.bot, chat.id, count) == then


async def test_twenty_a_minute_in_a_group_and_edits_count() -> None:
    async with limited(grace_s=60) as scene:
        ada = scene.telegram.people.user()
        group, private = scene.telegram.people.group(ada), scene.telegram.people.private(ada)
        assert await sent(scene.bot, group.id, 19) == 19
        await scene.bot.edit_message_text("edited", group.id, scene.telegram.transcript.last(group).id)
        with pytest.raises(RetryAfter) as raised:
            await scene.bot.edit_message_text("edited 2", group.id, scene.telegram.transcript.last(group).id)
        assert raised.value.retry_after.total_seconds() == 60
        await scene.bot.send_chat_action(group.id, "typing")
        assert await sent(scene.bot, private.id, 1) == 1
        await scene.advance(60)
        media = [InputMediaDocument(b"x", filename=f"{number}.txt") for number in range(10)]
        await scene.bot.send_media_group(group.id, media)
        await scene.bot.send_media_group(group.id, media)
        assert await sent(scene.bot, group.id, 1) == 0


async def test_thirty_a_second_over_all_chats() -> None:
    async with limited() as scene:
        chats = [scene.telegram.people.private() for _ in range(40)]
        assert sum([await sent(scene.bot, chat.id, 1) for chat in chats]) == 30
        assert scene.codes == []


# --- faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "how", "error", "is_there"),
    [
        (Trouble.TOO_MANY, {"retry_after": 7}, RetryAfter, False),
        (Trouble.ERROR, {"status": 500}, NetworkError, False),
        (Trouble.ERROR, {"status": 502}, NetworkError, False),
        (Trouble.ERROR_AFTER, {"status": 504}, NetworkError, True),
        (Trouble.RESET, {}, NetworkError, False),
        (Trouble.RESET_AFTER, {}, NetworkError, True),
        (Trouble.HANG_AFTER, {}, TimedOut, True),
        (Trouble.GARBAGE, {}, TelegramError, False),
        (Trouble.GARBAGE_AFTER, {}, TelegramError, True),
        (Trouble.SLOW, {"delay_s": 0.01}, None, True),
        (Trouble.SLOW_AFTER, {"delay_s": 0.01}, None, True),
    ],
)
async def test_faults(scene: Scene, trouble, how, error, is_there) -> None:
    scene.telegram.faults.add(
        trouble, "sendMessage", chat=scene.chat.id, when=lambda given: given["text"] == "x", **how
    )
    other = scene.telegram.people.private()
    await scene.bot.send_message(other.id, "x")
    await scene.bot.send_message(scene.chat.id, "y")
    with pytest.raises(error) if error else nullcontext():
        await scene.bot.send_message(scene.chat.id, "x", read_timeout=0.2)
    assert scene.telegram.transcript.texts(scene.chat) == ["y", "x"] if is_there else ["y"]
    assert scene.telegram.transcript.calls("sendMessage")[-1].trouble == trouble
    await scene.advance(8)
    await scene.bot.send_message(scene.chat.id, "x")
    assert scene.codes == []


async def test_repeating_an_edit_whose_answer_was_lost_is_careful(scene: Scene) -> None:
    sent = await scene.bot.send_message(scene.chat.id, "x")
    scene.telegram.faults.add(Trouble.RESET_AFTER, "editMessageText")
    with pytest.raises(NetworkError):
        await scene.bot.edit_message_text("y", scene.chat.id, sent.message_id)
    with scene.refused("message is not modified", BadRequest):
        await scene.bot.edit_message_text("y", scene.chat.id, sent.message_id)
    assert scene.codes == []


async def test_a_429_of_a_fault_is_to_be_waited_for(scene: Scene) -> None:
    scene.telegram.faults.add(Trouble.TOO_MANY, "sendChatAction", retry_after=5)
    for _ in range(2):
        with pytest.raises(RetryAfter):
            await scene.bot.send_chat_action(scene.chat.id, "typing")
    assert scene.codes == ["flood_ignored"]
    await scene.bot.send_message(scene.chat.id, "x")
