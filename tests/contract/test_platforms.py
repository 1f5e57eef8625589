"""What every chat platform must do for us: `bot.platform.Platform`, judged on each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.drawing.rich_text import RichText, Style, styled
from bot.platform import Pace
from bot.post import ASKING, Action, Attachment, Button, Look, Post, Verb
from bot.reply import Reply
from domain.errors import Flooded, MessageGone, Misconfigured, Refused, Unavailable, Unreachable
from domain.task import Upload
from tests.contract.platforms import GROUNDS, Ground, Seen, ground_of, memory, once
from tests.unit.bot.fakes import until

HOWS = {"blocked", "chat_gone", "topic_closed", "not_allowed"}


@pytest.fixture(params=GROUNDS)
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    async with ground_of(request) as ground:
        yield ground


def post(text: str = "hello", **words: object) -> Post:
    return Post(text=RichText(text), **words)  # type: ignore[arg-type] # fields of a post


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def sent(ground: Ground, what: Post, nonce: str = "7KQ2M4-a0-0", *, is_repeat: bool = False) -> Seen:
    """What a person sees of it."""
    message_id = await ground.platform.send(ground.place, what, nonce, is_repeat=is_repeat)
    return next(seen for seen in ground.seen() if seen.id == message_id)


# --- what it is -------------------------------------------------------------------------------------------------------


async def test_it_says_who_it_is_and_what_it_takes(ground: Ground) -> None:
    traits = ground.platform.traits
    assert ground.platform.name == ground.place.platform
    assert ground.platform.bot_id == ground.place.bot_id
    assert traits.max_text >= 500
    assert traits.measure(RichText("")) == 0
    assert traits.measure(RichText("abc")) == 3
    assert min(traits.max_file_bytes, traits.max_upload_bytes) >= 2**20
    assert isinstance(traits.pace, Pace)


# --- in ---------------------------------------------------------------------------------------------------------------


async def test_a_message_comes_with_its_numbers(ground: Ground) -> None:
    message_id = ground.says("hello there")
    [message] = await once(1, lambda: ground.door.messages)
    assert (message.text, message.message_id, message.place) == ("hello there", message_id, ground.place)
    assert message.user_id
    assert message.route.reply_to == message_id
    assert not message.is_group
    assert not message.is_edit
    assert message.uploads == ()


async def test_messages_come_in_order(ground: Ground) -> None:
    texts = [f"number {number}" for number in range(5)]
    for text in texts:
        ground.says(text)
    messages = await once(5, lambda: ground.door.messages)
    assert [message.text for message in messages] == texts
    assert len({message.update_key for message in messages}) == 5


async def test_a_message_that_comes_again_is_the_same_one(ground: Ground) -> None:
    ground.says("once")
    await once(1, lambda: ground.door.messages)
    ground.repeats()
    ground.says("after")
    await until(lambda: ground.door.messages[-1].text == "after")
    keys = {message.update_key for message in ground.door.messages if message.text == "once"}
    assert len(keys) == 1


async def test_a_reply_is_said_where_it_was_asked(ground: Ground) -> None:
    ground.door.answer = lambda _message: Reply(text="pong")
    ground.says("ping")
    [seen] = await once(1, ground.seen)
    assert seen.text == "pong"


async def test_a_file_comes_up_whole(ground: Ground, tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    ground.says("look", ("数据 1.csv", content))
    [message] = await once(1, lambda: ground.door.messages)
    [upload] = message.uploads
    assert message.text == "look"
    assert upload.name.endswith(".csv")
    assert upload.bytes == len(content)
    await ground.platform.fetch(upload, tmp_path / "there")
    assert (tmp_path / "there").read_bytes() == content
    assert names_in(tmp_path) == ["there"]


async def test_a_file_that_can_never_be_had_is_refused(ground: Ground, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        await ground.platform.fetch(Upload(ref="nothing", name="a.txt"), tmp_path / "a")
    assert names_in(tmp_path) == []


# --- out --------------------------------------------------------------------------------------------------------------


async def test_what_is_sent_is_seen_and_changes_in_place(ground: Ground) -> None:
    seen = await sent(ground, post("one"))
    assert (seen.text, seen.rings) == ("one", False)
    for text in ("two", "two", "three"):
        await ground.platform.edit(ground.place, seen.id, post(text))
    [seen] = ground.seen()
    assert seen.text == "three"


async def test_only_what_is_not_silent_rings(ground: Ground) -> None:
    assert (await sent(ground, post("psst"), "n-1")).rings is False
    assert (await sent(ground, post("hear"), "n-2", is_repeat=False)).rings is False
    assert (await sent(ground, post("HEAR", is_silent=False), "n-3")).rings is True


async def test_an_answer_replies_to_its_request_and_one_that_is_gone_is_no_obstacle(ground: Ground) -> None:
    asked = ground.says("what?")
    await once(1, lambda: ground.door.messages)
    assert (await sent(ground, post("that", reply_to=asked), "n-1")).reply_to == asked
    ground.deletes(asked)
    assert (await sent(ground, post("that too", reply_to=asked), "n-2")).text == "that too"


@pytest.mark.parametrize("letter", ["a", "字", "🙂", "*", "&"])
async def test_a_text_may_be_as_long_as_it_says(ground: Ground, letter: str) -> None:
    traits = ground.platform.traits
    text = letter * (traits.max_text // traits.measure(RichText(letter)))
    while traits.measure(RichText(text)) > traits.max_text:
        text = text[:-1]
    text += "a" * (traits.max_text - traits.measure(RichText(text)))
    assert traits.measure(RichText(text)) == traits.max_text
    assert (await sent(ground, post(text))).text == text
    assert len(ground.seen()) == 1


async def test_words_look_as_they_are(ground: Ground) -> None:
    text = "*not bold* _nor_ this <b>&amp;</b> `code` [a](b) ~~x~~ ||y|| #tag 1. no list\n> no quote"
    assert (await sent(ground, post(text))).text == text


async def test_styles_are_taken(ground: Ground) -> None:
    for number, style in enumerate(Style):
        text = styled(RichText("styled 🙂 words"), style)
        message_id = await ground.platform.send(ground.place, Post(text=text), f"n-{number}")
        assert any(seen.id == message_id and "styled 🙂 words" in seen.text for seen in ground.seen())


# --- buttons ----------------------------------------------------------------------------------------------------------


def button(verb: Verb, argument: str = "") -> Button:
    return Button(label=f"Do {verb.name}", action=Action(verb=verb, subject="7KQ2M4", argument=argument), look=Look.BAD)


@pytest.mark.parametrize("verb", sorted(set(Verb) - ASKING))
async def test_a_button_comes_back_as_what_it_was(ground: Ground, verb: Verb) -> None:
    wanted = button(verb, "s1.2" if verb is Verb.RETRY else "")
    other = button(Verb.CANCEL if verb is Verb.DETAILS else Verb.DETAILS)
    seen = await sent(ground, post("press", buttons=((wanted, other),)))
    ground.presses(seen.id, wanted.label)
    [press] = await once(1, lambda: ground.door.presses)
    assert press.action == wanted.action
    assert (press.message_id, press.chat_id) == (seen.id, ground.place.chat_id)
    assert press.user_id
    assert press.key


async def test_every_press_has_a_key_of_its_own(ground: Ground) -> None:
    seen = await sent(ground, post("press", buttons=((button(Verb.CANCEL),),)))
    for count in (1, 2):
        ground.presses(seen.id, "Do CANCEL")
        await once(count, lambda: ground.door.presses)
    assert len({press.key for press in ground.door.presses}) == 2


async def test_buttons_go_when_an_edit_has_none(ground: Ground) -> None:
    seen = await sent(ground, post("press", buttons=((button(Verb.CANCEL),),)))
    assert seen.labels == ("Do CANCEL",)
    await ground.platform.edit(ground.place, seen.id, post("over"))
    [seen] = ground.seen()
    assert (seen.text, seen.labels) == ("over", ())


@pytest.mark.parametrize("verb", sorted(ASKING))
async def test_a_button_that_asks_for_a_text_brings_it_where_there_are_forms(ground: Ground, verb: Verb) -> None:
    wanted = button(verb)
    seen = await sent(ground, post("press", buttons=((wanted,),)))
    ground.presses(seen.id, wanted.label)
    if ground.platform.traits.has_forms:
        await ground.fills_in("the second one")
    press = (await once(1, lambda: ground.door.presses))[-1]
    assert press.action == wanted.action
    assert press.text == ("the second one" if ground.platform.traits.has_forms else "")


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("from_disk", [True, False])
async def test_a_file_goes_down_whole(ground: Ground, tmp_path: Path, *, from_disk: bool) -> None:
    content = bytes(range(256)) * 500
    (tmp_path / "source").write_bytes(content)
    given = {"path": tmp_path / "source"} if from_disk else {"content": content}
    seen = await sent(ground, post("the file", attachment=Attachment(name="chart.bin", **given)))  # type: ignore[arg-type]
    assert seen.file == ("chart.bin", content)
    assert seen.text == "the file"


async def test_a_file_takes_the_place_of_a_text_where_placeholders_are_needed(ground: Ground) -> None:
    if ground.platform.traits.sends_once:
        return
    seen = await sent(ground, post("wait"))
    await ground.platform.edit(ground.place, seen.id, post("it", attachment=Attachment(name="a.txt", content=b"abc")))
    [seen] = ground.seen()
    assert (seen.text, seen.file) == ("it", ("a.txt", b"abc"))


# --- trouble ----------------------------------------------------------------------------------------------------------


async def test_a_message_that_is_gone_says_so(ground: Ground) -> None:
    seen = await sent(ground, post())
    ground.deletes(seen.id)
    with pytest.raises(MessageGone):
        await ground.platform.edit(ground.place, seen.id, post("again"))


async def test_nobody_who_shut_the_bot_out_is_reached(ground: Ground) -> None:
    await sent(ground, post())
    ground.shuts_out()
    with pytest.raises(Unreachable) as raised:
        await ground.platform.send(ground.place, post("still there?"), "n-2")
    assert raised.value.how in HOWS
    assert raised.value.say("zh")


async def test_a_flood_says_how_long_to_wait(ground: Ground) -> None:
    ground.floods(61.0)
    with pytest.raises(Flooded) as raised:
        await ground.platform.send(ground.place, post(), "n-1")
    assert raised.value.retry_after_s >= 61.0
    assert ground.seen() == []


async def test_a_lost_connection_leaves_it_open_whether_a_message_is_there(ground: Ground) -> None:
    ground.breaks("send", is_after=True)
    with pytest.raises(Unavailable):
        await ground.platform.send(ground.place, post(), "n-1")
    await ground.platform.send(ground.place, post(), "n-1", is_repeat=True)
    assert len(ground.seen()) == (1 if ground.platform.traits.sends_once else 2)


async def test_an_edit_can_be_repeated(ground: Ground) -> None:
    seen = await sent(ground, post("before"))
    for is_after in (True, False):
        ground.breaks("edit", is_after=is_after)
        for _ in range(5):
            try:
                await ground.platform.edit(ground.place, seen.id, post("after"))
            except Unavailable:
                continue
            break
    [seen] = ground.seen()
    assert seen.text == "after"


async def test_showing_that_somebody_writes_never_fails(ground: Ground) -> None:
    await ground.platform.busy(ground.place)
    ground.shuts_out()
    await ground.platform.busy(ground.place)


async def test_a_revoked_token_is_the_operators_matter(ground: Ground) -> None:
    """Whoever sends hears of it, or whoever receives did before."""
    await ground.revokes_token()
    try:
        await ground.platform.send(ground.place, post(), "n-1")
    except Misconfigured:
        return
    except Unavailable:
        await until(lambda: isinstance(ground.door.ended, Misconfigured))
        return
    pytest.fail("a message was sent under a token that does not count")


async def test_the_same_nonce_is_the_same_message_where_that_counts(ground: Ground) -> None:
    for _ in range(3):
        await ground.platform.send(ground.place, post(), "n-1", is_repeat=True)
    await ground.platform.send(ground.place, post("another"), "n-2")
    assert len(ground.seen()) == (2 if ground.platform.traits.sends_once else 4)


async def test_the_twin_can_send_once_too() -> None:
    async with memory(sends_once=True) as ground:
        await test_the_same_nonce_is_the_same_message_where_that_counts(ground)
