"""References in other notations: read where they can mean one thing only."""

from __future__ import annotations

from typing import Any

import pytest

from domain.plan import Condition, Node, Op
from domain.plan_json.spelling import unclear
from domain.plan_repair.naming import respelled
from tests.unit.domain import build as b


def read(text: str, *dependencies: str, **more: Any) -> tuple[str, int]:
    """The text as it stands in the second of two tasks afterwards, and how many repairs that took."""
    nodes, repairs = respelled([b.node("t1"), b.node("t2", *dependencies, params={"p": text}, **more)])
    assert nodes[0] == b.node("t1")
    return nodes[1].params["p"], len(repairs)


PLAIN = [
    ("{{t1}}", "{{t1.output}}"),
    ("{{ t1 }}", "{{t1.output}}"),
    ("{{t1.outputs.x}}", "{{t1.output.x}}"),
    ("{{t1.result}}", "{{t1.output}}"),
    ("{{t1.x[0].y}}", "{{t1.output.x[0].y}}"),
    ("{{t1['a b']}}", "{{t1.output['a b']}}"),
    ("{{tasks.t1.output.x}}", "{{t1.output.x}}"),
    ("{{$t1.output}}", "{{t1.output}}"),
    ("$t1.x$", "{{t1.output.x}}"),
    ("5 * $t1.Ask Price$", "5 * {{t1.output['Ask Price']}}"),
    ("<node-1>", "{{t1.output}}"),
    ("<Node_1>", "{{t1.output}}"),
    ("<GENERATED>-1", "{{t1.output}}"),
    ("<GENERATED-1>", "{{t1.output}}"),
    ("<node-1>.x.y", "{{t1.output.x.y}}"),
    ("<output_of_t1>", "{{t1.output}}"),
    ("<output of node 1>", "{{t1.output}}"),
    ("from {{t1}} and <node-1>", "from {{t1.output}} and {{t1.output}}"),
]
LOOSE = [
    ("${t1.x}", "{{t1.output.x}}"),
    ("$t1", "{{t1.output}}"),
    ("$t1.x", "{{t1.output.x}}"),
    ("<t1>", "{{t1.output}}"),
]


@pytest.mark.parametrize(("written", "meant"), [*PLAIN, *LOOSE])
def test_what_is_waited_for_anyway_is_attested_twice(written: str, meant: str) -> None:
    assert read(written, "t1") == (meant, 0)
    assert read(meant, "t1") == (meant, 0)


@pytest.mark.parametrize(("written", "meant"), PLAIN)
def test_what_is_not_waited_for_is_told(written: str, meant: str) -> None:
    found, repairs = read(written)
    assert found == meant
    assert repairs >= 1


@pytest.mark.parametrize("written", [written for written, _ in LOOSE])
def test_what_looks_like_money_a_variable_or_a_tag_must_be_waited_for(written: str) -> None:
    assert read(written) == (written, 0)


@pytest.mark.parametrize(
    "written",
    ["$1", "costs $1 and $2.50$", "$HOME/$x", "<b>bold</b>", "{{title}} of it", "<node-1", "t1.output", "{t1}"],
)
def test_what_is_no_reference_is_left(written: str) -> None:
    assert read(written, "t1") == (written, 0)


@pytest.mark.parametrize("written", ["{{T1.output.x}}", "{{T-1.x}}", "{{Look.output.x}}", "<output_of_look>.x"])
def test_a_name_may_be_spelt_otherwise_and_that_is_told(written: str) -> None:
    nodes, repairs = respelled([b.node("t1"), Node(id="t2", skill="say", dependencies=("t1",), params={"p": written})])
    assert nodes[1].params["p"] == "{{t1.output.x}}"
    assert [(change.before, change.after) for change in repairs] == [(written, "{{t1.output.x}}")]


