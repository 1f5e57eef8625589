from __future__ import annotations

import re
from dataclasses import asdict, replace

import pytest

from bot.drawing.cards import card_post, same_but_for_time
from bot.drawing.discord_markdown import discord_markdown
from bot.drawing.entities import entities
from bot.drawing.marks import MARKS, TASK_MARKS
from bot.drawing.rich_text import RichText, Style, part
from bot.drawing.timing import about
from bot.platform import Traits
from bot.post import MAX_PRESS, Action, Verb
from domain.card import Around, Awaited, Card
from domain.plan import Repair
from domain.task import Failure, SubtaskState, TaskState
from domain.texts import CATALOGUE, Language
from tests.telegram_server.text import nesting_faults
from tests.unit.bot.drawing.discord_reader import read
from tests.unit.bot.drawing.samples import DISCORD, TELEGRAM, TERMINAL, card_of, line, offer, pressed, told

S = SubtaskState
SAMPLE = (
    line("a", S.SUCCEEDED, title="Read sales.csv", agent="files", seconds=0.42),
    line("b", S.RUNNING, title="Sum up", agent="writer", seconds=68, retries=1),
    line("c", S.DISPATCHED, title="Draw a chart", agent="charts", seconds=9),
    line(
        "d", S.FAILED, title="Convert", agent="shell", seconds=4000, failure=Failure(code="timeout", message="no end")
    ),
    line("e", S.READY, title="Ask", retries=1),
    line("f", S.READY, title="Send the report to everybody", needs_approval=True),
    line("g", S.SKIPPED, title="Clean up", failure=Failure(code="upstream")),
    line("h", title="Notify", waits_for=("Sum up", "Draw a chart", "Send the report to everybody")),
)
KNOWN = Around(left_s=43, cost=0.0123, offers=(offer("f"),), absent=frozenset({"charts"}))


def looks(text: RichText, style: Style) -> list[str]:
    return [part(text, span.start, span.end).text for span in text.spans if span.style is style]


def test_a_model_that_is_waited_for_is_told_and_counted_down_seldom() -> None:
    card = card_of(state=TaskState.PLANNING, is_planning=True, model=Awaited(cause="m1: HTTP 503", left_s=204))
    post = card_post(card, TELEGRAM)
    said = "The language model does not answer (m1: HTTP 503); it is asked again for up to 3 min 20 s more."
    assert told(post)[-1] == said
    assert same_but_for_time(post, card_post(replace(card, model=Awaited(cause="m1: HTTP 503", left_s=31)), TELEGRAM))


def test_a_card_in_all_states() -> None:
    post = card_post(card_of(*SAMPLE, request="Report on March", around=KNOWN), TELEGRAM)
    assert told(post) == [
        "● K3M9QX · running · 1/8",
        "1 min 10 s · ≈ 40 s left · $0.012",
        "Report on March",
        "",
        "✓ Read sales.csv · 0.4 s",
        "● Sum up · writer · 1 min 0 s · retries ×1",
        "◐ Draw a chart · waiting for agent charts: nobody performs it",
        "❌ Convert · shell · it took longer than its time limit: no end",
        "◌ Ask · retries ×1 · will try again",
        "❗ Send the report to everybody · waits for your approval",
        "↷ Clean up · what it depends on did not succeed",
        "○ Notify · after Sum up, Draw a chart and 1 more",
    ]
    assert pressed(post) == [
        ["Allow: Send the rep… = a:CODEf", "Deny: Send the repo… = d:CODEf"],
        ["Details = s:K3M9QX", "Cancel = c:K3M9QX"],
    ]
    assert looks(post.text, Style.BOLD) == [
        "● K3M9QX · running · 1/8",
        "Sum up",
        "Convert",
        "Send the report to everybody",
    ]
    assert looks(post.text, Style.STRIKE) == ["Clean up"]
    assert looks(post.text, Style.CODE) == ["sales.csv"]
    assert post.is_silent
    assert post.task_id == "K3M9QX"


