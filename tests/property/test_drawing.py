"""Whatever Markdown comes: parts fit, nothing is lost, and each platform reads exactly what was meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wcwidth import iter_graphemes

from bot.drawing.discord_markdown import discord_length, discord_markdown
from bot.drawing.entities import Entity, entities, utf16_length
from bot.drawing.inert import ours, outside
from bot.drawing.markdown import rich
from bot.drawing.rich_text import RichText, Span, Style, flattened, in_order
from bot.drawing.split import beginning, split
from tests.telegram_server.text import cleaned, found, nesting_faults, units
from tests.unit.bot.drawing.discord_reader import read

LIMIT = 64
MEASURES = {"telegram": utf16_length, "discord": discord_length, "terminal": lambda text: len(text.text)}
MARKS = ["**", "*", "_", "__", "***", "~~", "`", "``", "```", "|", "||", "\\", "[", "](", ")", "![", "<", ">", "&", "!"]
LINES = ["\n", "\n\n", "- ", "1. ", "12) ", "# ", "## ", "> ", ">>> ", "-# ", "    ", "\n---\n", "+ ", "  \n", "- [x] "]
LIVE = [
    *[
        "<@123>",
        "<#5>",
        "<t:1:R>",
        "@everyone",
        "@some_body",
        "https://x.example/a_b?c=(d)",
        "www.x.example",
        "a.b.zip",
    ],
    *[":smile:", "<:x:12>", "/cancel", "/retry 7KQ2M4", "[t](http://u.example)", "![i](j.png)", "<http://v.example>"],
]
BLOCKS = [
    "\n```py\nx = `1`\n\n    y\n```\n",
    "\n|a|字|\n|-|-:|\n|1|`2`|\n|x|**y**|\n",
    "\n> q\n> > r\n",
    "\n- a\n  - b\n\n    c\n",
]
WORDS = [
    "a",
    "word",
    "Two words. ",
    "中文，没有空格。",
    "שלום",
    "👩\u200d💻",
    "🇩🇪",
    "e\u0301",
    "한국어",
    "1",
    " ",
    "snake_case",
    "\u202e",
]
markdowns = st.lists(st.sampled_from(MARKS + LINES + LIVE + BLOCKS + WORDS) | st.text(max_size=6), max_size=60).map(
    "".join
)
measures = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)


@st.composite
def styled_texts(draw: st.DrawFn) -> RichText:
    """Any characters, with styles that nest."""
    text = "".join(draw(st.lists(st.sampled_from(MARKS + LINES + LIVE + WORDS), min_size=1, max_size=12)))
    text = outside(text.replace("\u202e", "")).text.strip() or "x"
    spans: list[Span] = []
    for style in draw(st.lists(st.sampled_from([Style.BOLD, Style.ITALIC, Style.STRIKE, Style.CODE]), max_size=5)):
        start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        is_code = style is Style.CODE
        if (
            start < end
            and not (is_code and "\n" in text[start:end])
            and _fits(Span(start=start, end=end, style=style), spans)
        ):
            spans.append(Span(start=start, end=end, style=style))
    return RichText(text, in_order(spans))


def _fits(fresh: Span, spans: list[Span]) -> bool:
    apart = [one.end <= fresh.start or fresh.end <= one.start for one in spans]
    nested = [
        (one.start <= fresh.start and fresh.end <= one.end and one.style is not Style.CODE)
        or (fresh.start <= one.start and one.end <= fresh.end and fresh.style is not Style.CODE)
        for one in spans
    ]
    return all(is_apart or is_nested for is_apart, is_nested in zip(apart, nested, strict=True))


def is_well_formed(text: RichText) -> bool:
    open_: list[Span] = []
    for span in text.spans:
        while open_ and open_[-1].end <= span.start:
            open_.pop()
        if not 0 <= span.start < span.end <= len(text.text) or (open_ and span.end > open_[-1].end):
            return False
        open_.append(span)
    return text.spans == in_order(text.spans)


def looks(text: RichText) -> Iterator[tuple[str, frozenset[tuple[Style, str]]]]:
    """Every visible character with its styles."""
    styles: list[set[tuple[Style, str]]] = [set() for _ in text.text]
    for span in text.spans:
        for at in range(span.start, span.end):
            styles[at].add((span.style, span.language))
    return ((sign, frozenset(style)) for sign, style in zip(text.text, styles, strict=True) if not sign.isspace())


# --- splitting ------------------------------------------------------------------------------------------------------


@measures
@given(markdown=markdowns, limit=st.integers(LIMIT, 300))
def test_parts_fit_and_together_are_the_whole(measure, markdown, limit):
    text = rich(markdown)
    parts = split(text, limit, measure)
    assert is_well_formed(text)
    assert all(is_well_formed(part) and part.text.strip() for part in parts)
    assert all(measure(part) <= limit for part in parts)
    assert [sign for part in parts for sign in looks(part)] == list(looks(text))
    assert parts[:1] == ([beginning(text, limit, measure)] if parts else [])


@measures
@given(markdown=markdowns)
def test_no_character_is_cut_in_two(measure, markdown):
    text = rich(markdown)
    ends, at = {0}, 0
    for cluster in iter_graphemes(text.text):
        blank = len(cluster) - len(cluster.lstrip())  # a mark may stand on a blank
        ends.add(at + blank)
        at += len(cluster)
        ends.add(at)
    at = 0
    for part in split(text, LIMIT, measure):
        start = text.text.index(part.text, at)
        at = start + len(part.text)
        assert start in ends
        assert at in ends


@measures
@given(words=st.lists(st.text("abc中文。，👍\u0301", min_size=1, max_size=90), max_size=20))
def test_any_text_can_be_split(measure, words):
    text = RichText(" ".join(words))
    parts = split(text, LIMIT, measure)
    assert all(0 < measure(part) <= LIMIT for part in parts)
    assert "".join("".join(part.text.split()) for part in parts) == "".join("".join(words).split())


# --- what the platforms make of it ----------------------------------------------------------------------------------


def sent(entity: Entity) -> dict[str, object]:
    return {name: value for name, value in asdict(entity).items() if value != ""}


@given(markdown=markdowns, limit=st.integers(LIMIT, 4096))
def test_telegram_keeps_every_entity_as_it_is(markdown, limit):
    for part in split(rich(markdown), limit, utf16_length):
        given_ = [sent(entity) for entity in entities(part)]
        text, kept = cleaned(part.text, given_)
        lead = units(part.text) - units(part.text.lstrip(" \n")) if not kept or kept[0]["offset"] == 0 else 0
        assert not list(nesting_faults(given_))
        assert text.split() == part.text.split()
        assert [entity["length"] for entity in kept] == [entity["length"] for entity in given_]
        assert lead >= 0
        for entity in given_:
            shown = part.text.encode("utf-16-le")[2 * entity["offset"] :][: 2 * entity["length"]].decode("utf-16-le")
            assert shown == shown.rstrip() != ""


def as_read(text: RichText) -> list[tuple[str, frozenset[Style]]]:
    return [(sign, frozenset(style for style, _ in styles)) for sign, styles in looks(flattened(text))]


@given(text=markdowns.map(rich) | styled_texts())
@example(RichText("`a``b```", (Span(start=0, end=8, style=Style.CODE),)))
@example(rich("*a***b**"))
@example(rich("> ```\n> a\n> ```\n> b"))
def test_discord_shows_exactly_what_was_meant(text):
    reading = read(discord_markdown(text))
    assert not reading.alive
    assert [(sign, styles) for sign, styles in reading.signs if not sign.isspace()] == as_read(text)


@given(markdown=markdowns)
def test_nothing_in_an_answer_can_be_tapped(markdown):
    text = rich(markdown)
    code = [entity for entity in entities(text) if entity.type in ("code", "pre")]
    for other in found(text.text):  # Telegram drops what it finds where code is
        start, end = other["offset"], other["offset"] + other["length"]
        is_dead = any(entity.offset < end and start < entity.offset + entity.length for entity in code)
        assert is_dead or other["type"] == "hashtag", other


@given(text=st.text(st.sampled_from("ab/@. :-_1"), max_size=40) | st.sampled_from(LIVE))
def test_words_of_others_and_of_ours_stay_the_same_words(text):
    assert ours(text).text == outside(text).text == text
    assert is_well_formed(ours(text))
    assert is_well_formed(outside(text))


@given(markdown=markdowns)
def test_lines_are_safe(markdown):
    text = rich(markdown)
    for line in text.text.split("\n"):
        assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u200b\x00\x1b\r")
        assert line.count("\u2068") == line.count("\u2069")
