from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot.drawing.answers import Found, answer_posts, placeholder
from bot.drawing.replies import reply_posts
from bot.drawing.rich_text import Style
from bot.platform import Traits
from bot.post import Action, Attachment, Button, Verb
from bot.reply import Reply
from domain.answer import Answer, Author, Statement
from domain.task import Task, TaskState
from tests.unit.bot.drawing.samples import DISCORD, TELEGRAM, TERMINAL, card_of, line, told
from tests.unit.domain import build as b

CHART = Attachment(name="chart.png", path=Path("/w/chart.png"))


def answered(**more: object) -> Task:
    task = b.received(route=replace(b.received().route, reply_to="77"))
    return replace(task, state=TaskState.ANSWERED, answered_at=b.at(9), **more)


def answer(*texts: str) -> Answer:
    return Answer(statements=tuple(Statement(text=text) for text in texts), author=Author.MODEL)


def test_an_answer_replies_to_the_request_and_is_heard() -> None:
    task = answered()
    (post,) = answer_posts(task, answer("**Done**", "- one"), TELEGRAM)
    assert told(post) == ["Done", "• one"] or told(post) == ["Done", "", "• one"]
    assert (post.is_silent, post.reply_to, post.task_id) == (False, "77", "7K2QXM")
    assert post.markdown == "**Done**\n- one"
    assert post.card is not None
    assert post.card.seconds == 9


def test_sources_stay_behind_what_they_are_of() -> None:
    two = Answer(
        statements=(Statement(text="One", sources=("a",)), Statement(text="\nTwo", sources=("b", "c"))),
        author=Author.MODEL,
    )
    (post,) = answer_posts(answered(), two, TELEGRAM)
    assert told(post) == ["One [a]", "", "Two [b] [c]"]


def test_files_come_behind_in_silence() -> None:
    _, file = answer_posts(answered(), answer("See it"), TELEGRAM, Found(attachments=(CHART,)))
    assert told(file) == ["7K2QXM · chart.png"]
    assert (file.attachment, file.is_silent, file.reply_to, file.task_id) == (CHART, True, "", "7K2QXM")
    long = Found(attachments=(Attachment(name="n" * 3000 + ".png", content=b"x"),))
    _, file = answer_posts(answered(), answer("See it"), Traits(max_caption=64), long)
    assert len(file.text.text) <= 64


def test_files_that_cannot_be_sent_are_named() -> None:
    found = Found(missing=("a.csv", "b.md", *(f"{number}.txt" for number in range(20))))
    (post,) = answer_posts(answered(), answer("Done"), TELEGRAM, found)
    assert told(post)[-1].startswith("Could not be attached: a.csv, b.md, 0.txt")
    assert told(post)[-1].endswith("… and 12 more")
    assert "a.csv" in post.markdown
    chinese = answer_posts(answered(language="zh"), answer("完成"), TELEGRAM, Found(missing=("a.csv",)))
    assert told(chinese[0]) == ["完成", "", "未能附上的文件：a.csv"]


def test_a_long_answer_comes_in_parts_of_which_one_is_heard() -> None:
    paragraphs = [f"Paragraph {number}. " * 40 for number in range(12)]
    posts = answer_posts(answered(), answer("\n\n".join(paragraphs)), DISCORD, Found(attachments=(CHART,)))
    assert 3 < len(posts) <= DISCORD.max_parts + 1
    assert [post.is_silent for post in posts] == [False] + [True] * (len(posts) - 1)
    assert [post.reply_to for post in posts] == ["77"] + [""] * (len(posts) - 1)
    assert all(DISCORD.measure(post.text) <= DISCORD.max_text for post in posts)
    assert " ".join(post.text.text for post in posts[:-1]).split() == " ".join(paragraphs).split()
    assert posts[0].markdown == ""


def test_a_very_long_answer_is_a_beginning_and_a_file() -> None:
    text = "# Head\n\n" + "\n\n".join(f"Paragraph {number}. " * 40 for number in range(200))
    found = Found(attachments=(CHART,), missing=("b.md",))
    head, whole, chart = answer_posts(answered(), answer(text), DISCORD, found)
    assert told(head)[0] == "Head"
    assert told(head)[-3:] == ["The whole answer is in answer.md.", "", "Could not be attached: b.md"]
    assert 500 < DISCORD.measure(head.text) <= DISCORD.max_text
    assert whole.attachment == Attachment(name="answer.md", content=text.encode())
    assert chart.attachment == CHART
    (one,) = answer_posts(answered(), answer(text), replace(TERMINAL, max_text=10**9))
    assert one.markdown == text


def test_endless_blanks_are_no_message() -> None:
    head, whole = answer_posts(answered(), answer("a" + " \n\n" * 30_000 + "b"), TELEGRAM)
    assert head.text.text == "The whole answer is in answer.md." or told(head)[0] == "a"
    assert whole.attachment is not None
    (empty,) = answer_posts(answered(), answer(" "), TELEGRAM)
    assert told(empty) == ["✓ 7K2QXM"]


def test_a_placeholder_says_nothing_of_the_task() -> None:
    post = placeholder(answered())
    assert (told(post), post.is_silent, post.reply_to) == (["✓ 7K2QXM"], False, "77")
    assert told(placeholder(replace(answered(), state=TaskState.FAILED))) == ["❌ 7K2QXM"]


# --- replies --------------------------------------------------------------------------------------------------------

BUTTON = ((Button(label="More", action=Action(verb=Verb.PAGE, subject="all", argument="2")),),)


def test_a_reply_is_one_message_if_it_fits() -> None:
    card = card_of(line("a"), seconds=4)
    reply = Reply(text="Asked at 9. /tasks lists all.", card=card, answer=answer("**Yes**"), buttons=BUTTON)
    (post,) = reply_posts(reply, TELEGRAM, "5")
    assert told(post) == [
        "● K3M9QX · running · 0/1 · 4 s",
        "r",
        "",
        "○ Step a",
        "",
        "Asked at 9. /tasks lists all.",
        "",
        "Yes",
    ]
    assert (post.buttons, post.reply_to, post.card, post.is_silent) == (BUTTON, "5", card, True)
    assert Style.CODE not in {span.style for span in post.text.spans}


def test_a_long_reply_has_its_buttons_below() -> None:
    first, *_, last = reply_posts(Reply(text="line\n" * 900, answer=answer("x"), buttons=BUTTON), DISCORD, "5")
    assert (first.reply_to, first.buttons, last.reply_to, last.buttons) == ("5", (), "", BUTTON)
    assert told(last) == ["x"]
    *_, file = reply_posts(Reply(answer=answer("word " * 9000), buttons=BUTTON), DISCORD)
    assert file.attachment is not None
    assert file.buttons == BUTTON
    assert reply_posts(Reply(), DISCORD) == []