def test_a_card_in_chinese() -> None:
    post = card_post(card_of(*SAMPLE, request="三月报告", language="zh", around=KNOWN), TELEGRAM)
    assert told(post)[:3] == ["● K3M9QX · 执行中 · 1/8", "1 分 10 秒 · 约剩 40 秒 · 0.012 美元", "三月报告"]
    ours = re.sub(
        "Read|Sum up|Draw a chart|Convert|Ask|Send the report to everybody|Clean up|Notify", "", post.text.text
    )
    assert not re.search("[a-z]{3,}", re.sub("sales.csv|writer|shell|charts|no end", "", ours))
    assert pressed(post)[0] == ["允许：Send the report… = a:CODEf", "拒绝：Send the report… = d:CODEf"]


def test_a_short_title_is_one_line() -> None:
    assert told(card_post(card_of(line("a"), seconds=4), TELEGRAM))[0] == "● K3M9QX · running · 0/1 · 4 s"


def test_a_task_that_waits_for_the_planner_says_behind_how_many() -> None:
    card = card_of(state=TaskState.RECEIVED, seconds=0.4, around=Around(ahead=3))
    assert told(card_post(card, DISCORD)) == ["○ K3M9QX · received", "0 s · 3 ahead in the queue", "r"]


def test_a_plan_that_grows_is_not_counted_twice() -> None:
    card = card_of(line("a"), line("b"), state=TaskState.PLANNING, is_planning=True, seconds=4)
    assert told(card_post(card, DISCORD))[0] == "◐ K3M9QX · making a plan, 2 step(s) so far"


def test_a_question_says_how_to_answer_on_this_platform() -> None:
    card = card_of(state=TaskState.WAITING, question="Which *file*?\nThis one?", seconds=4)
    on_telegram, at_terminal = card_post(card, TELEGRAM), card_post(card, TERMINAL)
    assert told(on_telegram) == [
        "❗ K3M9QX · waiting for you · 4 s",
        "r",
        "",
        "? Which *file*?",
        "  This one?",
        "Reply to this message to answer.",
    ]
    assert pressed(on_telegram) == [["Details = s:K3M9QX", "Cancel = c:K3M9QX"]]
    assert pressed(card_post(card, DISCORD)) == [["Answer = w:K3M9QX", "Details = s:K3M9QX", "Cancel = c:K3M9QX"]]
    assert told(at_terminal)[-1] == "Your next message is the answer; /cancel K3M9QX drops it."
    assert at_terminal.buttons == ()


def test_what_must_be_typed_is_said_where_nothing_can_be_pressed() -> None:
    card = card_of(SAMPLE[5], around=Around(offers=(offer("f"),)))
    typed = "❗ Send the report to everybody · waits for your approval: /approve K3M9QX"
    assert told(card_post(card, TERMINAL))[-1] == typed
    assert told(card_post(replace(card, around=Around()), TELEGRAM))[-1] == typed
    assert looks(card_post(replace(card, around=Around()), TELEGRAM).text, Style.CODE) == ["/approve K3M9QX"]


def test_notes_are_few_and_the_draft_shows_its_end() -> None:
    repairs = tuple(Repair(kind="self_dependency", subtask=f"s{number}") for number in range(5))
    draft = "# Head\n\n" + "\n".join(f"- **item** {number}" for number in range(9)) + "\n\n```py\nx = 1\n"
    post = card_post(card_of(line("a"), repairs=repairs, rounds=("no totals",), rounds_left=1, draft=draft), TELEGRAM)
    lines = told(post)
    at = lines.index("↺ planned anew (1/2): no totals")
    assert lines[at + 1 :] == [
        "↻ I removed the dependency of “s0” on itself",
        "↻ I removed the dependency of “s1” on itself",
        "… and 3 more",
        "",
        "✎ answer so far:",
        "• item 5",
        "• item 6",
        "• item 7",
        "• item 8",
        "",
        "x = 1",
    ]
    assert len(looks(post.text, Style.QUOTE)) == 1
    assert not looks(post.text, Style.BLOCK)


# --- many steps -----------------------------------------------------------------------------------------------------


def crowd(lost: int = 1, moving: int = 4) -> Card:
    return card_of(
        *[line(f"n{number}", S.SUCCEEDED, seconds=1) for number in range(120)],
        *[line(f"x{number}", S.FAILED, agent="web", failure=Failure(code="crashed")) for number in range(lost)],
        *[line(f"r{number}", S.RUNNING, agent="web", seconds=12) for number in range(moving)],
        *[line(f"p{number}") for number in range(75)],
        seconds=9,
    )


