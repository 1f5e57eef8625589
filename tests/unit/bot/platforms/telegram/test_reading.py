from __future__ import annotations

from typing import Any

import pytest
from telegram import Update

from bot.platforms.telegram.reading import Albums, Incoming, message_of, press_of
from bot.post import Action, Verb
from domain.chat import ChatMessage
from tests.fakes import START
from tests.unit.bot.platforms.telegram.updates import (
    ADA,
    BOB,
    FORUM,
    GROUP,
    ME,
    OURS,
    PRIVATE,
    message_json,
    pressed,
    said,
    update_of,
)

CHANNEL = {"id": -1009, "type": "channel", "title": "News"}
DOCUMENT = {"document": {"file_id": "d1", "file_unique_id": "u", "file_name": "a.csv", "file_size": 12}}


def read(update: Update, albums: Albums | None = None) -> Incoming | None:
    return message_of(update, ME, albums or Albums(), START)


def heard(update: Update) -> ChatMessage:
    incoming = read(update)
    assert incoming is not None
    return incoming.message


# --- what it becomes ----------------------------------------------------------------------------------------------


def test_a_private_message():
    update = said("hello", chat=PRIVATE)
    assert update.message is not None
    assert heard(update) == ChatMessage(
        platform="telegram",
        bot_id="42",
        chat_id="7",
        user_id="7",
        update_key=f"m:7:{update.message.message_id}",
        text="hello",
        received_at=START,
        message_id=str(update.message.message_id),
        locale="zh-hans",
        gathers=True,
    )


def test_an_edit_has_the_key_of_the_message():
    message = message_json("hello")
    before, after = (
        heard(update_of(message)),
        heard(update_of({**message, "edit_date": int(START.timestamp())}, "edited_message")),
    )
    assert (before.is_edit, after.is_edit) == (False, True)
    assert before.update_key == after.update_key


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("look", {"media_group_id": "a"}),
        ("look", {"forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "Somebody"}}),
        ("x" * 4000, {}),
    ],
)
def test_what_gathers_in_a_group(words: str, fields: dict[str, Any]):
    assert heard(said(f"@Xingshu_Bot {words}", chat=GROUP, **fields)).gathers


def test_what_waited_in_a_private_chat_was_not_said_in_one_breath():
    then = int(START.timestamp())
    assert heard(said("just now", date=then - 1)).gathers
    assert not heard(said("a while ago", date=then - 60)).gathers


def test_a_topic_goes_along_a_thread_of_replies_does_not():
    in_topic = said("@Xingshu_Bot hi", chat=FORUM, message_thread_id=5, is_topic_message=True)
    in_thread = said("@Xingshu_Bot hi", chat=GROUP, message_thread_id=5)
    assert (heard(in_topic).thread_id, heard(in_thread).thread_id) == ("5", "")
    assert heard(in_topic).is_group


# --- whose word counts --------------------------------------------------------------------------------------------

STRANGE_SENDERS: dict[str, dict[str, Any]] = {
    "nobody": {"sender": None},
    "a bot": {"sender": {**BOB, "is_bot": True}},
    "an anonymous admin": {
        "chat": GROUP,
        "sender": {"id": 1087968824, "is_bot": True, "first_name": "Group"},
        "sender_chat": GROUP,
    },
    "an anonymous admin of an old client": {"chat": GROUP, "sender": ADA, "sender_chat": GROUP},
    "a channel": {"chat": GROUP, "sender": {**BOB, "id": 136817688, "is_bot": True}, "sender_chat": CHANNEL},
    "an automatic forward": {
        "chat": GROUP,
        "sender": {"id": 777000, "is_bot": False, "first_name": "Telegram"},
        "sender_chat": CHANNEL,
        "is_automatic_forward": True,
    },
    "Telegram": {"sender": {"id": 777000, "is_bot": False, "first_name": "Telegram"}},
    "a person in a channel": {"chat": CHANNEL},
    "messages to a channel": {"chat": {**GROUP, "is_direct_messages": True}},
    "a chat of an unknown kind": {"chat": {"id": 1, "type": "sphere"}},
}


