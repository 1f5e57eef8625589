"""Which message of ours is a post, and plain text."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bot.drawing.rich_text import RichText, Span, Style
from bot.platforms.discord.outgoing import MAX_CONTENT, Letter, held_by, plain_content
from bot.post import Attachment, Post
from domain.task import Place

PLACE = Place(platform="discord", bot_id="1", chat_id="2")


def letter(reply_to: str = "9", file: bytes | None = None) -> Letter:
    attachment = None if file is None else Attachment(name="a.csv", content=file)
    post = Post(text=RichText("done"), reply_to=reply_to, attachment=attachment)
    return Letter(place=PLACE, post=post, nonce="n1", file=file or b"")


def seen(content: str = "done", nonce: str | None = None, reply_to: int | None = 9, sizes: tuple[int, ...] = ()) -> Any:
    reference = None if reply_to is None else SimpleNamespace(message_id=reply_to)
    files = [SimpleNamespace(size=size) for size in sizes]
    return SimpleNamespace(content=content, nonce=nonce, reference=reference, attachments=files)


def test_a_nonce_decides() -> None:
    assert letter().is_in(seen(content="else", nonce="n1", reply_to=None))
    assert not letter().is_in(seen(nonce="n2"))


def test_without_one_everything_has_to_be_the_same() -> None:
    assert letter().is_in(seen())
    assert letter("").is_in(seen(reply_to=None))
    assert letter(file=b"123").is_in(seen(sizes=(3,)))
    assert not letter().is_in(seen(reply_to=8))
    assert not letter().is_in(seen(content="done!"))
    assert not letter(file=b"123").is_in(seen(sizes=(4,)))
    assert not letter().is_in(seen(sizes=(3,)))


def test_plain_text_is_short_enough_whatever_it_was() -> None:
    long = "*" * MAX_CONTENT
    assert len(plain_content(RichText(long, (Span(start=0, end=9, style=Style.BOLD),)))) <= MAX_CONTENT


@pytest.mark.parametrize("attachment", [None, Attachment(name="a")])
async def test_nothing_is_held_by_nothing(attachment: Attachment | None) -> None:
    assert await held_by(attachment) == b""
