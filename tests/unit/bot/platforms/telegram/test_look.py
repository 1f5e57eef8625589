from __future__ import annotations

from bot.drawing.rich_text import RichText, Span, Style
from bot.platforms.telegram.look import drawn, reply_to
from bot.post import Action, Button, Look, Post, Verb

BOLD = RichText("🚀 bold", (Span(start=2, end=6, style=Style.BOLD),))


def button(label: str, look: Look = Look.PLAIN) -> Button:
    return Button(label=label, action=Action(verb=Verb.CANCEL, subject="7KQ2M4"), look=look)


def test_styles_are_entities_in_utf16_units():
    look = drawn(Post(text=BOLD))
    assert [(one.type, one.offset, one.length) for one in look.entities] == [("bold", 3, 4)]
    assert drawn(Post(text=BOLD), is_plain=True).entities == ()


def test_buttons_carry_their_action_and_their_look():
    keyboard = drawn(
        Post(text=BOLD, buttons=((button("Stop", Look.BAD), button("Go", Look.GOOD), button("…")),))
    ).keyboard
    assert keyboard is not None
    (row,) = keyboard.inline_keyboard
    assert [(one.text, one.callback_data, one.style) for one in row] == [
        ("Stop", "c:7KQ2M4", "danger"),
        ("Go", "c:7KQ2M4", "success"),
        ("…", "c:7KQ2M4", None),
    ]


def test_no_buttons_are_no_keyboard():
    assert drawn(Post(text=BOLD)).keyboard is None
    assert drawn(Post(text=BOLD, buttons=((),))).keyboard is None


def test_a_keyboard_stays_within_the_limits():
    wide = drawn(Post(text=BOLD, buttons=(tuple(button(str(number)) for number in range(20)),))).keyboard
    assert wide is not None
    assert [len(row) for row in wide.inline_keyboard] == [8, 8, 4]
    long = drawn(Post(text=BOLD, buttons=((button("a"), button("b"), button("c")),) * 50)).keyboard
    assert long is not None
    assert sum(map(len, long.inline_keyboard)) == 99


def test_what_is_replied_to_may_be_gone():
    reply = reply_to(Post(text=BOLD, reply_to="17"))
    assert reply is not None
    assert (reply.message_id, reply.allow_sending_without_reply) == (17, True)
    assert reply_to(Post(text=BOLD)) is None
    assert reply_to(Post(text=BOLD, reply_to="elsewhere")) is None
