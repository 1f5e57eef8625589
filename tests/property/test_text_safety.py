"""Text from outside stays text: on a terminal, in a line of ours, and in Markdown as a renderer reads it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from domain.markdown import code, fenced, literal, prose, readable, tamed
from domain.safe_text import clipped, safe, safe_line

SYNTAX = [
    *"`*_[]()<>#~|!&;:-+=.\\/'\"$@^{} \n\t",
    *["a", "b", "1", "2", "字", "x.y", "http://evil.example/a", "www.evil.example", "javascript:x", "](", "[a]:"],
    *[
        "```",
        "~~~",
        "<b>",
        "</data>",
        "<!--",
        "<?x",
        "&lt;",
        "&#x202e;",
        "    ",
        "\n\n",
        "- ",
        "1. ",
        "> ",
        "![",
        "|-|",
    ],
]
NASTY = [
    *["\x00", "\x1b", "\x1b[2J", "\x1b]8;;http://evil.example\x07", "\x9b31m", "\r", "\x7f", "\u2028"],
    *["\u202e", "\u202a", "\u2066", "\u2069", "\u200f", "\u061c", "\u200b", "\u200d", "\ufeff", "\U000e0041"],
    *["\ud800", "\ufe0f", "\u0301", "\U0001f468", "\U0001f1e9", "עברית", "العربية", "a", "字", " ", "\n", "\t"],
]
hostile_markdown = st.lists(st.sampled_from(SYNTAX), max_size=40).map("".join)
nasty = st.lists(st.sampled_from(NASTY), max_size=40).map("".join) | st.text()

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])  # what rich enables
DANGEROUS = {"link_open", "image", "html_inline", "html_block"}
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def tokens(markdown: str) -> Iterator[Token]:
    for token in RENDERER.parse(markdown):
        yield token
        yield from token.children or ()


def shown(markdown: str) -> str:
    """What a reader sees, blanks aside."""
    texts = (token.content for token in tokens(markdown) if token.type in {"text", "code_inline", "fence"})
    return re.sub(r"\s+", "", "".join(texts))


@given(nasty)
def test_nothing_safe_controls_a_terminal(text: str) -> None:
    left = [char for char in safe(text) if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}]
    assert set(left) <= {"\n", "\t"}


@given(nasty)
def test_nothing_safe_reorders_what_stands_around_it(text: str) -> None:
    for line in safe(text).split("\n"):
        assert BIDI.findall(line) in ([], ["\u2068", "\u2069"])
        has_letters = any(unicodedata.bidirectional(char) in {"R", "AL", "AN"} for char in line)
        assert not has_letters or (line[0], line[-1]) == ("\u2068", "\u2069")


@given(nasty, st.integers(1, 50))
def test_a_line_is_one_short_line(text: str, limit: int) -> None:
    line = safe_line(text, limit)
    assert "\n" not in line
    assert len(line) <= limit + 2


@given(st.text(alphabet="e\u0301\U0001f468\u200d\U0001f469\U0001f1e9\U0001f1eaab"), st.integers(1, 20))
def test_a_cut_never_splits_a_character(text: str, limit: int) -> None:
    kept = clipped(text, limit)
    assert len(kept) <= limit
    if kept != text:
        rest = text[len(kept) - 1 :]
        assert len(kept) == 1 or unicodedata.category(rest[0]) != "Mn"
        assert not kept[:-1].endswith("\u200d")


@given(hostile_markdown)
def test_literal_text_shows_itself_and_nothing_else(text: str) -> None:
    markdown = literal(text)
    kinds = {token.type for token in tokens(markdown)}
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "softbreak", "code_inline", "text_special"}
    assert shown(markdown) == re.sub(r"\s+", "", text)


@given(hostile_markdown)
def test_literal_text_is_harmless_inside_our_own_lines(text: str) -> None:
    line = literal(" ".join(text.split()))
    for markdown in (f"- **{line}**: {line} [t1]", f"**x**: {line}\n- {line}", f"### {line}"):
        assert not DANGEROUS & {token.type for token in tokens(markdown)}


@given(hostile_markdown)
def test_prose_keeps_lines(text: str) -> None:
    assert shown(prose(text)) == re.sub(r"\s+", "", text)


@given(hostile_markdown)
def test_code_stays_code(text: str) -> None:
    span = " ".join(text.split())
    if span:
        assert [token.type for token in tokens(code(span)) if token.type not in {"inline"}][1] == "code_inline"
    block = [token for token in RENDERER.parse(fenced(text) + " [t1]") if token.type == "fence"]
    assert [token.content for token in block] == [text + "\n"]


@given(hostile_markdown)
@example("```<b>```http://evil.example/a")
@example("http://evil.example/a`<b>`")
def test_a_models_markdown_has_no_links_images_or_html(text: str) -> None:
    for markdown in (tamed(text), f"{tamed(text)} [t1]\n- {tamed(text)}", f"{tamed(text)}\n{tamed(text)}"):
        assert not DANGEROUS & {token.type for token in tokens(markdown)}
    assert not BIDI.search(shown(tamed(text)))


@given(hostile_markdown)
def test_plain_text_is_what_went_in(text: str) -> None:
    line = " ".join(text.split())
    if "`" not in line:
        assert readable(literal(line)).replace("`", "") == line
