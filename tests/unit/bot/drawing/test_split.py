from __future__ import annotations

import pytest

from bot.drawing.discord_markdown import discord_length, discord_markdown
from bot.drawing.entities import utf16_length
from bot.drawing.markdown import rich
from bot.drawing.rich_text import RichText, Span, Style
from bot.drawing.split import beginning, split


def length(text: RichText) -> int:
    return len(text.text)


def parts(markdown: str, limit: int = 64) -> list[str]:
    return [part.text for part in split(rich(markdown), limit, length)]


def test_what_fits_stays_whole() -> None:
    assert parts("a\n\nb") == ["a\n\nb"]
    assert parts("x" * 64) == ["x" * 64]
    assert parts("") == []
    assert split(RichText(" \n "), 64, length) == []


def test_blocks_stay_together() -> None:
    assert parts(f"{'a ' * 20}\n\n{'b ' * 20}\n\n{'c ' * 5}") == [
        ("a " * 20).strip(),
        ("b " * 20).strip() + "\n\nc c c c c",
    ]


def test_a_heading_stays_with_what_it_stands_above() -> None:
    text = f"{'a' * 40}\n\n# Title\n\n{'b' * 40}"
    assert parts(text) == ["a" * 40, f"Title\n\n{'b' * 40}"]


def test_lines_then_sentences_then_words() -> None:
    assert parts("- " + "\n- ".join("x" * 30 for _ in range(3))) == [f"• {'x' * 30}", f"• {'x' * 30}", f"• {'x' * 30}"]
    assert parts("One two three four five six seven eight. Nine ten, eleven twelve thirteen.") == [
        "One two three four five six seven eight.",
        "Nine ten, eleven twelve thirteen.",
    ]
    assert parts("word " * 20) == [" ".join(["word"] * 13), " ".join(["word"] * 7)]


def test_chinese_is_cut_at_its_sentences() -> None:
    first = "这是第一句话，它说了一些事情，并且说得相当详细，因为需要一段比较长的文字。"
    second = "这是第二句话，也说了一些事情，而且同样详细，一直说到最后才停下来。"
    assert parts(first + second) == [first, second]


@pytest.mark.parametrize("sign", ["👩\u200d👩\u200d👧\u200d👦", "🇩🇪", "e\u0301\u0302", "각", "👍🏽"])
def test_nothing_is_cut_inside_of_a_visible_character(sign: str) -> None:
    text = sign * 40
    for measure in (length, utf16_length):
        cut = split(RichText(text), 64, measure)
        assert "".join(part.text for part in cut) == text
        assert all(len(part.text) % len(sign) == 0 and measure(part) <= 64 for part in cut)


def test_one_endless_character_is_cut_all_the_same() -> None:
    endless = "👩" + "\u200d👩" * 100
    cut = split(RichText(endless), 64, utf16_length)
    assert "".join(part.text for part in cut) == endless
    assert all(0 < utf16_length(part) <= 64 for part in cut)


def test_a_code_block_is_closed_and_opened_again() -> None:
    code = "\n".join(f"line {number}" for number in range(20))
    cut = split(rich(f"Before:\n\n```py\n{code}\n```\n\nafter"), 100, discord_length)
    drawn = [discord_markdown(part) for part in cut]
    assert drawn[0].startswith("Before:\n\n```py\nline 0\n")
    assert all(text.count("```") == 2 and len(text) <= 100 for text in drawn)
    assert all("```py\nline" in text for text in drawn)
    assert drawn[-1].endswith("line 19\n```\n\nafter")
    assert "\n".join(text for part in cut for text in part.text.split("\n") if text.startswith("line")) == code


def test_indented_code_keeps_its_indentation_in_the_next_part() -> None:
    code = "\n".join(["def f():"] + ["    return 1"] * 9)
    cut = split(rich(f"```\n{code}\n```"), 64, length)
    assert cut[1].text.startswith("    return 1")


def test_spans_are_cut_with_their_text() -> None:
    cut = split(rich(f"**{'bold ' * 20}x**"), 64, length)
    assert [part.spans for part in cut] == [
        (Span(start=0, end=64, style=Style.BOLD),),
        (Span(start=0, end=36, style=Style.BOLD),),
    ]


def test_what_is_escaped_is_measured_after_escaping() -> None:
    text = RichText("*" * 60)
    assert [part.text for part in split(text, 64, discord_length)] == ["*" * 32, "*" * 28]
    assert discord_length(RichText("*" * 32)) == 64


def test_the_beginning_is_the_first_part() -> None:
    text = rich("a " * 20 + "\n\n" + "b " * 20)
    assert beginning(text, 64, length) == split(text, 64, length)[0]
    assert beginning(RichText(""), 64, length) == RichText("")
    assert beginning(RichText("x" * 200_000), 64, length).text == "x" * 64
