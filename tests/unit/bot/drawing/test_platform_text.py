"""Styled text as Telegram and as Discord take it."""

from __future__ import annotations

import pytest

from bot.drawing.discord_markdown import ZERO_WIDTH, discord_length, discord_markdown
from bot.drawing.entities import MAX_ENTITIES, Entity, entities, utf16_length
from bot.drawing.markdown import rich
from bot.drawing.rich_text import RichText, Span, Style, in_order, joined, styled
from tests.unit.bot.drawing.discord_reader import read


def short(text: RichText) -> list[tuple[str, int, int]]:
    return [(entity.type, entity.offset, entity.length) for entity in entities(text)]


# --- Telegram -------------------------------------------------------------------------------------------------------


def test_entities_count_utf16_units() -> None:
    text = rich("👩‍💻 **fett 😀** `x`")
    assert short(text) == [("bold", 6, 7), ("code", 14, 1)]
    assert utf16_length(text) == 15
    assert utf16_length(RichText("中文")) == 2


def test_code_takes_no_other_style_and_nothing_ends_in_white_space() -> None:
    text = joined(
        [styled(joined([RichText(" a "), styled("x", Style.CODE), RichText(" b ")]), Style.BOLD), RichText("c")]
    )
    assert short(text) == [("bold", 1, 1), ("code", 3, 1), ("bold", 5, 1)]
    assert short(styled("  ", Style.BOLD)) == []
    assert short(styled(" ", Style.CODE)) == []
    assert short(styled("x = 1\n", Style.BLOCK)) == [("pre", 0, 5)]


def test_a_style_within_itself_is_one() -> None:
    text = RichText("abc", in_order([Span(start=0, end=3, style=Style.BOLD), Span(start=1, end=2, style=Style.BOLD)]))
    assert short(text) == [("bold", 0, 3)]


def test_code_and_blocks_in_a_quote() -> None:
    text = rich("> **a** `b`\n> ```py\n> c\n> ```")
    assert entities(text) == [
        Entity(type="blockquote", offset=0, length=6),
        Entity(type="bold", offset=0, length=1),
        Entity(type="code", offset=2, length=1),
        Entity(type="pre", offset=5, length=1, language="py"),
    ]


def test_of_too_many_entities_what_matters_least_is_left_out() -> None:
    found = entities(rich("*i* " * 90 + "`c` " * 90 + "\n\n```\nx\n```"))
    assert len(found) == MAX_ENTITIES
    assert [sum(entity.type == kind for entity in found) for kind in ("pre", "code", "italic")] == [1, 90, 9]
    assert found == sorted(found, key=lambda entity: entity.offset)


# --- Discord --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        ("**a** *b* ~~c~~ `d` ***e***", "**a** _b_ ~~c~~ `d` **_e_**"),
        ("# Title", "**Title**"),
        ("- a\n- b", "• a\n• b"),
        ("1. a", "1\\. a"),
        ("> a\n> b\n\nc", "> a\n> b\n\nc"),
        ("> ```py\n> x\n> ```", "> ```py\n> x\n> ```"),
        ("```c++\nx\n```", "```c++\nx\n```"),
        ("```weird!lang\nx\n```", "```\nx\n```"),
        ("````\n```\n````", f"```\n``{ZERO_WIDTH}`\n```"),
        ("`` a`b ``", "``a`b``"),
        ("`` `a` ``", "`` `a` ``"),
        ("```` a``b ````", f"``a`{ZERO_WIDTH}`b``"),
        ("\\# a\n\\- b\n\\> c\n\\-# d\n\\1. e\n1\\. f", "\\# a\n\\- b\n\\> c\n\\-# d\n\\\\1. e\n1\\. f"),
        ("snake_case \\*x\\* ~ | \\\\", "snake\\_case \\*x\\* \\~ \\| \\\\"),
        ("<@1> <#2> <t:3:R> :smile: 12:30", "\\<\\@1> \\<#2> \\<t\\:3\\:R> \\:smile: 12\\:30"),
        ("wo*rd*s", f"wo_rd_{ZERO_WIDTH}s"),
        ("*a***b**", "_a_**b**"),
        ("\\~~~a\\~~~", None),
    ],
)
def test_discord_markdown(markdown: str, drawn: str | None) -> None:
    text = rich(markdown)
    written = discord_markdown(text)
    assert drawn is None or written == drawn
    assert not read(written).alive
    assert "".join(read(written).text.split()) == "".join(text.text.split())


def test_neighbours_of_one_kind_stay_apart() -> None:
    spans = (Span(start=0, end=1, style=Style.BOLD), Span(start=1, end=2, style=Style.BOLD))
    assert discord_markdown(RichText("ab", spans)) == f"**a**{ZERO_WIDTH}**b**"
    codes = (Span(start=0, end=1, style=Style.CODE), Span(start=1, end=2, style=Style.CODE))
    assert discord_markdown(RichText("ab", codes)) == f"`a`{ZERO_WIDTH}`b`"


def test_length_is_that_of_what_is_sent() -> None:
    assert discord_length(RichText("a*b")) == 4
    assert discord_length(styled("😀", Style.BOLD)) == 6
    assert discord_length(styled("x", Style.BLOCK, "py")) == len("```py\nx\n```")


def test_a_block_begins_on_a_line_of_its_own() -> None:
    text = joined([RichText("a"), styled("x", Style.BLOCK)])
    assert discord_markdown(text) == "a\n```\nx\n```"
