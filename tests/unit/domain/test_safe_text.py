from __future__ import annotations

import pytest

from domain.safe_text import clipped, safe, safe_line

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext 字", "plain\n\ttext 字"),
        ("\x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07 \x9b2J", "red link "),
        ("a\r\nb\rc\u2028d\x00e\x7ff", "a\nb\nc\ndef"),
        ("user\u202egpj.exe", "user⟨U+202E⟩gpj.exe"),
        ("pass\u200bword\ufeff \u00ad\U000e0041", "password "),
        ("\ud800half", "\ufffdhalf"),
        (f"{FAMILY} a\u200db", f"{FAMILY} ab"),
        ("♥\ufe0f\ufe0f\ufe0f", "♥\ufe0f"),
        ("z\u0301\u0301\u0301\u0301\u0301\u0301", "z\u0301\u0301\u0301\u0301"),
        ("שלום\nhello", "\u2068שלום\u2069\nhello"),
    ],
)
def test_safe(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_a_line_has_no_breaks_and_an_end() -> None:
    assert safe_line("  a\n\tb  c ", 10) == "a b c"
    assert safe_line("x" * 50, 10) == "x" * 9 + "…"
    assert safe_line("שלום עולם", 5) == "\u2068שלום…\u2069"


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("short", 5, "short"),
        ("hello world", 7, "hello…"),
        ("ae\u0301e\u0301", 3, "a…"),
        (f"a{FAMILY}b", 4, "a…"),
        ("\U0001f44d\U0001f3fdx\U0001f44d\U0001f3fd!", 5, "\U0001f44d\U0001f3fdx…"),
        ("a\U0001f1e9\U0001f1ea!", 3, "a…"),
    ],
)
def test_cuts_fall_between_characters(text: str, limit: int, kept: str) -> None:
    assert clipped(text, limit) == kept
