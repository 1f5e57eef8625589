from __future__ import annotations

import pytest

from bot.drawing.inert import inert, isolated, ours, outside
from bot.drawing.rich_text import RichText, Style, styled


def code(text: RichText) -> list[str]:
    return [text.text[span.start : span.end] for span in text.spans if span.style is Style.CODE]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://x.example/a?b=(c), or ftp://y", ["https://x.example/a?b=(c", "ftp://y"]),
        ("(https://x.example).", ["https://x.example"]),
        ("见https://x.example/路径，完", ["https://x.example/"]),
        ("www.x.example!", ["www.x.example"]),
        ("README.md, a.tar.gz and main.py:12: error", ["README.md", "a.tar.gz", "main.py:12"]),
        ("e.g. 3.5 kg, v1.2.3, Mr. X and ...", []),
        ("bot/drawing/cards.py", []),
        ("mail a@b.example", []),
        ("@some_one and x@y, @ab", ["@some_one"]),
        ("the 1https://x.example", ["https://x.example"]),
    ],
)
def test_what_platforms_would_make_something_of(text: str, found: list[str]) -> None:
    assert code(ours(text)) == code(outside(text)) == found


def test_commands_can_be_tapped_where_we_speak_unless_an_id_belongs_to_them() -> None:
    assert code(ours("/tasks lists yours; /retry 7KQ2M4 again")) == ["/retry 7KQ2M4"]
    assert code(outside("/tasks lists yours; /retry 7KQ2M4 again")) == ["/tasks", "/retry 7KQ2M4"]


def test_styles_give_way_to_code() -> None:
    text = inert(RichText("a https://x.example/b c", styled("a https://x", Style.BOLD).spans))
    assert [(span.style, span.start, span.end) for span in text.spans] == [(Style.BOLD, 0, 2), (Style.CODE, 2, 21)]
    whole = inert(styled("https://x.example", Style.BOLD))
    assert [span.style for span in whole.spans] == [Style.BOLD, Style.CODE]
    assert inert(styled("https://x.example", Style.CODE)) == styled("https://x.example", Style.CODE)


def test_only_lines_from_right_to_left_are_set_apart() -> None:
    assert isolated(RichText("a\nא b\n")).text == "a\n\u2068א b\u2069\n"
    assert isolated(styled("א", Style.BOLD)).spans == (
        styled("xא", Style.BOLD).spans[0].__class__(start=1, end=2, style=Style.BOLD),
    )
