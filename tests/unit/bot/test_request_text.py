from __future__ import annotations

import pytest

from bot.request_text import request_text
from domain.chat import MAX_REQUEST
from domain.errors import Refused


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  hello \n", "hello"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("tab\tstays", "tab\tstays"),
        ("one \x1b stray escape in a long text", "one  stray escape in a long text"),
        ("שלום \u202e עולם", "שלום \u202e עולם"),
        ("你好" * (MAX_REQUEST // 2), "你好" * (MAX_REQUEST // 2)),
    ],
)
def test_kept(text: str, kept: str) -> None:
    assert request_text(text) == kept


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "chat.empty"),
        (" \n\t\u3000 ", "chat.empty"),
        ("x" * (MAX_REQUEST + 1), "chat.too_long"),
        ("\x00\x01\x02ELF\x7f", "chat.not_text"),
        ("\x00", "chat.not_text"),
        ("half a character \udcff", "chat.not_text"),
        ("\ufffd\ufffdPNG", "chat.not_text"),
    ],
)
def test_refused(text: str, key: str) -> None:
    with pytest.raises(Refused) as refused:
        request_text(text)
    assert refused.value.key == key


def test_the_limit_is_named() -> None:
    with pytest.raises(Refused) as refused:
        request_text("x" * 100_000)
    assert str(MAX_REQUEST) in refused.value.say("en")
    assert str(MAX_REQUEST) in refused.value.say("zh")
