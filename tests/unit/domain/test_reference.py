"""References inside parameters."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Refused
from domain.reference import MAX_RENDERED, Reference, mapped, references, resolve

OUTPUTS: dict[str, Any] = {
    "t1": {"items": [{"name": "a"}, {"name": "b"}], "0": "zero", "n": 0, "none": None, "a-b": 1},
    "t2": "text",
    "列": [1, [2, 3]],
    "名": {"é": "名"},
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no reference", []),
        ("{{t1.output}}", [Reference("t1", ())]),
        ("{{ t1.output.items[0].name }}", [Reference("t1", ("items", 0, "name"))]),
        ("a {{t1.output}} b {{t-2.output[3]}}", [Reference("t1", ()), Reference("t-2", (3,))]),
        ("{{列.output.名}}", [Reference("列", ("名",))]),
        ("{{t1}}", []),
        ("{{t1.input}}", []),
        ("{t1.output}", []),
        ("{{t1.outputs}}", []),
        ("{{t1.output.}}", []),
        ("{{t1.output[x]}}", []),
        ("{{t1.output | upper}}", []),
        ("{{" + "x" * 65 + ".output}}", []),
        ("{{{{t1.output}}}}", [Reference("t1", ())]),
    ],
)
def test_references_in_a_text(text: str, found: list[Reference]) -> None:
    assert list(references(text)) == found


def test_references_anywhere_in_a_value() -> None:
    value = {"a": ["{{x.output}}", {"b": "{{y.output.z}}"}], "{{key.output}}": 1, "t": ("{{w.output}}",), "n": 7}
    assert [reference.node for reference in references(value)] == ["x", "y", "w"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{{t1.output.items}}", [{"name": "a"}, {"name": "b"}]),
        ("{{t1.output.items[1].name}}", "b"),
        ("{{t1.output.items.1.name}}", "b"),
        ("{{t1.output.0}}", "zero"),
        ("{{t1.output.n}}", 0),
        ("{{t1.output.none}}", None),
        ("{{t1.output.a-b}}", 1),
        ("{{列.output[1][0]}}", 2),
        ("n={{t1.output.n}}, {{t2.output}}", "n=0, text"),
        ("see {{列.output}}", "see [1, [2, 3]]"),
        (" {{t1.output.n}}", " 0"),
        ("see {{名.output}}", 'see {"é": "名"}'),
        ({"a": ["{{t2.output}}", 5], "b": True}, {"a": ["text", 5], "b": True}),
        (("{{t2.output}}",), ["text"]),
        ("{{t9.outputs}}", "{{t9.outputs}}"),
        (None, None),
    ],
)
def test_resolve(value: Any, expected: Any) -> None:
    assert resolve(value, OUTPUTS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{t9.output}}",
        "{{t1.output.missing}}",
        "{{t1.output[0]}}",
        "{{t1.output.items[2]}}",
        "{{t1.output.items.name}}",
        "{{t1.output.items.-1}}",
        "{{t1.output.items.1_0}}",
        "{{t1.output.n.x}}",
        "{{t1.output.none[0]}}",
        "{{t2.output[0]}}",
        "{{t2.output.upper}}",
        "text with {{t9.output}} inside",
    ],
)
def test_what_is_not_there_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        resolve({"p": [text]}, OUTPUTS)
    assert caught.value.key == "failure.bad_reference"


def test_what_comes_in_is_never_looked_at_again() -> None:
    outputs = {"a": "{{b.output}}", "b": "secret"}
    assert resolve("{{a.output}}", outputs) == "{{b.output}}"
    assert resolve("x {{a.output}}", outputs) == "x {{b.output}}"


def test_backslashes_and_groups_in_data_are_data() -> None:
    assert resolve("x {{a.output}}", {"a": r"\1 \g<0> \n"}) == r"x \1 \g<0> \n"


def test_a_long_text_is_cut_inside_another_and_whole_alone() -> None:
    long = "x" * (MAX_RENDERED + 1)
    assert resolve("{{a.output}}", {"a": long}) == long
    assert resolve("> {{a.output}}", {"a": long}) == "> " + "x" * MAX_RENDERED + "…"
    assert resolve("> {{a.output}}", {"a": long[:-1]}) == "> " + long[:-1]


def test_mapped_changes_strings_only() -> None:
    assert mapped({"a": ["x", 1, None, ("y",)]}, str.upper) == {"a": ["X", 1, None, ["Y"]]}