def test_the_quiet_ones_of_many_are_counted() -> None:
    assert told(card_post(crowd(), TELEGRAM)) == [
        "● K3M9QX · running · 120/200 · 9 s",
        "r",
        "",
        "❌ Step x0 · web · the skill crashed",
        *(f"● Step r{number} · web · 10 s" for number in range(4)),
        "✓ 120 done · ○ 75 pending",
    ]


def test_of_a_few_too_many_a_state_is_shown_or_counted() -> None:
    lines = [line(f"n{number}", S.SUCCEEDED) for number in range(9)]
    card = card_of(*lines, line("r", S.RUNNING), *[line(f"p{number}") for number in range(6)], seconds=4)
    assert told(card_post(card, TELEGRAM))[3:] == [
        "● Step r",
        *(f"○ Step p{number}" for number in range(6)),
        "✓ 9 done",
    ]


def test_what_moves_is_shown_among_a_hundred_failures() -> None:
    shown = told(card_post(crowd(lost=100), TELEGRAM))
    assert sum(text.startswith("● Step") for text in shown) == 4
    assert sum(text.startswith("❌ Step") for text in shown) == 20
    assert shown[-1] == "❌ 80 failed · ✓ 120 done · ○ 75 pending"
    shown = told(card_post(crowd(lost=100, moving=50), TELEGRAM))
    assert sum(text.startswith("❌ Step") for text in shown) == 6
    assert "● 32 running" in shown[-1]


@pytest.mark.parametrize("traits", [TELEGRAM, DISCORD, Traits(max_text=300), Traits(max_text=80)])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_card_fits_whatever_is_on_it(traits: Traits, language: Language) -> None:
    failure = Failure(code="crashed", message="*_`" * 40)
    lines = [line(f"x{number}", S.FAILED, title="*" * 60, agent="_" * 30, failure=failure) for number in range(60)]
    card = card_of(
        *lines,
        *crowd(moving=60).lines,
        language=language,
        request="@" * 500,
        question="Why? " * 200,
        draft="**a** " * 900,
        repairs=(Repair(kind="general", subtask="<" * 64, before=">" * 200),) * 9,
    )
    for state in TaskState:
        post = card_post(replace(card, state=state), traits)
        assert 0 < traits.measure(post.text) <= traits.max_text
        assert "K3M9QX" in post.text.text
        assert not list(nesting_faults([asdict(entity) for entity in entities(post.text)]))
        assert not read(discord_markdown(post.text)).alive


def test_children_are_counted_by_their_parent() -> None:
    children = [line(f"m.{number}", S.SUCCEEDED, depth=1) for number in range(40)]
    card = card_of(
        line("m", S.RUNNING, done=40, total=41), *children, line("m.z", S.RUNNING, depth=1), line("z"), seconds=4
    )
    assert told(card_post(card, TELEGRAM))[3:] == ["● Step m · 40/41", "  ● Step m.z", "○ Step z"]


# --- when it is over ------------------------------------------------------------------------------------------------


def test_a_card_shrinks_when_the_task_is_over() -> None:
    card = card_of(*SAMPLE[:1], state=TaskState.ANSWERED, seconds=2.14, draft="x", repairs=(Repair(kind="other"),))
    post = card_post(card, TELEGRAM)
    assert told(post) == ["✓ K3M9QX · answered · 1/1 · 2.1 s"]
    assert pressed(post) == [["Details = s:K3M9QX"]]


def test_what_was_lost_stays_with_ways_to_try_again() -> None:
    lost = [line(f"x{number}", S.FAILED, depth=1, failure=Failure(code="refused")) for number in range(5)]
    post = card_post(card_of(line("a", S.SUCCEEDED), *lost, state=TaskState.FAILED, seconds=32, done=6), TELEGRAM)
    assert told(post) == [
        "❌ K3M9QX · failed · 6/6 · 32 s",
        *(f"❌ Step x{number} · the skill refused" for number in range(5)),
    ]
    assert pressed(post) == [
        *([f"↻ Step x{number} = r:K3M9QX:x{number}"] for number in range(3)),
        ["Retry all = r:K3M9QX", "Details = s:K3M9QX"],
    ]


