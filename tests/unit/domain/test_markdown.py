from __future__ import annotations

import pytest

from domain.markdown import code, fenced, literal, prose, readable, tamed


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("snake_case_name and 2 * 3", "snake_case_name and 2 * 3"),
        ("__init__ *b* ~~c~~", r"\_\_init\_\_ \*b\* \~\~c\~\~"),
        ("# no head\n- no item\n1. no list", "\\# no head\n\\- no item\n1\\. no list"),
        ("[a](b) <b> &lt; `c`", r"[a\](b) \<b> \&lt; \`c\`"),
        ("see https://x.example/a?b=c.", "see `https://x.example/a?b=c`."),
        ("    indented", "indented"),
    ],
)
def test_literal(text: str, markdown: str) -> None:
    assert literal(text) == markdown
    assert readable(markdown).replace("`https", "https").replace("c`.", "c.") == text.strip()


@pytest.mark.parametrize(
    ("markdown", "kept"),
    [
        ("**b** and `a[0]<b>`", "**b** and `a[0]<b>`"),
        ("[a](http://x.y/z) ![i](http://x.y/i.png)", r"\[a](`http://x.y/z`) !\[i](`http://x.y/i.png`)"),
        (r"\[kept](x) \\[not](x)", r"\[kept](x) \\\[not](x)"),
        ("```py\na[0] = '<b>'\n```", "```py\na[0] = '<b>'\n```\n"),
        ("```\nnever closed [a](b)", "\\`\\`\\`\nnever closed \\[a](b)"),
        ("| `a | [x](y)` |", r"| \`a | \[x](y)\` |"),
    ],
)
def test_tamed(markdown: str, kept: str) -> None:
    assert tamed(markdown) == kept


def test_prose_breaks_lines_and_keeps_paragraphs() -> None:
    assert prose("a\nb\n\nc") == "a  \nb\n\nc"


def test_code_and_fences_outnumber_the_ticks_inside() -> None:
    assert code("`a`") == "`` `a` ``"
    assert fenced("```\nx\n```").startswith("````text\n")