@pytest.mark.parametrize("shape", STRANGE_SENDERS)
@pytest.mark.parametrize("kind", ["message", "edited_message"])
@pytest.mark.parametrize("text", ["/status", "@Xingshu_Bot do it", "do it"])
def test_senders_that_nobody_can_tell_apart_are_passed_over(shape: str, kind: str, text: str):
    assert read(update_of(message_json(text, **STRANGE_SENDERS[shape]), kind)) is None


@pytest.mark.parametrize("kind", ["channel_post", "edited_channel_post", "business_message"])
def test_other_kinds_of_updates_are_passed_over(kind: str):
    assert read(update_of(message_json("hello"), kind)) is None


@pytest.mark.parametrize(
    "event",
    [
        {"new_chat_members": [BOB]},
        {"left_chat_member": BOB},
        {"new_chat_title": "x"},
        {"group_chat_created": True},
        {"migrate_to_chat_id": -1002},
        {"forum_topic_closed": {}},
    ],
)
def test_events_of_a_chat_are_passed_over(event: dict[str, Any]):
    assert read(said(chat=PRIVATE, **event)) is None


# --- what is for us in a group ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/status", "/status"),
        ("/status@xingshu_bot 7KQ2M4", "/status 7KQ2M4"),
        ("@Xingshu_Bot, sum this up", "sum this up"),
        ("please @xingshu_bot sum this up", "please sum this up"),
        ("看这个 @Xingshu_Bot", "看这个"),
        ("@Xingshu_Bot", ""),
    ],
)
def test_spoken_to_in_a_group(text: str, words: str):
    message = heard(said(text, chat=GROUP))
    assert (message.text, message.is_group, message.gathers) == (words, True, False)


@pytest.mark.parametrize(
    "text",
    ["just among us", "/status@other_bot", "@other_bot do it", "mail me at x@Xingshu_Bot.org", "Xingshu_Bot do it"],
)
def test_not_spoken_to_in_a_group(text: str):
    assert read(said(text, chat=GROUP)) is None


def test_mentioned_by_a_name_without_at():
    entity = {"type": "text_mention", "offset": 0, "length": 7, "user": OURS}
    assert heard(said("Xingshu do it", chat=GROUP, entities=[entity])).text == "do it"


def test_a_reply_to_us_is_for_us():
    replied = message_json("card", chat=GROUP, sender=OURS)
    message = heard(said("also the other one", chat=GROUP, reply_to_message=replied))
    assert (message.text, message.reply_to) == ("also the other one", str(replied["message_id"]))


def test_a_command_for_another_bot_is_not_for_us_though_it_replies_to_us():
    replied = message_json("card", chat=GROUP, sender=OURS)
    assert read(said("/ban@other_bot", chat=GROUP, reply_to_message=replied)) is None


def test_what_is_said_in_a_topic_that_we_opened_is_no_reply():
    opening = message_json(chat=FORUM, sender=OURS, forum_topic_created={"name": "Numbers", "icon_color": 1})
    how = {"chat": FORUM, "reply_to_message": opening, "message_thread_id": opening["message_id"]}
    assert read(said("among us", is_topic_message=True, **how)) is None
    assert heard(said("@Xingshu_Bot hi", is_topic_message=True, **how)).reply_to == ""


def test_an_album_is_for_us_as_a_whole():
    albums = Albums()
    first = message_json(chat=GROUP, caption="@Xingshu_Bot sum up", media_group_id="1", **DOCUMENT)
    first["caption_entities"] = [{"type": "mention", "offset": 0, "length": 12}]
    second = message_json(chat=GROUP, media_group_id="1", **DOCUMENT)
    other = message_json(chat=GROUP, media_group_id="2", **DOCUMENT)
    both = [read(update_of(message), albums) for message in (first, second)]
    assert [(one.message.text, len(one.message.uploads), one.message.gathers) for one in both if one] == [
        ("sum up", 1, True),
        ("", 1, True),
    ]
    assert read(update_of(other), albums) is None


def test_only_the_newest_albums_are_remembered():
    albums = Albums(kept=2)
    messages = [said("@Xingshu_Bot x", chat=GROUP, media_group_id=str(number)).message for number in range(3)]
    for message in messages:
        assert message is not None
        albums.add(message)
    assert [message in albums for message in messages] == [False, True, True]


