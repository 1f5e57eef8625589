"""The strict Telegram of the tests: texts, markup, entities, buttons, edits, with the real python-telegram-bot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import (
    Chat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
    MessageEntity,
    ReplyParameters,
)
from telegram.error import BadRequest
from telegram.helpers import escape_markdown

from tests.telegram_server import Code
from tests.telegram_server.hypertext import parse_html
from tests.telegram_server.markdown import parse_markdown
from tests.telegram_server.scene import Scene, playing
from tests.telegram_server.text import cleaned, units

QUIET = LinkPreviewOptions(is_disabled=True)
GO = InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="go")]])
STYLES = "bold@0+1 italic@2+1 underline@4+1 strikethrough@6+1 spoiler@8+1"
LINK_QUOTE = "text_link@0+1 expandable_blockquote@1+1"
UNCHANGED = "message is not modified: specified new message content and reply markup are exactly the same as a current"


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with playing() as scene:
        yield scene


# --- texts, entities, keyboards -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x" * 4096, None),
        ("😀" * 2048, None),
        ("x" * 4097, "message is too long"),
        ("😀" * 2048 + "x", "message is too long"),
        ("中" * 4096 + "  \n", None),
        ("", "message text is empty"),
        (" \n\t", "text must be non-empty"),
        ("x" * 40000, "text is too long"),
    ],
    ids=repr,
)
async def test_text_is_measured_in_utf16_units(scene: Scene, text, error) -> None:
    if error is None:
        await scene.bot.send_message(scene.chat.id, text)
        assert scene.telegram.transcript.texts(scene.chat) == [text.strip()]
        return
    with scene.refused(error, BadRequest):
        await scene.bot.send_message(scene.chat.id, text)
    assert scene.codes == ["text_empty" if "mpty" in error else "text_too_long"]
    assert scene.telegram.transcript.texts(scene.chat) == []


@pytest.mark.parametrize(
    ("mode", "text", "shown", "entities"),
    [
        ("MarkdownV2", "*a* _b_ __c__ ~d~ ||e||", "a b c d e", STYLES),
        ("MarkdownV2", "😀 `a*b` done\\.", "😀 a*b done.", "code@3+3"),
        ("MarkdownV2", "```python\nx = 1\n```", "x = 1", "pre@0+5"),
        ("MarkdownV2", "[a\\]b](http://x/\\))", "a]b", "text_link@0+3"),
        ("MarkdownV2", ">a\n>b\nc", "a\nb\nc", "blockquote@0+4"),
        ("MarkdownV2", "**>a\n>b||", "a\nb", "expandable_blockquote@0+3"),
        ("MarkdownV2", "*a _b_*", "a b", "bold@0+3 italic@2+1"),
        ("MarkdownV2", "1. a", "Character '.' is reserved and must be escaped", None),
        ("MarkdownV2", "a > b", "Character '>' is reserved", None),
        ("MarkdownV2", "中*a", "Can't find end of Bold entity at byte offset 3", None),
        ("MarkdownV2", "```x", "Can't find end of Pre entity at byte offset 0", None),
        ("MarkdownV2", "[a](http://x", "Can't find end of a URL at byte offset 4", None),
        ("HTML", "<b>a</b> &lt;<i>b</i>", "a <b", "bold@0+1 italic@3+1"),
        ("HTML", '<pre><code class="language-py">x</code></pre>', "x", "pre@0+1"),
        ("HTML", '<a href="http://x/?a=1&amp;b">l</a><blockquote expandable>q</blockquote>', "lq", LINK_QUOTE),
        ("HTML", "a < b", "Unsupported start tag \"\" at byte offset 2", None),
        ("HTML", "a<br>b", 'Unsupported start tag "br" at byte offset 1', None),
        ("HTML", "<b>a</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"', None),
        ("HTML", "<b>a", "Can't find end tag corresponding to start tag \"b\"", None),
        ("HTML", "a</b>", "Unexpected end tag at byte offset 1", None),
        ("LaTeX", "a", "unsupported parse_mode", None),
    ],
)  # fmt: skip
async def test_markup(scene: Scene, mode, text, shown, entities) -> None:
    if entities is None:
        with scene.refused(shown, BadRequest):
            await scene.bot.send_message(scene.chat.id, text, parse_mode=mode)
        assert scene.codes == ["bad_parameter" if mode == "LaTeX" else "bad_markup"]
        return
    sent = await scene.bot.send_message(scene.chat.id, text, parse_mode=mode)
    assert sent.text == shown
    assert " ".join(f"{entity.type}@{entity.offset}+{entity.length}" for entity in sent.entities) == entities
    assert scene.codes == []


_WORDS = st.text('a中😀_*[]()~`>#+-=|{}.!\\\\<&"', min_size=1, max_size=6)
_STYLED = st.tuples(_WORDS, st.sampled_from(["bold", "underline", "strikethrough", "spoiler", "code", "pre", "none"]))


@given(st.lists(_STYLED, min_size=1, max_size=6))
def test_what_the_library_marks_up_is_read_back(words: list[tuple[str, str]]) -> None:
    text, entities = "", []
    for word, kind in words:
        if kind != "none":
            entities.append(MessageEntity(kind, units(text), units(word)))
        text += f"{word} "
    message = Message(1, datetime(2026, 1, 1, tzinfo=UTC), Chat(1, "private"), text=text, entities=entities)
    expected = [{"type": str(entity.type), "offset": entity.offset, "length": entity.length} for entity in entities]
    assert parse_markdown(message.text_markdown_v2) == (text, expected)
    assert parse_html(message.text_html) == (text, expected)
    assert parse_markdown(escape_markdown(text, 2)) == (text, [])
    assert cleaned(text, expected)[0] == text.strip(" \n")


@pytest.mark.parametrize(
    ("entity", "error", "code"),
    [
        (("bold", 0, 2), None, None),
        (("bold", 2, 1), None, None),
        (("mention", 99, 1), None, None),
        (("bold", 0, 1), "ends in a middle of a UTF-16 symbol at byte offset 4", "bad_entity"),
        (("bold", 1, 1), "begins in a middle of a UTF-16 symbol", "bad_entity"),
        (("bold", 0, 4), "entity beginning at UTF-16 offset 0 ends after the end of the text", "bad_entity"),
        (("bold", 9, 1), "entity begins after the end of the text at UTF-16 offset 9", "bad_entity"),
        (("bold", -1, 1), "incorrect offset -1", "bad_entity"),
        (("shiny", 0, 2), "Unsupported type specified", "bad_entity"),
        (("text_link", 0, 2), 'Can\'t find field "url"', "bad_entity"),
    ],
)
async def test_entities(scene: Scene, entity, error, code) -> None:
    sending = scene.bot.send_message(scene.chat.id, "😀a", entities=[MessageEntity(*entity)])
    if error is None:
        await sending
        assert scene.codes == []
        return
    with scene.refused(error, BadRequest):
        await sending
    assert scene.codes == [code]


@pytest.mark.parametrize(
    ("spans", "is_fine"),
    [
        ([("bold", 0, 4), ("italic", 1, 2)], True),
        ([("blockquote", 0, 6), ("pre", 1, 2), ("bold", 3, 1)], True),
        ([("bold", 0, 4), ("italic", 2, 4)], False),
        ([("pre", 0, 4), ("bold", 1, 2)], False),
        ([("bold", 0, 4), ("code", 1, 2)], False),
        ([("blockquote", 0, 4), ("blockquote", 1, 2)], False),
    ],
)
async def test_nesting_that_telegram_would_mend_is_noted(scene: Scene, spans, is_fine) -> None:
    await scene.bot.send_message(scene.chat.id, "abcdef", entities=[MessageEntity(*span) for span in spans])
    assert scene.codes == ([] if is_fine else ["bad_nesting"])


async def test_entities_move_with_trimmed_text(scene: Scene) -> None:
    sent = await scene.bot.send_message(scene.chat.id, "  \r\nab  ", entities=[MessageEntity("bold", 4, 4)])
    assert sent.text == "ab"
    assert [(entity.offset, entity.length) for entity in sent.entities] == [(0, 2)]


def keyboard(*rows: int, data: str = "x", **how: Any) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton("b", callback_data=data, **how) for _ in range(row)] for row in rows]
    )


@pytest.mark.parametrize(
    ("markup", "error"),
    [
        (keyboard(8), None),
        (keyboard(*[8] * 12, 4), None),
        (keyboard(1, data="中" * 21), None),
        (keyboard(9), "reply markup is too long"),
        (keyboard(*[8] * 13), "reply markup is too long"),
        (keyboard(1, data="中" * 22), "BUTTON_DATA_INVALID"),
        (InlineKeyboardMarkup([[InlineKeyboardButton("b")]]), "Text buttons are unallowed"),
        (keyboard(1, api_kwargs={"colour": "red"}), "unknown field"),
    ],
)
async def test_keyboards(scene: Scene, markup, error) -> None:
    if error is None:
        await scene.bot.send_message(scene.chat.id, "x", reply_markup=markup)
        assert scene.codes == []
        return
    with scene.refused(error, BadRequest):
        await scene.bot.send_message(scene.chat.id, "x", reply_markup=markup)
    assert scene.codes[0] in {"keyboard_too_big", "bad_button", "unknown_parameter"}


# --- edits, deletions, replies ------------------------------------------------------------------------------------

Act = Callable[[Scene], Awaitable[Any]]


async def _edit_unchanged(scene: Scene) -> None:
    sent = await scene.bot.send_message(scene.chat.id, "same", reply_markup=GO)
    await scene.bot.edit_message_text("same ", scene.chat.id, sent.message_id, reply_markup=GO)


async def _edit_markup_unchanged(scene: Scene) -> None:
    sent = await scene.bot.send_message(scene.chat.id, "same", reply_markup=GO)
    await scene.bot.edit_message_reply_markup(scene.chat.id, sent.message_id, reply_markup=GO)


async def _edit_deleted(scene: Scene) -> None:
    sent = await scene.bot.send_message(scene.chat.id, "x")
    scene.telegram.people.delete(scene.telegram.transcript.last(scene.chat))
    await scene.bot.edit_message_text("y", scene.chat.id, sent.message_id)


async def _edit_of_others(scene: Scene) -> None:
    said = scene.telegram.people.say(scene.chat, scene.chat.user, "mine")
    await scene.bot.edit_message_text("y", scene.chat.id, said.id)


async def _edit_document_text(scene: Scene) -> None:
    sent = await scene.bot.send_document(scene.chat.id, b"x", filename="a.txt")
    await scene.bot.edit_message_text("y", scene.chat.id, sent.message_id)


async def _edit_too_long(scene: Scene) -> None:
    sent = await scene.bot.send_message(scene.chat.id, "x")
    await scene.bot.edit_message_text("y" * 4097, scene.chat.id, sent.message_id)


async def _reply_to_nothing(scene: Scene) -> None:
    await scene.bot.send_message(scene.chat.id, "x", reply_to_message_id=99)


async def _delete_twice(scene: Scene) -> None:
    sent = await scene.bot.send_message(scene.chat.id, "x")
    await scene.bot.delete_message(scene.chat.id, sent.message_id)
    await scene.bot.delete_message(scene.chat.id, sent.message_id)


async def _delete_old(scene: Scene) -> None:
    sent = await scene.bot.send_message(scene.chat.id, "x")
    await scene.advance(48 * 3600)
    await scene.bot.delete_message(scene.chat.id, sent.message_id)


async def _unknown_parameter(scene: Scene) -> None:
    await scene.bot.send_message(scene.chat.id, "x", api_kwargs={"colour": "red"})


async def _unknown_method(scene: Scene) -> None:
    await scene.bot.send_dice(scene.chat.id)


async def _caption_too_long(scene: Scene) -> None:
    await scene.bot.send_document(scene.chat.id, b"x", caption="😀" * 513)


async def _answer_too_long(scene: Scene) -> None:
    await scene.bot.answer_callback_query("1", text="😀" * 101)


async def _empty_file(scene: Scene) -> None:
    await scene.bot.send_document(scene.chat.id, b"")


async def _not_an_image(scene: Scene) -> None:
    await scene.bot.send_photo(scene.chat.id, b"no image")


async def _bad_command(scene: Scene) -> None:
    await scene.bot.set_my_commands([("Ask", "A question")])


@pytest.mark.parametrize(
    ("act", "error", "code"),
    [
        (_edit_unchanged, UNCHANGED, "not_modified"),
        (_edit_markup_unchanged, "message is not modified", "not_modified"),
        (_edit_deleted, "message to edit not found", None),
        (_edit_of_others, "message can't be edited", "not_editable"),
        (_edit_document_text, "there is no text in the message to edit", "not_editable"),
        (_edit_too_long, "MESSAGE_TOO_LONG", "text_too_long"),
        (_reply_to_nothing, "message to be replied not found", None),
        (_delete_twice, "message to delete not found", None),
        (_delete_old, "message can't be deleted for everyone", None),
        (_unknown_parameter, 'unknown parameter "colour"', "unknown_parameter"),
        (_unknown_method, "method not found", "unknown_method"),
        (_caption_too_long, "message caption is too long", "caption_too_long"),
        (_answer_too_long, "MESSAGE_TOO_LONG", "answer_too_long"),
        (_empty_file, "file must be non-empty", "bad_file"),
        (_not_an_image, "IMAGE_PROCESS_FAILED", "bad_file"),
        (_bad_command, "BOT_COMMAND_INVALID", "bad_command"),
    ],
)  # fmt: skip
async def test_refusals(scene: Scene, act: Act, error: str, code: str) -> None:
    with scene.refused(error):
        await act(scene)
    assert scene.codes == [code] * (code is not None)


async def test_link_previews_must_be_switched_off(scene: Scene) -> None:
    await scene.bot.send_message(scene.chat.id, "x", link_preview_options=QUIET)
    assert scene.telegram.transcript.violations() == []
    await scene.bot.send_message(scene.chat.id, "x", link_preview_options=LinkPreviewOptions(is_disabled=False))
    sent = await scene.bot.send_message(scene.chat.id, "x")
    await scene.bot.edit_message_text("y", scene.chat.id, sent.message_id)
    assert [found.code for found in scene.telegram.transcript.violations()] == [Code.LINK_PREVIEW] * 3


async def test_what_a_chat_looks_like_is_told(scene: Scene) -> None:
    asked = scene.telegram.people.say(scene.chat, scene.ada, "hello")
    sent = await scene.bot.send_message(
        scene.chat.id, "card", reply_markup=GO, disable_notification=True, reply_to_message_id=asked.id
    )
    assert sent.reply_to_message.text == "hello"
    await scene.bot.edit_message_text("card 2", scene.chat.id, sent.message_id)
    answer = await scene.bot.send_message(
        scene.chat.id, "done", reply_parameters=ReplyParameters(99, allow_sending_without_reply=True)
    )
    card = scene.telegram.transcript.by_bot(scene.chat)[0]
    assert [version.content.text for version in card.history] == ["card", "card 2"]
    assert (card.edits, card.content.buttons, card.is_silent) == (1, [], True)
    assert [message.id for message in scene.telegram.transcript.audible()] == [answer.message_id]
    await scene.bot.delete_message(scene.chat.id, sent.message_id)
    assert scene.telegram.transcript.texts(scene.chat) == ["hello", "done"]
    assert [message.text for message in scene.telegram.transcript.by_bot(is_deleted=True)] == ["card 2", "done"]
    assert {message.text: edits for message, edits in scene.telegram.transcript.edits()} == {"card 2": 1, "done": 0}
    assert scene.telegram.transcript.count("sendMessage", 200) == 2
    assert len(scene.telegram.transcript.calls("deleteMessage", chat=scene.chat, ok=True)) == 1
