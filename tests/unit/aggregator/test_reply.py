from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.drafts import Draft
from aggregator.reply import MAX_STATEMENTS, read_reply
from domain.answer import Verdict
from domain.task import Task
from tests.fakes_model import in_pieces
from tests.property.test_text_safety import DANGEROUS, SYNTAX, tokens
from tests.unit.aggregator.test_model_answer import GOOD, two_done


def reply(*statements: Any, verdict: str = "satisfied", missing: str = "") -> str:
    return json.dumps({"verdict": verdict, "missing": missing, "statements": statements})


def told(text: str, task: Task | None = None) -> list[str]:
    return [statement.text for statement in read_reply(text, task or two_done()).statements]


# --- the whole reply ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Here you are: done!",
        "{",
        "[]",
        '{"statements": {}}',
        '{"statements": []}',
        '{"statements": [{"text": "x", "sources": []}]}',
        '{"statements": [{"text": "x", "sources": ["nobody"]}]}',
        '{"statements": [{"text": "x"}, {"sources": ["a"]}, 7, null, {"text": 3, "sources": ["a"]}]}',
        '{"statements": [{"text": "   ", "sources": ["a"]}]}',
        '{"statements": [{"text": "cut off", "sources": ["a"',
        "{" * 10_000,
        '{"statements": ' + "[" * 50_000,
        '{"statements": [' + '{"text": ' * 5_000,
    ],
)
def test_an_unusable_reply_says_nothing(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "```json\n{}\n```",
        "Here you are:\n{}\nThat is all.",
        '{{"verdict": "failed", "missing": "all", "statements": [{{"text": "a draft", "sources": ["a"]}}]}} Better: {}',
        "\ufeff<think>use {{x}} and {{y}}</think>{}",
    ],
)
def test_prose_fences_and_drafts_around_it_are_forgiven(around: str) -> None:
    text = around.format(GOOD) if around != "{}" else GOOD
    reading = read_reply(text, two_done())
    assert [statement.text for statement in reading.statements] == ["There are 30 files.", "- 3 are bad"]
    assert (reading.verdict, reading.missing, reading.is_whole) == (Verdict.SATISFIED, "", True)


def test_of_a_reply_that_was_cut_off_what_is_finished_is_used() -> None:
    reading = read_reply(GOOD[:-20], two_done())
    assert [statement.text for statement in reading.statements] == ["There are 30 files."]
    assert (reading.verdict, reading.is_whole) == (None, False)


def test_unknown_sources_are_filtered() -> None:
    [statement] = read_reply(reply({"text": "x", "sources": ["a", "ghost", "a", 7]}), two_done()).statements
    assert (statement.text, statement.sources) == ("x", ("a",))


def test_passages_are_set_apart_and_list_items_are_not() -> None:
    text = reply(*({"text": text, "sources": ["a"]} for text in ["One.", "- two", "- three", "Four."]))
    assert told(text) == ["One.", "- two", "- three", "\nFour."]


def test_a_flood_of_statements_is_bounded() -> None:
    assert len(told(reply(*[{"text": "- x", "sources": ["a"]}] * 500))) == MAX_STATEMENTS


@given(st.lists(st.sampled_from([*SYNTAX, "\u202e", "\x1b[2J"]), max_size=30).map("".join))
def test_a_hostile_reply_has_no_links_images_or_html(text: str) -> None:
    drafts: list[str] = []
    hostile = reply(*[{"text": text, "sources": ["a"]}] * 2)
    hear(Draft(two_done(), drafts.append), hostile)
    for markdown in ["\n".join(told(hostile)), *drafts]:
        assert not DANGEROUS & {token.type for token in tokens(markdown)}
        assert "\x1b" not in markdown
        assert "\u202e" not in markdown


# --- while it is written --------------------------------------------------------------------------------------------


def hear(draft: Draft, text: str, size: int = 4) -> None:
    for piece in in_pieces(text, size):
        draft.heard(piece)


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_each_finished_statement_makes_a_longer_draft(size: int) -> None:
    drafts: list[str] = []
    hear(Draft(two_done(), drafts.append), f"<think>{{}}</think>```json\n{GOOD}\n```", size)
    assert drafts[-1] == "There are 30 files.\n- 3 are bad"
    if size < 1000:
        assert drafts == ["There are 30 files.", "There are 30 files.\n- 3 are bad"]


def test_a_restart_forgets_what_was_heard() -> None:
    drafts: list[str] = []
    draft = Draft(two_done(), drafts.append)
    hear(draft, GOOD[:-30])
    draft.restarted()
    hear(draft, reply({"text": "Anew.", "sources": ["b"]}))
    assert drafts == ["There are 30 files.", "Anew."]
    assert draft.has_acted is False


def test_a_brace_inside_a_text_ends_nothing() -> None:
    drafts: list[str] = []
    text = reply({"text": 'a } "quoted" ] {b}', "sources": ["a"]}, {"text": "- end", "sources": ["b"]})
    hear(Draft(two_done(), drafts.append), text, 1)
    assert drafts == ['a } "quoted" ] {b}', 'a } "quoted" ] {b}\n- end']


@given(st.text(alphabet='{}[]",: \\abst\ud800é', max_size=200), st.integers(1, 7))
def test_hearing_never_fails(text: str, size: int) -> None:
    hear(Draft(two_done(), lambda _: None), f'{{"statements": [{text}', size)
