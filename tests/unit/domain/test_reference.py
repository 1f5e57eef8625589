"""References inside parameters."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Refused
from domain.plan import Condition, Op
from domain.reference import (
    MAX_RENDERED,
    Reference,
    condition_met,
    mapped,
    node_references,
    references,
    renamed,
    resolve,
    whole_reference,
)
from tests.unit.domain import build as b

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
        ("{{t1.2.output.x}}", [Reference("t1.2", ("x",))]),
        ("{{a.b.c.d.output}}", [Reference("a.b.c.d", ())]),
        ("{{a.b.c.d.e.output}}", []),
        ("{{t1.output.output.x}}", [Reference("t1", ("output", "x"))]),
        ("{{output.output}}", [Reference("output", ())]),
        ("{{t1.output['Ask Price'][0]}}", [Reference("t1", ("Ask Price", 0))]),
        (
            "{{item}} {{ item.name }} {{item[2]}}",
            [Reference("item", ()), Reference("item", ("name",)), Reference("item", (2,))],
        ),
        ("{{item.output.x}}", [Reference("item", ("output", "x"))]),
        ("{{items.output}} {{item-1.output}}", [Reference("items", ()), Reference("item-1", ())]),
        ("{{items}}", []),
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


@pytest.mark.parametrize("text", ["{{t1.output}}", "{{a.1.output.x[0]['a b'].c}}", "{{item}}", "{{item.x[3]}}"])
def test_a_reference_is_written_as_it_is_read(text: str) -> None:
    whole = whole_reference(text)
    assert whole is not None
    assert whole.text == text
    assert whole_reference(f" {text}") is None


def test_the_item_is_filled_in_like_an_output() -> None:
    outputs = {"item": {"name": "a", "of": "{{t1.output}}"}, "t1.2": [7]}
    value = {"n": "{{item.name}}", "all": "{{item}}", "x": "{{item.of}} {{t1.2.output[0]}}"}
    assert resolve(value, outputs) == {"n": "a", "all": outputs["item"], "x": "{{t1.output}} 7"}
    with pytest.raises(Refused):
        resolve("{{item}}", {})


def test_renamed_changes_whose_output_it_is_and_nothing_else() -> None:
    value = {"a": ["{{a.output.a}} {{ab.output}} {{ a.output['a b'] }}", 3], "{{a.output}}": "{{item.a}} {{a}}"}
    assert renamed(value, {"a": "p.a"}) == {
        "a": ["{{p.a.output.a}} {{ab.output}} {{p.a.output['a b']}}", 3],
        "{{a.output}}": "{{item.a}} {{a}}",
    }
    assert renamed("{{a.output}} {{b.output}}", {"a": "b", "b": "a"}) == "{{b.output}} {{a.output}}"
    assert renamed("{{a.1.output}}", {"a": "x"}) == "{{a.1.output}}"


def test_a_node_needs_what_its_parameters_its_condition_and_its_list_name() -> None:
    condition = Condition(ref="{{c.output}}", op=Op.EXISTS)
    params = {"x": ["{{a.output}}", "{{item.y}}"], "y": "{{b.1.output}} {{a.output.z}}"}
    node = b.node("n", params=params, condition=condition, for_each="{{d.output}}")
    assert node_references(node) == ("a", "b.1", "c", "d")
    assert node_references(b.node("n")) == ()


CHECKED: dict[str, Any] = {
    "n": 3,
    "f": 2.5,
    "s": "Ten files",
    "num": "7",
    "t": True,
    "null": None,
    "list": ["a", 2],
    "o": {"k": 1},
    "day": "2026-03-01",
}


@pytest.mark.parametrize(
    ("path", "op", "value", "met"),
    [
        (".n", Op.EQ, 3, True),
        (".n", Op.EQ, "3", True),
        (".n", Op.EQ, "3.0", True),
        (".n", Op.EQ, True, False),
        (".n", Op.NE, "4", True),
        (".n", Op.NE, "3", False),
        (".n", Op.GT, 2, True),
        (".n", Op.GT, "2", True),
        (".n", Op.GT, 3, False),
        (".n", Op.GE, 3, True),
        (".num", Op.GT, 10, False),
        (".num", Op.LT, "10", True),
        (".f", Op.LE, 2.5, True),
        (".s", Op.GT, 3, False),
        (".s", Op.CONTAINS, "files", True),
        (".s", Op.CONTAINS, "TEN", True),
        (".s", Op.EQ, "ten files ", True),
        (".t", Op.EQ, "true", True),
        (".t", Op.EQ, True, True),
        (".t", Op.NE, "false", True),
        (".t", Op.GT, 0, False),
        (".list", Op.CONTAINS, "a", True),
        (".list", Op.CONTAINS, "2", True),
        (".list", Op.CONTAINS, "b", False),
        (".list", Op.GT, 1, False),
        (".list[0]", Op.EQ, "a", True),
        (".o", Op.CONTAINS, "k", True),
        (".o", Op.EQ, {"k": 1}, True),
        (".n", Op.CONTAINS, "3", False),
        (".day", Op.GT, "2026-02-11", True),
        (".day", Op.LT, "2026-02-11", False),
        (".n", Op.EXISTS, None, True),
        ("", Op.EXISTS, None, True),
        (".null", Op.EXISTS, None, False),
        (".missing", Op.EXISTS, None, False),
        (".missing", Op.NE, 3, False),
        (".missing", Op.EQ, None, False),
        (".null", Op.EQ, None, False),
        (".n", Op.LT, "NaN", False),
        (".n", Op.EQ, "nan", False),
        (".n", Op.LT, [1], False),
        (".n", Op.LT, "9" * 400, True),
    ],
)
def test_conditions(path: str, op: Op, value: Any, *, met: bool) -> None:
    assert condition_met(Condition(ref=f"{{{{a.output{path}}}}}", op=op, value=value), {"a": CHECKED}) is met


def test_a_condition_on_what_did_not_happen_is_not_met() -> None:
    assert not any(condition_met(Condition(ref="{{z.output}}", op=op, value=1), {"a": 1}) for op in Op)
