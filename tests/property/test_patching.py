"""Applying a diff gives what it was made from, and applying it again changes nothing."""

from __future__ import annotations

import difflib

from hypothesis import given
from hypothesis import strategies as st

from agents.files.patching import applied

LINES = st.lists(st.sampled_from(["a", "b", "", "-- d", "++ e", "@ f"]), max_size=12)


@given(before=LINES, after=LINES)
def test_what_a_diff_says_is_what_comes_out_and_the_second_time_changes_nothing(
    before: list[str], after: list[str]
) -> None:
    old, new = ("".join(f"{line}\n" for line in lines) for lines in (before, after))
    diff = "".join(difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), n=3))
    if not diff:
        return
    assert applied(old, diff).text == new
    assert applied(new, diff).text == new
