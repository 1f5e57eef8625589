from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.drawing.asks import ask_post, settled_ask
from bot.drawing.rich_text import Style
from bot.platform import Traits
from domain.card import NOTHING_KNOWN, Around
from domain.events import QuestionAsked
from domain.task import Task, TaskState
from tests.unit.bot.drawing.samples import DISCORD, TELEGRAM, TERMINAL, offer, pressed, told
from tests.unit.domain import build as b

ROUTE = replace(b.received().route, reply_to="77")


def waiting(**params: object) -> Task:
    return b.planned(b.external("send", name="Send *it*", params=params), b.node("z", "send"), route=ROUTE)


OFFER = offer("send", "7K2QXM")


def test_an_offer_shows_exactly_what_would_run() -> None:
    post = ask_post(waiting(to="a@x.example", body="<@1>\n中文"), NOTHING_KNOWN, OFFER, TELEGRAM)
    assert told(post) == [
        "❗ 7K2QXM",
        "Allow “Send *it*”?",
        "This would run look with:",
        "{",
        '  "to": "a@x.example",',
        '  "body": "<@1>\\n中文"',
        "}",
        "Your yes counts once, for exactly this, within 15 min.",
    ]
    assert pressed(post) == [["Allow = a:CODEsend", "Deny = d:CODEsend"], ["Cancel = c:7K2QXM"]]
    assert (post.is_silent, post.reply_to, post.task_id) == (False, "77", "7K2QXM")
    styles = {(span.style, span.language) for span in post.text.spans}
    assert styles == {(Style.BOLD, ""), (Style.CODE, ""), (Style.BLOCK, "json")}


def test_how_long_a_yes_counts_is_told_below_a_minute_too() -> None:
    short = replace(OFFER, expires_at=OFFER.made_at + timedelta(seconds=30))
    assert told(ask_post(waiting(), NOTHING_KNOWN, short, TELEGRAM))[-1].endswith("within 30 s.")


def test_an_offer_in_chinese_and_which_of_several_it_is() -> None:
    around = Around(offers=(offer("x"), OFFER))
    lines = told(ask_post(replace(waiting(), language="zh"), around, OFFER, TELEGRAM))
    assert lines == [
        "❗ 7K2QXM · 2/2",
        "是否允许“Send *it*”？",
        "将运行 look，参数如下：",
        "{}",
        "同意后仅按以上内容执行一次，15 分钟内有效。",
    ]


def test_what_nobody_could_see_is_shown_as_an_escape() -> None:
    post = ask_post(waiting(to="a\u200b\u202eb\U000e0041"), NOTHING_KNOWN, OFFER, TELEGRAM)
    assert '  "to": "a\\u200b\\u202eb\\udb40\\udc41"' in told(post)


def test_where_nothing_can_be_pressed_it_says_what_to_type() -> None:
    post = ask_post(waiting(), NOTHING_KNOWN, OFFER, TERMINAL)
    assert told(post)[-1] == "/approve 7K2QXM send allows it, /deny 7K2QXM send refuses it."
    assert post.buttons == ()


@pytest.mark.parametrize("traits", [TELEGRAM, DISCORD, Traits(max_text=600)])
@pytest.mark.parametrize(
    "params",
    [
        {"to": "a@x.example", "body": "*_`" * 3000, "cc": [{"deep": "x" * 9000}]},
        {"to": "a@x.example", "rows": [[number, "v" * 9] for number in range(2000)]},
    ],
)
def test_what_is_too_long_is_cut_and_says_so(traits: Traits, params: dict[str, object]) -> None:
    post = ask_post(waiting(**params), NOTHING_KNOWN, OFFER, traits)
    assert traits.measure(post.text) <= traits.max_text
    assert '"to": "a@x.example"' in post.text.text
    assert told(post)[-2:] == [
        "⚠ Not everything fits here: long values are cut. Say no if that is not enough to decide.",
        "Your yes counts once, for exactly this, within 15 min.",
    ]


def test_a_cut_value_keeps_its_beginning_and_its_end_and_counts_the_rest() -> None:
    body = "begin " + "x" * 6000 + " end"
    post = ask_post(waiting(body=body), NOTHING_KNOWN, OFFER, DISCORD)
    shown = json.loads(post.text.text[post.text.text.index("{") : post.text.text.rindex("}") + 1])["body"]
    head, count, tail = shown.split("… (")[0], int(shown.split("… (")[1].split()[0]), shown.split(") …")[1]
    assert body.startswith(head)
    assert body.endswith(tail)
    assert len(head) + count + len(tail) == len(body)


def test_a_decided_offer_says_how_and_has_no_buttons() -> None:
    task = waiting()
    for changes, outcome in (
        ({"is_allowed": True}, "✓ Allowed"),
        ({"is_allowed": False}, "✗ Denied"),
        ({}, "Nobody decided in time; nothing was done."),
    ):
        post = settled_ask(task, replace(OFFER, **changes), TELEGRAM)
        assert told(post) == ["❗ 7K2QXM", "Allow “Send *it*”?", outcome]
        assert post.buttons == ()
        assert post.is_silent
    over = replace(task, state=TaskState.CANCELLED)
    assert told(settled_ask(over, OFFER, TELEGRAM))[-1] == "No longer needed."


def test_a_question_and_what_became_of_it() -> None:
    task, _ = b.do(b.received(route=ROUTE), QuestionAsked(question="Which *one*?\n- a.csv", at=b.at(6)))
    post = ask_post(task, NOTHING_KNOWN, None, TELEGRAM)
    assert told(post) == ["? 7K2QXM", "Which *one*?", "- a.csv", "", "Reply to this message to answer."]
    assert pressed(post) == [["Cancel = c:7K2QXM"]]
    assert pressed(ask_post(task, NOTHING_KNOWN, None, DISCORD)) == [["Answer = w:7K2QXM", "Cancel = c:7K2QXM"]]
    assert told(ask_post(task, NOTHING_KNOWN, None, TERMINAL))[-1].startswith("Your next message is the answer")
    assert (post.is_silent, post.reply_to) == (False, "77")
    replied, _ = b.do(task, b.replied(reply="the first\none"))
    assert told(settled_ask(replied, None, TELEGRAM))[-1] == "✓ Answered: the first one"
    assert told(settled_ask(replace(task, state=TaskState.CANCELLED), None, TELEGRAM))[-1] == "No longer needed."
