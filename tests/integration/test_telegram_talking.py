"""Replies and buttons: said where they were asked for, in the chat's turn, and every spinner ends."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.drawing.rich_text import RichText
from bot.platform import Press
from bot.platforms.telegram import TRAITS
from bot.post import Action, Button, Post, Verb
from bot.reply import Reply
from domain.chat import ChatMessage
from domain.task import Place
from domain.texts import say
from tests.integration.telegram_bot import Here, RememberingDoor, bot_of, here, running, server, virtual
from tests.telegram_server import Chat, Code, Message, Rules, Trouble

STOP = ((Button(label="Stop", action=Action(verb=Verb.CANCEL, subject="7KQ2M4")),),)


async def card(on: Here, chat: Chat) -> Message:
    """A message of the bot with a button."""
    place = Place(platform="telegram", bot_id=on.bot.bot_id, chat_id=str(chat.id))
    await on.bot.send(place, Post(text=RichText("card"), buttons=STOP), "n")
    return on.telegram.transcript.last(chat)


# --- replies ------------------------------------------------------------------------------------------------------


@virtual
async def test_a_reply_answers_the_message_in_its_topic():
    async with here() as on:
        on.door.answer = lambda what: Reply(text=f"heard: {what.text}")
        ada = on.telegram.people.user()
        forum = on.telegram.people.group(ada, is_forum=True)
        topic = on.telegram.people.topic(forum, ada)
        asked = on.telegram.people.say(forum, ada, "/status", thread=topic)
        reply = (await on.telegram.until(lambda: on.telegram.transcript.by_bot(forum)))[0]
        assert (reply.text, reply.reply_to, reply.thread) == ("heard: /status", asked.id, topic)
        await on.telegram.until(lambda: not on.telegram.updates.pending)
        assert on.telegram.transcript.violations() == []


@virtual
async def test_a_long_reply_is_several_messages_in_order():
    async with here() as on:
        words = " ".join(str(number) for number in range(2000))
        on.door.answer = lambda _what: Reply(text=words)
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        on.telegram.people.say(chat, ada, "/tasks")
        await on.heard(1)
        parts = on.telegram.transcript.by_bot(chat)
        assert len(parts) == 3
        assert " ".join(part.text for part in parts) == words
        assert on.telegram.transcript.violations() == []


@virtual
@pytest.mark.parametrize(
    ("fields", "is_told"),
    [
        ({"location": {"longitude": 1.0, "latitude": 2.0}}, "text and files"),
        ({"dice": {"emoji": "🎲", "value": 3}}, ""),
    ],
)
async def test_what_cannot_be_used_is_said_in_one_sentence(fields: dict[str, object], is_told: str):
    async with here() as on:
        empty = say("chat.empty", "en")
        on.door.answer = lambda _what: Reply(text=empty if is_told else "who are you?", is_refusal=True)
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        on.telegram.people.other(chat, ada, fields)
        await on.heard(1)
        assert on.door.messages[0].text == ""
        assert (is_told or "who are you?") in on.telegram.transcript.last(chat).text


@virtual
async def test_replies_wait_for_the_chat_s_turn():
    async with server(Rules()) as telegram:
        door = RememberingDoor(changed=telegram.world.changed, answer=lambda what: Reply(text=f"re {what.text}"))
        ada = telegram.people.user()
        chat = telegram.people.private(ada)
        async with running(bot_of(telegram, pace=TRAITS.pace), door):
            for number in range(12):
                telegram.people.say(chat, ada, f"/status {number}")
            await telegram.until(lambda: len(telegram.transcript.by_bot(chat)) == 12, 60)
            await telegram.until(lambda: not telegram.updates.pending)
        assert telegram.transcript.violations() == []
        assert {call.status for call in telegram.transcript.calls("sendMessage")} == {200}


@virtual
async def test_a_flood_is_waited_out():
    async with here() as on:
        on.door.answer = lambda _what: Reply(text="here")
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        on.telegram.faults.add(Trouble.TOO_MANY, "sendMessage", retry_after=30)
        on.telegram.people.say(chat, ada, "/status")
        await on.telegram.until(lambda: on.telegram.transcript.by_bot(chat), 60)
        first, second = on.telegram.transcript.calls("sendMessage")
        assert (second.at - first.at).total_seconds() >= 30
        assert on.telegram.transcript.violations(Code.FLOOD_IGNORED) == []


@virtual
@pytest.mark.parametrize("trouble", [Trouble.RESET_AFTER, Trouble.ERROR_AFTER, Trouble.HANG_AFTER])
async def test_a_reply_that_may_be_there_is_not_sent_again(trouble: Trouble):
    async with here() as on:
        on.door.answer = lambda _what: Reply(text="here")
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        on.telegram.faults.add(trouble, "sendMessage")
        with capture_logs() as logs:
            on.telegram.people.say(chat, ada, "/status")
            await on.heard(1)
        assert on.telegram.transcript.texts(chat) == ["/status", "here"]
        assert [line["event"] for line in logs].count("reply_not_said") == 1


@virtual
async def test_what_cannot_be_said_is_logged_and_the_rest_is_not_tried():
    async with here() as on:
        words = "word " * 2000
        on.door.answer = lambda _what: Reply(text=words)
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        reached = asyncio.Event()

        async def block(_what: object) -> None:
            on.telegram.membership.block(ada)
            reached.set()

        on.door.before = block
        with capture_logs() as logs:
            on.telegram.people.say(chat, ada, "/status")
            await on.heard(1)
        assert len(on.telegram.transcript.calls("sendMessage")) == 1
        assert [line["event"] for line in logs].count("reply_not_said") == 1


# --- buttons ------------------------------------------------------------------------------------------------------


@virtual
async def test_a_press_is_handed_in_and_its_notice_shown():
    async with here() as on:
        on.door.answer = lambda _what: Reply(text="Cancelled.", is_notice=True)
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        query = on.telegram.people.press(await card(on, chat), ada, label="Stop")
        await on.telegram.until(lambda: query.answers)
        await on.telegram.until(lambda: on.door.presses)
        assert on.door.presses[0].action == Action(verb=Verb.CANCEL, subject="7KQ2M4")
        assert query.answers == [{"text": "Cancelled."}]
        assert on.telegram.transcript.texts(chat) == ["card"]
        assert on.telegram.transcript.violations() == []


@virtual
async def test_a_slow_press_loses_its_spinner_and_keeps_its_notice():
    async with here() as on:
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        end = asyncio.Event()

        async def slow(_what: object) -> None:
            await end.wait()

        on.door.before = slow
        on.door.answer = lambda _what: Reply(text="Cancelled.", is_notice=True)
        query = on.telegram.people.press(await card(on, chat), ada, label="Stop")
        await on.telegram.until(lambda: query.answers)
        end.set()
        await on.telegram.until(lambda: on.door.presses)
        assert query.answers == [{}]
        assert on.telegram.transcript.texts(chat) == ["card", "Cancelled."]
        assert on.telegram.transcript.violations() == []


@virtual
async def test_a_notice_that_is_too_long_is_a_message():
    async with here() as on:
        long = "🚀" * 101  # 202 units of UTF-16
        on.door.answer = lambda _what: Reply(text=long, is_notice=True)
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        shown = await card(on, chat)
        query = on.telegram.people.press(shown, ada, label="Stop")
        await on.telegram.until(lambda: on.door.presses)
        assert query.answers == [{}]
        assert on.telegram.transcript.last(chat).text == long
        assert on.telegram.transcript.last(chat).reply_to == shown.id


@virtual
async def test_the_next_page_takes_the_place_of_the_one_before_or_of_nothing():
    async with here() as on:
        on.door.answer = lambda _what: Reply(text="page 2", edits=True, buttons=STOP)
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        shown = await card(on, chat)
        on.telegram.people.press(shown, ada)
        await on.telegram.until(lambda: len(on.door.presses) == 1)
        assert on.telegram.transcript.texts(chat) == ["page 2"]
        on.telegram.people.delete(shown)
        on.telegram.people.forge(shown, ada, "c:7KQ2M4")
        await on.telegram.until(lambda: len(on.door.presses) == 2)
        assert on.telegram.transcript.texts(chat) == ["page 2"]
        assert on.telegram.transcript.last(chat).id != shown.id


@virtual
@pytest.mark.parametrize(("locale", "words"), [("en", "does not do anything"), ("zh-hans", "失效")])
async def test_buttons_that_are_not_ours_are_answered_politely(locale: str, words: str):
    async with here() as on:
        ada = on.telegram.people.user(language_code=locale)
        chat = on.telegram.people.private(ada)
        query = on.telegram.people.forge(await card(on, chat), ada, "buy:everything")
        await on.telegram.until(lambda: query.answers)
        assert words in query.answers[0]["text"]
        assert on.door.presses == []


@virtual
async def test_a_press_that_comes_twice_is_taken_once():
    async with here() as on:
        on.door.answer = lambda _what: Reply(text="Cancelled.", is_notice=True)
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        query = on.telegram.people.press(await card(on, chat), ada)
        await on.telegram.until(lambda: on.door.presses)
        await on.telegram.until(lambda: not on.telegram.updates.pending)
        on.telegram.updates.repeat()
        on.telegram.people.say(chat, ada, "next")
        await on.heard(1)
        assert len(on.door.presses) == 1
        assert len(query.answers) == 1
        assert on.telegram.transcript.violations() == []


@virtual
async def test_a_press_that_is_too_old_is_handed_in_all_the_same():
    async with server(Rules(query_age_s=10)) as telegram:
        ada = telegram.people.user()
        chat = telegram.people.private(ada)
        bot, door = bot_of(telegram), RememberingDoor(changed=telegram.world.changed)
        async with running(bot, door) as task:
            shown = await card(Here(telegram, door, bot, task), chat)
        telegram.people.press(shown, ada)
        await asyncio.sleep(60)
        async with running(bot, door):
            await telegram.until(lambda: door.presses)
            await telegram.until(lambda: telegram.transcript.calls("answerCallbackQuery", ok=False))
        assert not [line for line in telegram.transcript.violations() if line.code is not Code.LATE_ANSWER]


@virtual
async def test_an_answer_that_does_not_arrive_is_given_again():
    async with here() as on:
        on.door.answer = lambda _what: Reply(text="Cancelled.", is_notice=True)
        ada = on.telegram.people.user()
        chat = on.telegram.people.private(ada)
        shown = await card(on, chat)
        on.telegram.faults.add(Trouble.RESET, "answerCallbackQuery")
        query = on.telegram.people.press(shown, ada)
        await on.telegram.until(lambda: query.answers)
        assert query.answers == [{"text": "Cancelled."}]


@virtual
async def test_presses_in_a_group_tell_who_pressed_and_where():
    async with here() as on:
        ada, bob = on.telegram.people.user("Ada"), on.telegram.people.user("Bob", language_code="zh-hans")
        group = on.telegram.people.group(ada, bob)
        on.telegram.people.press(await card(on, group), bob)
        press = (await on.telegram.until(lambda: on.door.presses))[0]
        assert isinstance(press, Press)
        assert (press.user_id, press.chat_id, press.is_group, press.locale) == (
            str(bob.id),
            str(group.id),
            True,
            "zh-hans",
        )


# --- what comes in ------------------------------------------------------------------------------------------------


@virtual
async def test_albums_forwards_and_edits():
    async with here() as on:
        people = on.telegram.people
        ada = people.user()
        group, chat = people.group(ada), people.private(ada)
        on.telegram.membership.set_bot(group, "administrator", ada)
        people.album(group, ada, [("a.csv", b"1"), ("b.csv", b"2")], caption="@xingshu_test_bot compare")
        await on.heard(2)
        people.album(group, ada, [("c.csv", b"1"), ("d.csv", b"2")], caption="not for you")
        people.forward(chat, ada, ["one", "two"])
        said = people.say(chat, ada, "frist")
        people.edit(said, "first")
        await on.heard(6)
        album, rest = on.door.messages[:2], on.door.messages[2:]
        assert [(one.text, [file.name for file in one.uploads], one.gathers) for one in album] == [
            ("compare", ["a.csv"], True),
            ("", ["b.csv"], True),
        ]
        assert [(one.text, one.is_edit) for one in rest] == [
            ("one", False),
            ("two", False),
            ("frist", False),
            ("first", True),
        ]
        assert all(one.gathers for one in rest)
        assert rest[2].update_key == rest[3].update_key


@virtual
async def test_a_reply_to_the_card_names_it():
    async with here() as on:
        ada = on.telegram.people.user()
        group = on.telegram.people.group(ada)
        shown = await card(on, group)
        on.telegram.people.say(group, ada, "also the other one", reply_to=shown)
        message: ChatMessage = (await on.heard(1))[0]
        assert (message.text, message.reply_to) == ("also the other one", str(shown.id))


@virtual
async def test_after_a_group_was_upgraded_the_bot_goes_on_there():
    async with here() as on:
        from tests.telegram_server import Kind

        ada = on.telegram.people.user()
        group = on.telegram.people.group(ada, kind=Kind.GROUP)
        shown = await card(on, group)
        assert shown.chat is group
        new = on.telegram.membership.upgrade(group, ada)
        await on.telegram.until(lambda: not on.telegram.updates.pending)
        await card(on, group)
        assert len(on.telegram.transcript.by_bot(new)) == 1
        assert len(on.telegram.transcript.calls("sendMessage", chat=group)) == 1
