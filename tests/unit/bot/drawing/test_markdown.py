from __future__ import annotations

import pytest

from bot.drawing.markdown import rich
from bot.drawing.rich_text import RichText


def marked(text: RichText) -> str:
    """A text with its spans in sight."""
    signs = {"bold": "B", "italic": "I", "strike": "S", "code": "C", "block": "P", "quote": "Q"}
    opens: dict[int, list[str]] = {}
    closes: dict[int, list[str]] = {}
    for span in text.spans:
        sign = signs[span.style]
        opens.setdefault(span.start, []).append(f"<{sign}{' ' + span.language if span.language else ''}>")
        closes.setdefault(span.end, []).insert(0, f"</{sign}>")
    places = range(len(text.text) + 1)
    return "".join("".join(closes.get(at, [])) + "".join(opens.get(at, [])) + text.text[at : at + 1] for at in places)


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        ("", ""),
        ("plain\ntext", "plain\ntext"),
        ("hard  \nbreak\\\nhere", "hard\nbreak\nhere"),
        ("# Title\ntext", "<B>Title</B>\n\ntext"),
        ("## All **of** it", "<B>All of it</B>"),
        ("**a** *b* ***c*** ~~d~~ `e`", "<B>a</B> <I>b</I> <B><I>c</I></B> <S>d</S> <C>e</C>"),
        ("a\n\n---\n\nb", "a\n\n────────────\n\nb"),
        ("> a\n> b\n\nc", "<Q>a\nb</Q>\n\nc"),
        ("> a\n> > b\n> > c", "<Q>a\n\n> b\n> c</Q>"),
        ("> > ```\n> > x\n> > y\n> > ```", "<Q><P>x\ny</P></Q>"),
        ("> - a\n> - b", "<Q>• a\n• b</Q>"),
        ("```py\nx = 1\n\ny\n```\nz", "<P py>x = 1\n\ny</P>\n\nz"),
        ("```\n```\nz", "z"),
        ("    indented\n\nz", "<P>indented</P>\n\nz"),
        ("~~~python title=x\n`a`\n~~~", "<P python>`a`</P>"),
        ("&lt;b&gt; <i>x</i> &amp;", "<b> <i>x</i> &"),
        ("\\*a\\* \\[b\\](c)", "*a* [b](c)"),
    ],
)
def test_blocks_and_styles(markdown: str, drawn: str) -> None:
    assert marked(rich(markdown)) == drawn


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        ("- a\n- b\n  - c\n    - d\n      - e", "• a\n• b\n  ◦ c\n    ▪ d\n      ▪ e"),
        ("3. a\n4. b\n   - c", "3. a\n4. b\n   • c"),
        ("- a\n\n- b", "• a\n\n• b"),
        ("- a\n\n  more\n- b", "• a\n\n  more\n\n• b"),
        ("- [x] done\n- [ ] open", "☑ done\n☐ open"),
        ("- two\n  lines", "• two\n  lines"),
        ("- code:\n  ```\n  x\n    y\n  ```\n- b", "• code:\n<P>x\n  y</P>\n• b"),
        ("- ```\n  x\n  ```", "•\n<P>x</P>"),
        ("- > q\n  > r\n- b", "<Q>• q\n  r</Q>\n• b"),
        ("-\n- b", "•\n• b"),
    ],
)
def test_lists(markdown: str, drawn: str) -> None:
    assert "\n".join(line.rstrip() for line in marked(rich(markdown)).split("\n")) == drawn


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        ("[x](https://u.example/a_b)", "x (<C>https://u.example/a_b</C>)"),
        ("[**x**](docs/%E8%AF%B4.md 'title')", "<B>x</B> (<C>docs/说.md</C>)"),
        ("[https://u.example](https://u.example)", "<C>https://u.example</C>"),
        ("[https://good.example](https://evil.example)", "<C>https://good.example</C> (<C>https://evil.example</C>)"),
        ("<https://u.example> <a@b.example>", "<C>https://u.example</C> <C>a@b.example</C>"),
        ("[](https://u.example)", "<C>https://u.example</C>"),
        ("[x]()", "x"),
        ("[x](a%0A%20b) [x](http://[y)", "x (<C>a b</C>) x (<C>http://%5By</C>)"),
        ("[![alt](p.png)](q.html)", "alt (<C>p.png</C>) (<C>q.html</C>)"),
        ("[x][r]\n\n[r]: https://u.example", "x (<C>https://u.example</C>)"),
        ("[x](javascript:alert%281%29)", "[x](javascript:alert%281%29)"),
        ("[é](https://é.example/é)", "é (<C>https://xn--9ca.example/%C3%A9</C>)"),
        ("![alt *e*](pic.png)", "alt <I>e</I> (<C>pic.png</C>)"),
        ("![](https://u.example/p)", "<C>https://u.example/p</C>"),
        (
            "see https://u.example/a_b, www.u.example and README.md.",
            "see <C>https://u.example/a_b</C>, <C>www.u.example</C> and <C>README.md</C>.",
        ),
        ("**see https://u.example/a**b", "<B>see </B><C>https://u.example/ab</C>"),
        (
            "@everyone, ask @some_one or a@b.example; `@x`",
            "<C>@everyone</C>, ask <C>@some_one</C> or a@b.example; <C>@x</C>",
        ),
        (
            "/retry 7KQ2M4 and /cancel, not a/b or /etc/passwd",
            "<C>/retry 7KQ2M4</C> and <C>/cancel</C>, not a/b or /etc/passwd",
        ),
    ],
)
def test_nothing_can_be_tapped(markdown: str, drawn: str) -> None:
    assert marked(rich(markdown)) == drawn


