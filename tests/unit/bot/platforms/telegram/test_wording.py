from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import Message

from bot.platforms.telegram.wording import takes_context, words
from tests.unit.bot.platforms.telegram.updates import ME, found, said


def message(text: str, entities: list[dict[str, Any]] | None = None) -> Message:
    update = said(text, entities=found(text) if entities is None else entities)
    assert update.message is not None
    return update.message


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain", "plain"),
        ("  @Xingshu_Bot: go", "go"),
        ("@Xingshu_Bot，开始", "开始"),
        ("🚀🚀 @Xingshu_Bot go", "🚀🚀 go"),
        ("@Xingshu_Bot @Xingshu_Bot go", "go"),
        ("@other_bot tell @Xingshu_Bot", "@other_bot tell"),
        ("/ask@Xingshu_Bot 🚀 go", "/ask 🚀 go"),
        ("/ask@other_bot go", "/ask@other_bot go"),
        (", not a name", ", not a name"),
    ],
)
def test_our_name_is_taken_out(text: str, kept: str):
    assert words(message(text), ME) == kept


def test_addresses_behind_links_are_spelled_out():
    link = {"type": "text_link", "offset": 3, "length": 4, "url": "https://example.org/a"}
    assert words(message("🚀 here it is", [link]), ME) == "🚀 here (https://example.org/a) it is"


@given(st.text(), st.integers(0, 40), st.integers(0, 40))
def test_whatever_the_numbers_of_an_entity_nothing_breaks(text: str, offset: int, length: int):
    entities = [
        {"type": kind, "offset": offset, "length": length, "url": "u"}
        for kind in ("mention", "bot_command", "text_link")
    ]
    words(message(text or "x", entities), ME)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/status 1", False),
        ("／status", False),
        ("/ask x", True),
        ("／plan x", True),
        ("/计划 做报告", True),
        ("/取消", False),
        ("/unheard of", False),
        ("x /ask", True),
        ("", True),
    ],
)
def test_what_takes_context(text: str, expected: object):
    assert takes_context(text) is expected