def test_one_lost_step_needs_one_button_and_an_unclear_one_has_none() -> None:
    failed = line("x", S.FAILED, failure=Failure(code="refused"))
    one = card_post(card_of(failed, state=TaskState.ANSWERED), TELEGRAM)
    assert pressed(one) == [["Retry = r:K3M9QX", "Details = s:K3M9QX"]]
    unclear = card_of(failed, line("u", S.UNKNOWN, failure=Failure(code="outcome_unknown")), state=TaskState.ANSWERED)
    assert pressed(card_post(unclear, TELEGRAM)) == [["Details = s:K3M9QX"]]
    assert told(card_post(unclear, TELEGRAM))[-1] == "❓ Step u · whether it happened is not known"
    unplanned = card_of(state=TaskState.FAILED)
    assert pressed(card_post(unplanned, TELEGRAM)) == [["Retry = r:K3M9QX", "Details = s:K3M9QX"]]


def test_what_was_taken_out_is_not_offered_again() -> None:
    dropped = line("x", S.CANCELLED, failure=Failure(code="dropped"))
    over = card_of(line("a", S.SUCCEEDED), dropped, state=TaskState.ANSWERED)
    assert pressed(card_post(over, TELEGRAM)) == [["Details = s:K3M9QX"]]


def test_what_was_answered_at_once_has_nothing_to_retry() -> None:
    assert pressed(card_post(card_of(state=TaskState.ANSWERED), TELEGRAM)) == [["Details = s:K3M9QX"]]


def test_buttons_fit_every_platform() -> None:
    keys = [chr(ord("a") + number) * 40 for number in range(4)] + ["步" * 30, "y" * 64]
    lines = [line(key, S.FAILED, title="Very long title " * 9) for key in keys]
    offers = tuple(offer(key, code="0123456789") for key in keys)
    for card in (card_of(*lines, around=Around(offers=offers)), card_of(*lines, state=TaskState.FAILED)):
        buttons = [button for row in card_post(card, DISCORD).buttons for button in row]
        assert sum(button.action.verb in (Verb.ALLOW, Verb.RETRY) for button in buttons) in (3, 4)
        for button in buttons:
            assert len(button.label) <= 20
            assert len(str(button.action).encode()) <= MAX_PRESS
            assert Action.read(str(button.action)) == button.action


# --- time passes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_card_on_which_only_time_passed_is_the_same(language: Language) -> None:
    def at(seconds: float, left_s: float | None = 40.0, state: SubtaskState = S.RUNNING) -> Card:
        lines = (line("a", state, agent="x", seconds=seconds), line("b", S.SUCCEEDED, seconds=3))
        return card_of(*lines, seconds=seconds, language=language, around=Around(left_s=left_s))

    first = card_post(at(61), TELEGRAM)
    assert card_post(at(64), TELEGRAM) == replace(first, card=at(64))
    for later in (at(130), at(4000, 1), at(900, 7000)):
        assert card_post(later, TELEGRAM).text != first.text
        assert same_but_for_time(first, card_post(later, TELEGRAM))
    for other in (at(61, None), at(61, state=S.SUCCEEDED), replace(at(61), question="Why?")):
        assert not same_but_for_time(first, card_post(other, TELEGRAM))
    offered = replace(at(61), around=Around(left_s=40, offers=(offer("a"),)))
    assert not same_but_for_time(first, card_post(offered, TELEGRAM))


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (-1, "0 s", "0 秒"),
        (0.9, "0 s", "0 秒"),
        (9.9, "9 s", "9 秒"),
        (14.9, "10 s", "10 秒"),
        (59, "55 s", "55 秒"),
        (79, "1 min 10 s", "1 分 10 秒"),
        (659, "10 min", "10 分钟"),
        (7270, "2 h 1 min", "2 小时 1 分"),
    ],
)
def test_running_durations_are_rough(seconds: float, english: str, chinese: str) -> None:
    assert (about(seconds, "en"), about(seconds, "zh")) == (english, chinese)


def test_every_state_has_a_mark_and_a_word() -> None:
    assert MARKS.keys() == set(SubtaskState)
    assert TASK_MARKS.keys() == set(TaskState)
    assert {f"card.tally_{state}" for state in SubtaskState} <= CATALOGUE.keys()