def test_nothing_is_too_deep() -> None:
    assert rich("**a " * 3000 + "b** " * 3000).text == "a " * 3000 + "b " * 2999 + "b"
    for markdown in ("> " * 3000 + "a", "- " * 3000 + "a"):
        assert rich(markdown).text == markdown
    assert "a" in rich("![" * 900 + "a" + "](b)" * 900).text


def test_text_is_made_safe() -> None:
    assert rich("a\x1b[31mb \u202eevil &#x202e; `\u200bx`").text == "ab ⟨U+202E⟩evil ⟨U+202E⟩ x"
    assert rich("```\n\u2066x\x00\n```").text == "⟨U+2066⟩x"


def test_lines_from_right_to_left_are_set_apart() -> None:
    assert marked(rich("- **שלום** x\n- b")) == "• \u2068<B>שלום</B> x\u2069\n• b"
    assert rich("\u2068- שלום\u2069\n\u2068- b שלום\u2069").text == "• \u2068שלום\u2069\n• \u2068b שלום\u2069"
    assert rich("> שלום\n> x").text == "\u2068שלום\u2069\nx"


# --- tables ---------------------------------------------------------------------------------------------------------

TABLE = "| Region | Q1 | 备注 |\n|---|---|:-:|\n| North | 1,200 | **好** |\n| 华东 | 22 | `x` |"


def test_a_table_that_fits_is_drawn() -> None:
    assert marked(rich(TABLE, 40)).split("\n") == [
        "<P>Region │    Q1 │ 备注",
        "───────┼───────┼─────",
        "North  │ 1,200 │ 好",
        "华东   │    22 │ x</P>",
    ]


def test_a_table_that_does_not_fit_is_a_list() -> None:
    assert marked(rich(TABLE, 20)).split("\n") == [
        "• Region: <B>North</B>",
        "  Q1: 1,200",
        "  备注：<B>好</B>",
        "• Region: <B>华东</B>",
        "  Q1: 22",
        "  备注：<C>x</C>",
    ]


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        ("|a|b|\n|-:|:-|\n|x|1|\n|yy|20|", " a │ b\n───┼───\n x │ 1\nyy │ 20"),
        ("|a||\n|-|-|\n|x||", "a │\n──┼─\nx │"),
        ("|a|\n|-|\n|one<br>two|", "a\n─────────\none · two"),
        ("|a|b|\n|-|-|", "a │ b\n──┼──"),
        ("|שלום|b|\n|-|-|\n|x|y|", "\u2068שלום\u2069 │ b\n─────┼──\nx    │ y"),
    ],
)
def test_cells(markdown: str, drawn: str) -> None:
    assert rich(markdown, 36).text == drawn


def test_empty_cells_are_left_out_of_a_list() -> None:
    wide = "x" * 40
    assert rich(f"|a|b|\n|-|-|\n||{wide}|\n|{wide}||", 36).text == f"• b: {wide}\n• a: {wide}"
    assert rich(f"|{wide}|b|\n|-|-|", 36).text == f"{wide} · b"
