"""Patches: applied where they fit, once."""

from __future__ import annotations

import pytest

from agents.files.patching import applied, replaced
from domain.errors import Refused

TEXT = "one\ntwo\nthree\nfour\nfive\nsix\n"


@pytest.mark.parametrize(
    ("text", "old", "new", "becomes"),
    [
        ("a b c", "b", "x", "a x c"),
        ("a b c", "b ", "", "a c"),
        ("aa", "a", "aa", None),
        ("foo", "foo", "foobar", "foobar"),
        ("foobar", "foo", "foobar", "foobar"),
        ("foobar foo", "foo", "foobar", "foobar foobar"),
        ("bar", "foo", "bar", "bar"),
    ],
)
def test_a_passage_is_replaced(text: str, old: str, new: str, becomes: str | None) -> None:
    if becomes is None:
        becomes = text
    assert replaced(text, old, new).text == becomes


@pytest.mark.parametrize(("old", "key"), [("zz", "skill.patch_not_found"), ("o", "skill.patch_ambiguous")])
def test_a_passage_must_stand_there_once(old: str, key: str) -> None:
    with pytest.raises(Refused) as refused:
        replaced(TEXT, old, "!")
    assert refused.value.key == key
    with pytest.raises(Refused):
        replaced(TEXT, old, "")


def test_wrong_line_numbers_are_forgiven() -> None:
    diff = "@@ -40,3 +41,3 @@\n three\n-four\n+4\n five\n"
    assert applied(TEXT, diff).text == TEXT.replace("four", "4")
    without = "@@ @@\n three\n-four\n+4\n five\n"
    assert applied(TEXT, without).text == TEXT.replace("four", "4")
    assert applied(TEXT.replace("four", "4"), without).changes == 0


def test_the_place_nearest_to_the_stated_one_is_meant() -> None:
    text = "x\ny\nx\ny\nx\ny\n"
    assert applied(text, "@@ -3,2 +3,2 @@\n x\n-y\n+z\n").text == "x\ny\nx\nz\nx\ny\n"
    assert applied(text, "@@ -5,2 +5,2 @@\n x\n-y\n+z\n").text == "x\ny\nx\ny\nx\nz\n"


def test_blank_context_without_its_space_and_missing_line_ends_are_forgiven() -> None:
    assert applied("a\n\nb", "@@ -1,3 +1,3 @@\n a\n\n-b\n\\ No newline at end of file\n+c\n").text == "a\n\nc"


def test_unusual_characters_in_a_line_do_not_end_it() -> None:
    text = "a\x0cb\u2028c\nd\n"
    assert applied(text, "@@ -2 +2 @@\n-d\n+e\n").text == "a\x0cb\u2028c\ne\n"


@pytest.mark.parametrize(
    ("diff", "key"),
    [
        ("", "skill.patch_unreadable"),
        ("just words", "skill.patch_unreadable"),
        ("@@ -1 +1 @@\n-nope\n+x\n", "skill.patch_misfit"),
        ("@@ -1 +1 @@\n-one\n+1\n--- a/other\n+++ b/other\n@@ -1 +1 @@\n-x\n+y\n", "skill.patch_one_file"),
        ("@@ -6 +6 @@\n-six\n+6\n@@ -1 +1 @@\n-one\n+1\n", "skill.patch_misfit"),
    ],
)
def test_what_does_not_fit_is_refused(diff: str, key: str) -> None:
    with pytest.raises(Refused) as refused:
        applied(TEXT, diff)
    assert refused.value.key == key