def test_conditions_and_lists_are_read_too() -> None:
    node = b.node("t2", "t1", condition=Condition(ref="{{t1.count}}", op=Op.GT, value=1), for_each="<node-1>")
    nodes, repairs = respelled([b.node("t1"), node])
    assert nodes[1].condition == Condition(ref="{{t1.output.count}}", op=Op.GT, value=1)
    assert (nodes[1].for_each, repairs) == ("{{t1.output}}", ())


def test_the_item_may_be_written_otherwise_where_there_is_one() -> None:
    assert (
        read("{{item['a b']}} {{item.result.x}}", "t1", for_each="{{t1.output}}")[0]
        == "{{item['a b']}} {{item.result.x}}"
    )
    assert read("${item.x}", "t1", for_each="{{t1.output}}") == ("{{item.x}}", 0)
    assert read("${item.x}", "t1") == ("${item.x}", 0)


# --- numbers --------------------------------------------------------------------------------------------------


def numbered(*links: tuple[int, ...], uses: dict[int, tuple[int, ...]], first: int = 0) -> tuple[list[Any], int]:
    """A plan of tasks `t0`, `t1`… with the given dependencies and `<node-j>` references; what is used afterwards."""
    nodes = [
        b.node(
            f"t{place + first}",
            *(f"t{other + first}" for other in others),
            params={"p": [f"<node-{number}>" for number in uses.get(place, ())]},
        )
        for place, others in enumerate(links)
    ]
    read, repairs = respelled(nodes)
    return [node.params["p"] for node in read], len(repairs)


def test_numbers_are_those_of_the_ids() -> None:
    chain = ((), (0,), (1,))
    assert numbered(*chain, uses={1: (0,), 2: (1,)}) == ([[], ["{{t0.output}}"], ["{{t1.output}}"]], 0)
    assert numbered(*chain, uses={1: (1,), 2: (2,)}, first=1) == ([[], ["{{t1.output}}"], ["{{t2.output}}"]], 0)


def test_who_counts_from_1_is_found_out_by_the_dependencies() -> None:
    """As Mistral does in TaskBench: read from 0, its tasks would use themselves."""
    chain = ((), (0,), (1,))
    assert numbered(*chain, uses={1: (1,), 2: (2,)}) == ([[], ["{{t0.output}}"], ["{{t1.output}}"]], 2)
    assert numbered(*chain, uses={1: (0,), 2: (1,)}, first=1) == ([[], ["{{t1.output}}"], ["{{t2.output}}"]], 2)


def test_what_fits_neither_way_is_not_guessed() -> None:
    chain = ((), (0,), (1,))
    used, repairs = numbered(*chain, uses={1: (0,), 2: (2, 7)})
    assert used == [[], ["{{t0.output}}"], ["<node-2>", "<node-7>"]]
    assert repairs == 0
    assert unclear(b.node("t2", params={"p": used[2]})) == ("<node-2>", "<node-7>")


def test_what_fits_both_ways_is_left() -> None:
    """Read from 0 it uses t2 without waiting for it, from 1 it uses t1, for which it waits."""
    used, repairs = numbered((), (0,), (), (1,), uses={3: (2,)})
    assert (used[3], repairs) == (["<node-2>"], 0)


def test_a_plan_that_refers_as_it_should_counts_as_it_should() -> None:
    nodes = [
        b.node("t0"),
        b.node("t1", "t0", params={"p": "<node-1>"}),
        b.node("t2", "t1", params={"p": "{{t1.output}}"}),
    ]
    read, repairs = respelled(nodes)
    assert [node.params.get("p") for node in read] == [None, "<node-1>", "{{t1.output}}"]
    assert repairs == ()


def test_without_numbers_in_the_ids_places_count_from_0() -> None:
    nodes = [b.node("a"), b.node("b", "a", params={"p": "<node-0>"})]
    assert respelled(nodes)[0][1].params == {"p": "{{a.output}}"}


def test_a_plan_without_references_is_left_alone() -> None:
    nodes = (b.node("a", params={"p": "text"}), b.node("b", "a"))
    assert respelled(nodes) == (nodes, ())