# --- context ------------------------------------------------------------------------------------------------------


def test_what_somebody_else_said_comes_along():
    replied = message_json("line one\nline two", chat=GROUP, sender=BOB)
    message = heard(said("@Xingshu_Bot sum up", chat=GROUP, reply_to_message=replied))
    assert message.text == "sum up\n\n> line one\n> line two"


def test_only_the_part_that_was_picked_out_comes_along():
    replied = message_json("line one\nline two", chat=GROUP, sender=BOB)
    quote = {"text": "line two", "position": 9}
    assert (
        heard(said("@Xingshu_Bot why", chat=GROUP, reply_to_message=replied, quote=quote)).text == "why\n\n> line two"
    )


def test_a_quotation_is_clipped():
    replied = message_json("x" * 5000, chat=GROUP, sender=BOB)
    text = heard(said("@Xingshu_Bot why", chat=GROUP, reply_to_message=replied)).text
    assert len(text) == len("why\n\n> ") + 2000


def test_a_file_that_is_replied_to_comes_along():
    replied = message_json(chat=GROUP, sender=BOB, **DOCUMENT)
    message = heard(said("@Xingshu_Bot profile this", chat=GROUP, reply_to_message=replied))
    assert [(one.ref, one.name, one.bytes) for one in message.uploads] == [("d1", "a.csv", 12)]


@pytest.mark.parametrize(
    ("text", "words"),
    [("/status", "/status"), ("/ask sum up", "/ask sum up\n\n> words"), ("/plan x", "/plan x\n\n> words")],
)
def test_commands_that_are_no_requests_get_no_context(text: str, words: str):
    replied = message_json("words", chat=GROUP, sender=BOB)
    assert heard(said(text, chat=GROUP, reply_to_message=replied)).text == words


def test_our_own_words_are_no_context():
    replied = message_json("card", sender=OURS)
    assert heard(said("more", reply_to_message=replied)).text == "more"


# --- what cannot be used ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        {"location": {"longitude": 1.0, "latitude": 2.0}},
        {"contact": {"phone_number": "1", "first_name": "Bob"}},
        {"dice": {"emoji": "🎲", "value": 3}},
        {
            "sticker": {
                "file_id": "s",
                "file_unique_id": "u",
                "type": "regular",
                "width": 1,
                "height": 1,
                "is_animated": False,
                "is_video": False,
            }
        },
    ],
)
def test_what_we_cannot_use_reaches_the_door_as_such(content: dict[str, Any]):
    incoming = read(said(**content))
    assert incoming is not None
    assert incoming.is_unusable
    assert incoming.message.text == ""


# --- buttons ------------------------------------------------------------------------------------------------------


def test_a_press():
    message = message_json("card", chat=FORUM, sender=OURS, message_thread_id=5, is_topic_message=True)
    query = pressed("c:7KQ2M4", message=message).callback_query
    assert query is not None
    press = press_of(query, "42", START)
    assert press is not None
    assert press.action == Action(verb=Verb.CANCEL, subject="7KQ2M4")
    assert (press.key, press.chat_id, press.user_id, press.thread_id) == ("c:99", "-1001", "7", "5")
    assert (press.message_id, press.is_group, press.locale) == (str(message["message_id"]), True, "zh-hans")


def test_a_press_under_a_message_that_is_not_there_any_more():
    query = pressed("c:7KQ2M4", message={"chat": GROUP, "message_id": 3, "date": 0}).callback_query
    assert query is not None
    press = press_of(query, "42", START)
    assert press is not None
    assert (press.message_id, press.thread_id) == ("3", "")


@pytest.mark.parametrize("data", [None, "", "z:1", "c:", "c:../../x", "buy:everything", "c:" + "x" * 60])
def test_a_press_that_is_not_ours(data: str | None):
    query = pressed(data, message=message_json("card", sender=OURS)).callback_query
    assert query is not None
    assert press_of(query, "42", START) is None


def test_a_press_under_an_inline_message():
    query = pressed("c:7KQ2M4", inline_message_id="1").callback_query
    assert query is not None
    assert press_of(query, "42", START) is None
